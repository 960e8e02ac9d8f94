from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from pipeline_api.auth import throttle
from pipeline_api.auth.throttle import FREE_FAILURES, SignInThrottle, network_of, wait_after
from pipeline_api.database import Database, FailedSignInRow
from pipeline_api.service.database import now
from pipeline_api.service.errors import TooManyRequests, Unauthenticated


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    database.create_tables()
    yield database
    database.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what lets seconds pass."""
    offset = timedelta()

    def later() -> datetime:
        return now() + offset

    def wait(seconds: float) -> None:
        nonlocal offset
        offset += timedelta(seconds=seconds)

    monkeypatch.setattr(throttle, "now", later)
    return wait


def refuse() -> None:
    raise Unauthenticated("wrong")


async def attempt(
    guard: SignInThrottle, name: str = "alice", address: str = "192.0.2.1", *, good: bool
) -> str:
    """Return what came of one attempt to sign in."""
    try:
        async with guard.attempt(name, address):
            if not good:
                refuse()
    except TooManyRequests:
        return "429"
    except Unauthenticated:
        return "401"
    return "200"


def attempts(guard: SignInThrottle, count: int, **how: object) -> list[str]:
    async def run() -> list[str]:
        return [await attempt(guard, **how) for _ in range(count)]  # type: ignore[arg-type]  # as given

    return anyio.run(run)


def test_the_first_failures_are_free_then_one_waits(database: Database) -> None:
    guard = SignInThrottle(database)

    assert attempts(guard, FREE_FAILURES + 3, good=False) == ["401"] * (FREE_FAILURES + 1) + ["429"] * 2


def test_a_right_password_does_not_pass_while_one_waits(database: Database) -> None:
    guard = SignInThrottle(database)
    attempts(guard, FREE_FAILURES + 1, good=False)

    assert attempts(guard, 1, good=True) == ["429"]


def test_the_wait_is_named_and_ends(database: Database, clock: Callable[[float], None]) -> None:
    guard = SignInThrottle(database)
    attempts(guard, FREE_FAILURES + 1, good=False)
    clock(1.1)

    assert attempts(guard, 1, good=True) == ["200"]


def test_signing_in_forgives_all_failures(database: Database) -> None:
    guard = SignInThrottle(database)
    attempts(guard, FREE_FAILURES, good=False)
    attempts(guard, 1, good=True)

    assert attempts(guard, FREE_FAILURES, good=False) == ["401"] * FREE_FAILURES


def test_the_wait_doubles_up_to_five_minutes() -> None:
    waits = [wait_after(failures) for failures in range(1, 20)]

    assert waits[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert waits[-1] == 300


def test_a_victim_signs_in_from_elsewhere(database: Database) -> None:
    guard = SignInThrottle(database)
    attempts(guard, 20, good=False, address="192.0.2.1")

    assert attempts(guard, 1, good=True, address="192.0.2.2") == ["200"]


def test_another_user_signs_in_from_the_same_address(database: Database) -> None:
    guard = SignInThrottle(database)
    attempts(guard, 20, good=False, name="alice")

    assert attempts(guard, 1, good=True, name="bob") == ["200"]


def test_a_restart_forgives_nothing(database: Database) -> None:
    attempts(SignInThrottle(database), 20, good=False)

    assert attempts(SignInThrottle(database), 1, good=True) == ["429"]


def test_many_attempts_at_once_are_no_way_around(database: Database) -> None:
    guard = SignInThrottle(database)
    answers: list[str] = []

    async def one() -> None:
        answers.append(await attempt(guard, good=False))

    async def many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(one)

    anyio.run(many)

    assert answers.count("401") <= FREE_FAILURES + 1
    assert answers.count("429") == 64 - answers.count("401")


def test_right_passwords_at_once_all_pass(database: Database) -> None:
    guard = SignInThrottle(database)
    answers: list[str] = []

    async def one() -> None:
        answers.append(await attempt(guard, good=True))

    async def many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one)

    anyio.run(many)

    assert answers == ["200"] * 8


def test_only_so_many_failures_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ROWS", 5)
    guard = SignInThrottle(database)

    async def run() -> None:
        for index in range(12):
            await attempt(guard, f"user-{index}", good=False)

    anyio.run(run)

    with database.reading() as session:
        assert session.query(FailedSignInRow).count() == 5


def test_an_hour_without_failures_forgives_all(database: Database, clock: Callable[[float], None]) -> None:
    guard = SignInThrottle(database)
    attempts(guard, 20, good=False)
    clock(3700)

    assert attempts(guard, FREE_FAILURES + 1, good=False) == ["401"] * (FREE_FAILURES + 1)


def test_usernames_are_not_written_down(database: Database) -> None:
    attempts(SignInThrottle(database), 1, good=False, name="my-password-typed-into-the-wrong-field")

    with database.reading() as session:
        (row,) = session.query(FailedSignInRow)
    assert "password" not in row.key


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_a_whole_ipv6_network_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
