"""A platform of two tiny processes under the real supervisor: `small_platform.py STATE_DIR KIND PORT`.

`front` answers on PORT; `back` starts a process of its own and writes both ids to `back.pids`. KIND changes
`back`: `dying` ends at once, `deaf` ignores SIGTERM, `missing` is not a program.
"""

import asyncio
import sys
from pathlib import Path

from compose_stack.services import Service
from compose_stack.settings import CannotStart, Settings
from compose_stack.supervisor import Supervisor

FRONT = """
import http.server, signal, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'ok')
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
def end(*_): print('front ends', time.monotonic()); sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('front listens')
server.serve_forever()
"""
BACK = """
import os, pathlib, signal, subprocess, sys, time
def end(*_): print('back ends', time.monotonic()); sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == 'deaf' else end)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
pids = pathlib.Path(sys.argv[1], 'back.pids')
pids.with_suffix('.new').write_text(f'{os.getpid()} {child.pid}')
pids.with_suffix('.new').rename(pids)
while True: time.sleep(0.05)
"""
DYING = "import sys; print('no such model'); sys.exit(3)"


async def main(state_dir: Path, kind: str, port: str) -> None:
    settings = Settings.from_environment({"STATE_DIR": str(state_dir)})
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    python = (sys.executable, "-c")
    back: tuple[str, ...] = (*python, BACK, str(state_dir), kind)
    if kind == "dying":
        back = (*python, DYING)
    if kind == "missing":
        back = ("/no/such/program",)
    never = "http://127.0.0.1:1/"
    services = (
        Service("front", (*python, FRONT, port), {"PYTHONUNBUFFERED": "1"}, f"http://127.0.0.1:{port}/"),
        Service("back", back, {"PYTHONUNBUFFERED": "1"}, never if kind == "dying" else None, 1),
    )
    await Supervisor(settings, services, say).run(on_progress=say, on_ready=lambda _: say("all is ready"))
    say("stopped")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
    except CannotStart as error:
        say(str(error))
        sys.exit(1)
