import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from data_processor.features.packing import Numbers
from data_processor.models.policy import Policy
from data_processor.predictions.recorder import PredictionResult, Recorder, RecorderUnavailableError
from data_processor.predictions.recorders import open_recorder
from data_processor.predictions.records import Key, PredictionStore
from data_processor.service.errors import Conflict, NotReady, Problem
from data_processor.serving.answers import PredictionRequest
from data_processor.serving.batching import Batcher
from data_processor.serving.diagnosis import Limits
from data_processor.serving.loading import LoadedModel
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.tally import Tally
from data_processor.serving.validation import Validator
from data_processor.tasks.registry import row_task_of


class Echo:
    """An engine that answers each row with its own age, so that any mix-up shows."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = 0

    def predict(self, numeric: Numbers, strings: NDArray[np.object_]) -> NDArray[np.float32]:
        self.begun += 1
        assert self.gate.wait(60)
        self.asked.append(len(numeric))
        if (strings == "poison").any():
            raise RuntimeError("poisoned")
        share = numeric[:, :1] / 100
        if (strings == "nan-maker").any():
            share = share * np.nan
        return np.hstack([1 - share, share]).astype(np.float32)


class Counting:
    """A recorder that counts its transactions, and fails when it is told to."""

    def __init__(self, inner: Recorder) -> None:
        self._inner = inner
        self.transactions: list[int] = []
        self.failures: list[Exception] = []

    def write(self, batch: Sequence[PredictionResult]) -> list[bytes | None]:
        if self.failures:
            raise self.failures.pop(0)
        if any("stubborn" in row[8] for result in batch for row in result.rows):
            raise ValueError("The database does not take this.")
        self.transactions.append(len(batch))
        return self._inner.write(batch)

    def close(self) -> None:
        self._inner.close()


class Desk:
    """A batcher between an echo and a database."""

    def __init__(self, loaded: LoadedModel, engine: Echo, recorder: Counting, store: PredictionStore) -> None:
        self.loaded = loaded
        self.engine = engine
        self.recorder = recorder
        self.store = store
        self.batcher: Batcher

    async def ask(self, *ages: int, key: str | None = None, work: str = "Private") -> list[float]:
        rows = [
            {
                **{c.name: c.default_value for c in self.loaded.manifest.table.inputs},
                "age": age,
                "workclass": work,
            }
            for age in ages
        ]
        body = json.dumps({"inputs": rows}).encode()
        identity = Key("ann", key, body) if key else None
        assert isinstance(self.loaded.validator, Validator)
        checked = self.loaded.validator.check(body)
        request = PredictionRequest(
            self.loaded, checked, False, "ann", "0" * 32, identity, time.perf_counter()
        )
        answer = json.loads(await self.batcher.submit(request))
        return [prediction["probabilities"][">50K"] for prediction in answer["predictions"]]

    async def busy(self) -> None:
        """Wait until the batcher's thread stands at the engine's gate, whatever it took along."""
        deadline = time.monotonic() + 60
        while self.engine.begun == len(self.engine.asked):
            assert time.monotonic() < deadline, "Nothing was asked."
            await asyncio.sleep(0.001)

    def recorded(self) -> list[int]:
        return sorted(found.inputs["age"] for found in self.store.page("census-income", limit=100_000))


OpenDesk = Callable[..., Any]


@pytest.fixture
def open_desk(tmp_path: Path, tiny_versions: Any) -> OpenDesk:
    @asynccontextmanager
    async def make(max_waiting_rows: int = 1000) -> AsyncIterator[Desk]:
        url = f"sqlite:///{tmp_path / 'predictions.db'}"
        store = PredictionStore(url)
        store.create_tables()
        manifest, engine = tiny_versions["1"].manifest, Echo()
        recorder = Counting(open_recorder(url, 0.1))
        validator = Validator(manifest.table, Policy(), Limits(100_000))
        loaded = LoadedModel(
            model="census-income",
            stage="main",
            version="1",
            manifest=manifest,
            engine=engine,
            policy=Policy(),
            validator=validator,
            tally=Tally(manifest.table),
            describe=partial(row_task_of(manifest.table.task).answers, schema=manifest.table),
            head=b'{"predictions":[',
        )
        desk = Desk(loaded, engine, recorder, store)
        desk.batcher = Batcher(recorder, ModelMetrics(CollectorRegistry()), max_waiting_rows)
        try:
            yield desk
        finally:
            engine.gate.set()
            await desk.batcher.close()
            recorder.close()
            store.close()

    return make


def test_of_64_concurrent_questions_each_gets_its_own_answer(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            ages = list(range(17, 81))
            desk.engine.gate.clear()
            asking = [asyncio.create_task(desk.ask(age)) for age in ages]
            await desk.busy()
            desk.engine.gate.set()
            assert await asyncio.gather(*asking) == [[age / 100] for age in ages]
            assert desk.recorded() == ages
            assert len(desk.recorder.transactions) <= 2

    asyncio.run(play())


def test_whoever_waits_is_answered_in_one_inference_and_one_transaction(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.engine.gate.clear()
            first = asyncio.create_task(desk.ask(20))
            await desk.busy()
            others = [asyncio.create_task(desk.ask(age, age + 1)) for age in (30, 40, 50)]
            await asyncio.sleep(0)
            desk.engine.gate.set()
            assert await asyncio.gather(first, *others) == [[0.2], [0.3, 0.31], [0.4, 0.41], [0.5, 0.51]]
            assert desk.engine.asked == [1, 6]
            assert desk.recorder.transactions == [1, 3]

    asyncio.run(play())


def test_versions_in_one_batch_are_not_mixed(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            other = Desk(replace(desk.loaded, version="2"), desk.engine, desk.recorder, desk.store)
            other.batcher = desk.batcher
            desk.engine.gate.clear()
            tasks = [asyncio.create_task(place.ask(20 + n)) for n, place in enumerate([desk, other] * 3)]
            await desk.busy()
            desk.engine.gate.set()
            assert await asyncio.gather(*tasks) == [[(20 + n) / 100] for n in range(6)]
            versions = {found.inputs["age"]: found.version for found in desk.store.page("census-income")}
            assert versions == {20 + n: "12"[n % 2] for n in range(6)}

    asyncio.run(play())


@pytest.mark.parametrize("word", ["poison", "nan-maker", "stubborn"])
def test_one_bad_request_does_not_touch_its_neighbours(open_desk: OpenDesk, word: str) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.engine.gate.clear()
            first = asyncio.create_task(desk.ask(20))
            await desk.busy()
            good = [asyncio.create_task(desk.ask(age)) for age in (30, 40)]
            bad = asyncio.create_task(desk.ask(50, work=word))
            await asyncio.sleep(0)
            desk.engine.gate.set()
            assert await asyncio.gather(first, *good) == [[0.2], [0.3], [0.4]]
            with pytest.raises(Problem) as refused:
                await bad
            assert refused.value.status in (500, 503)
            assert desk.recorded() == [20, 30, 40]

    asyncio.run(play())


def test_a_bad_large_request_fails_alone(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            bad = asyncio.create_task(desk.ask(*[50] * 600, work="poison"))
            assert await desk.ask(20) == [0.2]
            with pytest.raises(Problem):
                await bad
            assert await desk.ask(*[21] * 600) == [0.21] * 600

    asyncio.run(play())


def test_a_caller_who_hangs_up_stops_nobody(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.engine.gate.clear()
            tasks = [asyncio.create_task(desk.ask(age)) for age in (20, 30, 40)]
            await desk.busy()
            tasks[1].cancel()
            await asyncio.sleep(0)
            desk.engine.gate.set()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert answers[::2] == [[0.2], [0.4]]
            assert isinstance(answers[1], asyncio.CancelledError)
            assert desk.recorded() == [20, 30, 40]
            assert desk.batcher._waiting_rows == 0

    asyncio.run(play())


def test_singles_are_answered_between_the_chunks_of_a_large_request(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk(max_waiting_rows=10_000) as desk:
            desk.engine.gate.clear()
            large = asyncio.create_task(desk.ask(*[20] * 2000))
            await desk.busy()
            single = asyncio.create_task(desk.ask(30))
            ended: list[asyncio.Task[list[float]]] = []
            for task in (large, single):
                task.add_done_callback(ended.append)
            await asyncio.sleep(0)
            desk.engine.gate.set()
            assert await single == [0.3]
            assert await large == [0.2] * 2000
            assert ended == [single, large]
            assert max(desk.engine.asked) == 256
            assert desk.recorder.transactions == [1, 1]

    asyncio.run(play())


def test_too_much_at_once_is_refused_at_once(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk(max_waiting_rows=3) as desk:
            desk.engine.gate.clear()
            waiting = [asyncio.create_task(desk.ask(age)) for age in (20, 30, 40)]
            await desk.busy()
            with pytest.raises(NotReady) as refused:
                await desk.ask(50)
            assert refused.value.headers["Retry-After"] == "1"
            desk.engine.gate.set()
            assert await asyncio.gather(*waiting) == [[0.2], [0.3], [0.4]]
            assert await desk.ask(50) == [0.5]

    asyncio.run(play())


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk(max_waiting_rows=3) as desk:
            assert await desk.ask(20, 30, 40, 50, 60) == [0.2, 0.3, 0.4, 0.5, 0.6]

    asyncio.run(play())


def test_what_cannot_be_recorded_is_not_answered(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.recorder.failures.append(RecorderUnavailableError("The disk is full."))
            with pytest.raises(NotReady, match="could not be recorded"):
                await desk.ask(20)
            assert await desk.ask(30) == [0.3]
            assert desk.recorded() == [30]

    asyncio.run(play())


def test_equal_keyed_requests_in_one_batch_share_one_answer(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.engine.gate.clear()
            tasks = [asyncio.create_task(desk.ask(20, key="k")) for _ in range(8)]
            other = asyncio.create_task(desk.ask(30, key="k"))
            await desk.busy()
            desk.engine.gate.set()
            assert await asyncio.gather(*tasks) == [[0.2]] * 8
            with pytest.raises(Conflict, match="already used for a different request"):
                await other
            assert desk.recorded() == [20]

    asyncio.run(play())


def test_closing_answers_those_who_wait_and_refuses_those_who_come(open_desk: OpenDesk) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            desk.engine.gate.clear()
            waiting = [asyncio.create_task(desk.ask(*[age] * 300)) for age in (20, 30)]
            await desk.busy()
            closing = asyncio.create_task(desk.batcher.close())
            await asyncio.sleep(0)
            desk.engine.gate.set()
            await closing
            assert [answer[0] for answer in await asyncio.gather(*waiting)] == [0.2, 0.3]
            with pytest.raises(NotReady):
                await desk.ask(40)

    asyncio.run(play())


def test_a_mistake_in_the_batcher_itself_is_survived(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        async with open_desk() as desk:
            with monkeypatch.context() as patched:
                patched.setattr(desk.batcher, "_answer", None)
                with pytest.raises(Problem, match="could not answer"):
                    await desk.ask(20)
            assert await desk.ask(30) == [0.3]

    asyncio.run(play())
