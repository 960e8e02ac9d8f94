"""Watchers of one run, in front of a data-processor that counts how often it is asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect

from fake_processor import Call, FakeProcessor, Reply, problem
from pipeline_api import event_pages, hub
from pipeline_api.app import create_app
from pipeline_api.settings import Settings
from running import Gateway, Server

RUN = "/v1/runs/1/events"
Watch = Callable[..., AbstractAsyncContextManager[ClientConnection]]


@pytest.fixture
def watch(gateway: Gateway, live: Server) -> Watch:
    """Open a WebSocket on run 1, of `who` (admin) and after an event (0: from the first)."""

    def open_it(after: int = 0, who: dict[str, str] | None = None, **more: Any) -> connect:
        url = f"ws://127.0.0.1:{live.port}{RUN}?after={after}"
        return connect(url, additional_headers=who or gateway.admin, **{"max_queue": None, **more})

    return open_it


@pytest.fixture
def run(processor: FakeProcessor) -> "Run":
    return Run(processor)


class Run:
    """Run 1 of a processor."""

    def __init__(self, processor: FakeProcessor) -> None:
        self.processor = processor
        self.events = processor.events["1"] = []

    def goes_on(self, count: int = 1, **more: Any) -> None:
        """Let some things happen in it."""
        for _ in range(count):
            seq = len(self.events) + 1
            self.events.append({"seq": seq, "at": "2026-01-01T00:00:00Z", "type": "log", **more})

    def ends(self) -> None:
        self.processor.finished.add("1")

    def asked(self, *, waiting: bool) -> list[str]:
        """Return the questions for its events, those that wait or those that do not."""
        targets = [call.target for call in self.processor.calls if call.target.startswith(RUN)]
        return [target for target in targets if target.endswith("wait=0") is not waiting]


async def numbers(websocket: ClientConnection, count: int) -> list[int]:
    """Return the numbers of the next events."""
    async with asyncio.timeout(30):
        return [json.loads(await websocket.recv())["seq"] for _ in range(count)]


async def rest(websocket: ClientConnection) -> list[int]:
    """Return the numbers of all events until the run is closed."""
    async with asyncio.timeout(30):
        return [json.loads(message)["seq"] async for message in websocket]


async def until(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happens():  # noqa: ASYNC110 # it happens in another thread
            await asyncio.sleep(0.01)


def test_many_watchers_ask_the_processor_once(run: Run, watch: Watch) -> None:
    run.goes_on(3)

    async def follow(after_first: Callable[[], Awaitable[object]]) -> list[int]:
        async with watch() as websocket:
            first = await numbers(websocket, 3)
            await after_first()
            return first + await rest(websocket)

    async def all_of_them() -> list[list[int]]:
        together = asyncio.Barrier(11)
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(follow(together.wait)) for _ in range(10)]
            await together.wait()
            for _ in range(5):
                run.goes_on()
                await asyncio.sleep(0.1)
            run.ends()
        return [task.result() for task in watching]

    assert asyncio.run(all_of_them()) == [list(range(1, 9))] * 10
    questions = run.asked(waiting=True)
    assert len(questions) == len(set(questions)) <= 7  # one after each event, and one for the end
    assert len(run.asked(waiting=False)) == 1


def test_a_late_joiner_costs_the_processor_nothing(run: Run, watch: Watch) -> None:
    run.goes_on(20)

    async def join_late() -> list[int]:
        async with watch() as early:
            await numbers(early, 20)
            run.goes_on(5)
            await numbers(early, 5)
            async with watch() as late:
                return await numbers(late, 25)

    assert asyncio.run(join_late()) == list(range(1, 26))
    assert run.asked(waiting=False) == [f"{RUN}?after=0&wait=0"]  # by the first alone


def test_what_is_no_longer_kept_is_asked_for(run: Run, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "RECENT_BYTES", 1000)
    run.goes_on(2500)

    async def join_late() -> list[int]:
        async with watch(after=2499) as early:
            await numbers(early, 1)
            for _ in range(3):
                run.goes_on(10)
                await numbers(early, 10)
            async with watch() as late:
                found = await numbers(late, 2530)
                run.goes_on(1)
                assert await numbers(early, 1) == [2531]
                return found + await numbers(late, 1)

    assert asyncio.run(join_late()) == list(range(1, 2532))
    assert f"{RUN}?after=1000&wait=0" in run.asked(waiting=False)


def test_who_comes_back_misses_nothing_and_sees_nothing_twice(run: Run, watch: Watch) -> None:
    async def come_and_go() -> list[int]:
        seen: list[int] = []
        async with watch() as other:
            while len(seen) < 40:
                run.goes_on(3)
                async with watch(after=len(seen)) as websocket:
                    seen += await numbers(websocket, 2)
                    run.goes_on(1)  # while nobody of this name is there
            run.ends()
            async with watch(after=len(seen)) as websocket:
                seen += await rest(websocket)
            assert await rest(other) == seen
        return seen

    assert asyncio.run(come_and_go()) == list(range(1, len(run.events) + 1))


def test_a_slow_watcher_holds_nobody_up_and_still_gets_everything(
    run: Run, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RECENT_BYTES", 100_000)
    text = "x" * 20_000

    async def follow() -> tuple[list[int], list[int]]:
        async with watch(max_queue=1, compression=None) as slow, watch() as quick:
            found = []
            for _ in range(40):
                run.goes_on(20, message=text)  # 16 MB in all: more than sockets take
                found += await numbers(quick, 20)
            run.ends()
            found += await rest(quick)
            assert len(run.asked(waiting=False)) == 1  # the slow one has not asked for more
            return found, await rest(slow)

    quick, slow = asyncio.run(follow())
    assert quick == slow == list(range(1, 801))
    assert len(run.asked(waiting=False)) > 1


def test_recent_events_share_the_memory_for_them(
    run: Run, gateway: Gateway, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RECENT_BYTES", 5_000)
    processor.events["2"] = [{"seq": 1, "at": "2026-01-01T00:00:00Z", "type": "log"}]
    hubs = gateway.app.state.gateway.hubs

    def kept() -> int:
        return int(hubs._hubs[RUN]._size)

    with gateway.client.websocket_connect(f"{RUN}?after=0", headers=gateway.admin) as first:
        for _ in range(30):
            run.goes_on()
            first.receive_json()
        alone = kept()
        with gateway.client.websocket_connect("/v1/runs/2/events", headers=gateway.admin):
            run.goes_on(2)
            first.receive_json()
            first.receive_json()
            together = kept()

    assert 4_500 < alone < 5_500
    assert 2_000 < together < 3_100


def test_the_reader_leaves_with_the_last_watcher(run: Run, live: Server, watch: Watch) -> None:
    run.goes_on()
    hubs = live.app.state.gateway.hubs._hubs

    async def come_and_go() -> None:
        async with watch() as one, watch() as other:
            await numbers(one, 1)
            await numbers(other, 1)
            await one.close()
            run.goes_on()
            assert await numbers(other, 1) == [2]
            (shared,) = hubs.values()
        await until(lambda: not hubs)
        assert shared._reader is None
        before = len(run.processor.calls)
        run.goes_on()
        await asyncio.sleep(4 * hub.PACE_S)
        assert len(run.processor.calls) == before

    asyncio.run(come_and_go())


def test_the_reader_goes_on_in_the_name_of_who_stays(run: Run, gateway: Gateway, watch: Watch) -> None:
    erik, emma = gateway.new_user("erik", "engineer"), gateway.new_user("emma", "engineer")

    def names() -> list[str]:
        calls = [call for call in run.processor.calls if call.target.startswith(RUN)]
        return [call.caller["sub"] for call in calls if call.caller]

    async def come_and_go() -> None:
        async with watch(who=erik) as first, watch(who=emma) as second:
            await until(lambda: bool(run.asked(waiting=True)))
            assert set(names()) == {"erik"}
            await first.close()
            for number in (1, 2):
                run.goes_on()
                assert await numbers(second, 1) == [number]
        assert names()[-1] == "emma"

    asyncio.run(come_and_go())


def test_a_number_that_never_was_keeps_nothing_from_others(run: Run, watch: Watch) -> None:
    run.goes_on(2)

    async def follow() -> tuple[list[int], list[int]]:
        async with watch(after=1000) as wrong:
            await until(lambda: bool(run.asked(waiting=True)))
            async with watch() as right:
                found = await numbers(right, 2)
                await asyncio.sleep(4 * hub.PACE_S)
                run.goes_on()
                found += await numbers(right, 1)
            run.goes_on(998)
            return found, await numbers(wrong, 1)

    assert asyncio.run(follow()) == ([1, 2, 3], [1001])
    assert len(run.asked(waiting=False)) == 3  # one of the first, two of the other


def test_watchers_outlast_a_restart_of_the_processor(
    gateway: Gateway, gateway_settings: Callable[..., Settings]
) -> None:
    run = Run(FakeProcessor())
    run.goes_on(2)
    processor = Server(run.processor)
    server = Server(create_app(gateway_settings(processor_url=processor.url)))

    async def follow(seen_both: asyncio.Barrier) -> list[int]:
        url = f"ws://127.0.0.1:{server.port}{RUN}"
        async with connect(url, additional_headers=gateway.admin) as websocket:
            found = await numbers(websocket, 2)
            await seen_both.wait()
            return found + await rest(websocket)

    async def restart() -> list[list[int]]:
        seen_both = asyncio.Barrier(4)
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(follow(seen_both)) for _ in range(3)]
            await seen_both.wait()
            await asyncio.to_thread(processor.stop)
            run.goes_on(3)
            await asyncio.to_thread(processor.start)
            run.goes_on()
            run.ends()
        return [task.result() for task in watching]

    try:
        assert asyncio.run(restart()) == [list(range(1, 7))] * 3
    finally:
        server.stop()
        processor.stop()


@pytest.mark.parametrize("answer", [problem(404, "There is no run '1'."), Reply(body=b"no JSON")])
def test_an_answer_that_is_no_page_ends_it_for_all_and_not_for_ever(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, answer: Reply
) -> None:
    monkeypatch.setattr(hub, "WAIT_S", 0)
    client = gateway.client
    run.goes_on()

    with (
        client.websocket_connect(RUN, headers=gateway.admin) as one,
        client.websocket_connect(RUN, headers=gateway.admin) as other,
    ):
        assert [one.receive_json()["seq"], other.receive_json()["seq"]] == [1, 1]
        run.processor.on("GET", RUN, answer)
        for websocket in (one, other):
            with pytest.raises(WebSocketDisconnect) as closed:
                websocket.receive_json()
            assert closed.value.code == 1013
        run.processor.rules.clear()
        with client.websocket_connect(RUN, headers=gateway.admin) as later:
            assert later.receive_json()["seq"] == 1


def test_who_comes_after_a_failure_does_not_share_it(run: Run, watch: Watch) -> None:
    run.goes_on(600, message="x" * 20_000)  # more than sockets take

    async def fail_and_come() -> list[int]:
        async with watch(max_queue=1, compression=None), watch(after=600) as quick:
            await until(lambda: bool(run.asked(waiting=True)))
            run.processor.on("GET", RUN, problem(404, "There is no run '1'."))
            run.goes_on()
            assert await numbers(quick, 1) == [601]  # its question was asked before
            await quick.wait_closed()
            assert quick.close_code == 1013
            run.processor.rules.clear()
            async with watch(after=601) as later:
                run.goes_on()
                return await numbers(later, 1)

    assert asyncio.run(fail_and_come()) == [602]


def test_who_is_behind_waits_for_the_processor_as_well(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RECENT_BYTES", 0)
    monkeypatch.setattr(event_pages, "FIRST_PAUSE_S", 0.01)
    run.goes_on(1500)
    refusals = iter([problem(503, "Starting.")] * 3)

    def second_page_is_late(call: Call) -> Reply | Awaitable[Reply]:
        refusal = None if "after=0" in call.target else next(refusals, None)
        return refusal or run.processor._follow(call, RUN)

    run.processor.on("GET", RUN, second_page_is_late)
    with gateway.client.websocket_connect(RUN, headers=gateway.admin) as websocket:
        assert [websocket.receive_json()["seq"] for _ in range(1500)] == list(range(1, 1501))
    assert next(refusals, None) is None


def test_questions_of_many_who_begin_at_once_are_one(run: Run, watch: Watch) -> None:
    run.goes_on(5)

    async def slowly(call: Call) -> Reply:
        await asyncio.sleep(0.2)
        return await run.processor._follow(call, RUN)

    async def begin() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(begin_one())

    async def begin_one() -> None:
        async with watch() as websocket:
            assert await numbers(websocket, 5) == [1, 2, 3, 4, 5]

    run.processor.on("GET", RUN, slowly)
    asyncio.run(begin())
    assert len(run.asked(waiting=False)) == 1
