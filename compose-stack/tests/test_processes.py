import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from compose_stack.logs import ProcessLog
from compose_stack.processes import Process
from compose_stack.services import Service

SAYS_WHEN_IT_READS = """
import signal
signal.signal(signal.SIGHUP, lambda *_: print("reads again", flush=True))
print("reads", flush=True)
while True:
    signal.pause()
"""


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it took too long")


def test_a_process_is_told_when_a_file_that_it_reads_has_changed(tmp_path: Path) -> None:
    file, log = tmp_path / "users", tmp_path / "broker.log"
    file.write_text("one")
    command = (sys.executable, "-c", SAYS_WHEN_IT_READS)
    service = Service("broker", command, {}, None, rereads=(file, tmp_path / "not-yet-there"))

    said: list[str] = []

    async def play() -> None:
        process = Process(service, ProcessLog(log), said.append)
        keeping = asyncio.create_task(process.keep_running())
        await until(lambda: log.exists() and "reads\n" in log.read_text())
        (tmp_path / "draft").write_text("two")
        (tmp_path / "draft").replace(file)
        await until(lambda: log.read_text().count("again") == 1)
        (tmp_path / "not-yet-there").touch()
        await until(lambda: log.read_text().count("again") == 2)
        await process.stop()
        await keeping
        process.log.close()

    asyncio.run(play())
