import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_processor.predictions.recorder import PredictionResult, Recorder, RecorderUnavailableError
from data_processor.predictions.recorder_sqlite import SqliteRecorder
from data_processor.predictions.recorders import open_recorder
from data_processor.predictions.records import Ids, Key, PredictionStore

IDS = Ids()


def row(subject: str = "ann", model: str = "m", **fields: Any) -> tuple[Any, ...]:
    values = {
        "id": IDS.take(1)[0],
        "model": model,
        "version": "1",
        "stage": "main",
        "pinned": False,
        "asked": True,
        "subject": subject,
        "at_us": time.time_ns() // 1000,
        "inputs": '{"age":39,"work":"a\\u0000b"}',
        "output": '{"label":"yes","probabilities":{"no":0.25,"yes":0.75}}',
        "flags": '["age: missing"]',
        "latency_ms": 1.25,
        "trace_id": "0" * 32,
        **fields,
    }
    return tuple(values.values())


def result(
    rows: int = 1, key: tuple[str, str, bytes] | None = None, response: bytes = b"answer", **fields: Any
) -> PredictionResult:
    made = [row(**fields) for _ in range(rows)]
    return PredictionResult(made, response, Key(*key) if key else None, time.time_ns() // 1000)


@pytest.fixture
def store(database_url: str) -> Iterator[PredictionStore]:
    store = PredictionStore(database_url)
    store.create_tables()
    yield store
    store.close()


@pytest.fixture
def new_recorder(database_url: str, store: PredictionStore) -> Iterator[Callable[[], Recorder]]:
    del store  # it has made the tables
    opened: list[Recorder] = []

    def make() -> Recorder:
        opened.append(open_recorder(database_url, 0.05))
        return opened[-1]

    yield make
    for recorder in opened:
        recorder.close()


@pytest.fixture
def recorder(new_recorder: Callable[[], Recorder]) -> Recorder:
    return new_recorder()


def test_what_was_recorded_is_read_back_as_it_was(recorder: Recorder, store: PredictionStore) -> None:
    asked = result()
    assert recorder.write([asked]) == [b"answer"]
    found = store.get(asked.rows[0][0])
    assert found is not None
    assert (found.model, found.version, found.stage, found.subject) == ("m", "1", "main", "ann")
    assert (found.pinned, found.asked, found.latency_ms) == (False, True, 1.25)
    assert found.inputs == {"age": 39, "work": "a\0b"}
    assert found.output["probabilities"] == {"no": 0.25, "yes": 0.75}
    assert found.flags == ["age: missing"]
    assert abs(found.at.timestamp() - time.time()) < 10


@pytest.mark.parametrize("rows", [1, 7, 8, 63, 64, 65, 300])
def test_a_batch_of_any_size_is_recorded_whole(recorder: Recorder, store: PredictionStore, rows: int) -> None:
    batch = [result(rows), result(2)]
    recorder.write(batch)
    ids = [recorded[0] for one in batch for recorded in one.rows]
    assert set(store.many(ids)) == set(ids)


def test_a_batch_is_recorded_whole_or_not_at_all(recorder: Recorder, store: PredictionStore) -> None:
    good, bad = result(), result(subject=None)
    with pytest.raises(Exception, match=r"(?i)null"):
        recorder.write([good, bad])
    assert store.get(good.rows[0][0]) is None
    assert recorder.write([good]) == [b"answer"]
    assert store.get(good.rows[0][0]) is not None


def test_pages_run_from_the_newest_back_and_hold_one_persons_or_everybodys(
    recorder: Recorder, store: PredictionStore
) -> None:
    batch = [result(3), result(2, subject="bob"), result(1, model="other")]
    recorder.write(batch)
    ids = [recorded[0] for one in batch[:2] for recorded in one.rows]
    assert [found.id for found in store.page("m", limit=2)] == ids[:2:-1]
    assert [found.id for found in store.page("m", limit=9, before=ids[3])] == ids[2::-1]
    assert [found.id for found in store.page("m", "bob")] == ids[:2:-1]
    assert store.page("m", "eve") == []


def test_the_same_key_and_body_is_recorded_once_and_answered_alike(
    recorder: Recorder, store: PredictionStore
) -> None:
    first = result(key=("ann", "k", b"body"), response=b"first")
    again = result(key=("ann", "k", b"body"), response=b"again")
    assert recorder.write([first]) == [b"first"]
    assert recorder.write([again]) == [b"first"]
    assert [found.id for found in store.page("m")] == [first.rows[0][0]]


def test_two_equal_requests_in_one_batch_are_recorded_once(
    recorder: Recorder, store: PredictionStore
) -> None:
    batch = [result(key=("ann", "k", b"body"), response=said) for said in (b"one", b"two")]
    answers = recorder.write([*batch, result(response=b"neighbour")])
    assert answers == [b"one", b"one", b"neighbour"]
    assert len(store.page("m")) == 2


def test_a_key_with_another_body_gets_no_answer(recorder: Recorder, store: PredictionStore) -> None:
    recorder.write([result(key=("ann", "k", b"body"))])
    assert recorder.write([result(key=("ann", "k", b"other")), result(response=b"fine")]) == [
        None,
        b"fine",
    ]
    assert len(store.page("m")) == 2
    assert store.earlier(Key("ann", "k", b"body")) == (b"answer", True)
    assert store.earlier(Key("ann", "k", b"other")) == (b"answer", False)
    assert store.earlier(Key("bob", "k", b"body")) is None


def test_a_key_belongs_to_its_subject(recorder: Recorder) -> None:
    recorder.write([result(key=("ann", "k", b"body"), response=b"for ann")])
    assert recorder.write([result(key=("bob", "k", b"body"), response=b"for bob")]) == [b"for bob"]


def test_replicas_that_race_for_the_same_keys_agree_on_one_answer_each(
    new_recorder: Callable[[], Recorder], store: PredictionStore
) -> None:
    keys = [f"key-{number}" for number in range(20)]
    answers: dict[int, list[bytes | None]] = {}
    barrier = threading.Barrier(4)

    def replica(number: int) -> None:
        recorder = new_recorder()
        mine = keys if number % 2 else keys[::-1]
        batch = [result(key=("ann", key, b"body"), response=f"{number} {key}".encode()) for key in mine]
        barrier.wait()
        said = dict(zip(mine, recorder.write(batch), strict=True))
        answers[number] = [said[key] for key in keys]

    threads = [threading.Thread(target=replica, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(said == answers[0] for said in answers.values())
    assert len(store.page("m", limit=1000)) == len(keys)


def test_old_answers_to_keys_are_forgotten(recorder: Recorder, store: PredictionStore) -> None:
    recorder.write([result(key=("ann", "k", b"body"))])
    assert store.expire_keys(0) == 0
    assert store.expire_keys(time.time_ns() // 1000 + 1) == 1
    assert store.earlier(Key("ann", "k", b"body")) is None


def test_tables_can_be_made_by_several_at_once(database_url: str) -> None:
    stores = [PredictionStore(database_url) for _ in range(12)]
    failures: list[Exception] = []

    def make(store: PredictionStore) -> None:
        try:
            store.create_tables()
        except Exception as error:  # noqa: BLE001  # the test tells
            failures.append(error)

    threads = [threading.Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert failures == []


def test_a_database_that_is_locked_for_good_is_unavailable(tmp_path: Path) -> None:
    store = PredictionStore(f"sqlite:///{tmp_path / 'predictions.db'}")
    store.create_tables()
    recorder, other = (SqliteRecorder(tmp_path / "predictions.db", 60) for _ in range(2))
    recorder._connection.execute("PRAGMA busy_timeout=10")
    other._connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecorderUnavailableError):
        recorder.write([result()])
    other._connection.execute("ROLLBACK")
    assert recorder.write([result()]) == [b"answer"]
    for one in (recorder, other, store):
        one.close()


def test_the_log_is_folded_into_the_file_in_the_background(tmp_path: Path) -> None:
    path = tmp_path / "predictions.db"
    store = PredictionStore(f"sqlite:///{path}")
    store.create_tables()
    size = path.stat().st_size
    recorder = SqliteRecorder(path, 0.02)
    recorder.write([result(200)])
    deadline = time.monotonic() + 60
    while path.stat().st_size == size and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.stat().st_size > size
    recorder.close()
    store.close()


@pytest.mark.services
def test_postgresql_is_found_again_after_the_connection_broke(postgres_url: str) -> None:
    store = PredictionStore(postgres_url)
    store.create_tables()
    recorder = open_recorder(postgres_url, 1)
    recorder.write([result()])
    with store.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
    with pytest.raises(RecorderUnavailableError):
        recorder.write([result()])
    assert recorder.write([result()]) == [b"answer"]
    recorder.close()
    store.close()


def test_ids_are_unique_and_sort_by_time() -> None:
    ids = Ids()
    taken = [*ids.take(1000), *ids.take(1), *ids.take(1000)]
    assert taken == sorted(set(taken))
    assert Ids().take(1)[0] > taken[0]
