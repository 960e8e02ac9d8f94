from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from pipeline_api.auth import throttle
from pipeline_api.auth.throttle import (
    FREE_FAILURES,
    FREE_FAILURES_OF_A_NAME,
    FREE_FAILURES_OF_A_PLACE,
    LONGEST_QUEUE_S,
    TURN_S,
    SignInThrottle,
    network_of,
    wait_after,
)
from pipeline_api.database import Database, FailedSignInRow, SignInPlaceRow
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


def test_one_place_guesses_for_only_so_many_names(database: Database, clock: Callable[[float], None]) -> None:
    guard = SignInThrottle(database)

    async def spray() -> list[str]:
        return [await attempt(guard, f"user-{n}", good=False) for n in range(2 * FREE_FAILURES_OF_A_PLACE)]

    answers = anyio.run(spray)

    assert answers.count("401") == FREE_FAILURES_OF_A_PLACE + 1
    assert attempts(guard, 1, name="somebody-else", good=True) == ["429"]
    assert attempts(guard, 1, name="somebody-else", address="192.0.2.2", good=True) == ["200"]
    clock(1.1)
    assert attempts(guard, 1, name="somebody-else", good=True) == ["200"]


@pytest.fixture
def pauses() -> list[float]:
    """How long attempts were made to wait."""
    return []


@pytest.fixture
def besieged(database: Database, pauses: list[float]) -> SignInThrottle:
    """Alice has signed in at home; then her name was guessed from a hundred places and more."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    guard = SignInThrottle(database, pause)
    attempts(guard, 1, good=True, address="192.0.2.1")

    async def guess() -> None:
        for n in range(FREE_FAILURES_OF_A_NAME + 1):
            await attempt(guard, address=f"198.51.100.{n}", good=False)

    anyio.run(guess)
    return guard


def test_what_one_person_mistypes_slows_nobody_down(besieged: SignInThrottle, pauses: list[float]) -> None:
    assert pauses == []
    assert attempts(besieged, 1, name="bob", address="203.0.113.1", good=True) == ["200"]
    assert pauses == []


def test_who_is_guessed_everywhere_signs_in_at_home_at_once(
    besieged: SignInThrottle, pauses: list[float]
) -> None:
    assert attempts(besieged, 3, address="192.0.2.1", good=True) == ["200"] * 3
    assert pauses == []


def test_who_is_guessed_everywhere_waits_a_moment_elsewhere(
    besieged: SignInThrottle, pauses: list[float]
) -> None:
    attempts(besieged, 1, address="203.0.113.1", good=False)
    assert attempts(besieged, 1, address="203.0.113.2", good=True) == ["200"]
    assert 0 < pauses[0] <= TURN_S
    assert attempts(besieged, 1, address="203.0.113.2", good=True) == ["200"]
    assert len(pauses) == 1  # it is one of her places now


def test_many_places_get_only_so_many_guesses(besieged: SignInThrottle, pauses: list[float]) -> None:
    answers = [
        answer for n in range(50) for answer in attempts(besieged, 1, address=f"203.0.113.{n}", good=False)
    ]

    assert answers.count("401") <= LONGEST_QUEUE_S / TURN_S + 2
    assert set(answers) == {"401", "429"}
    assert max(pauses) <= LONGEST_QUEUE_S


def test_forgetting_a_name_ends_its_siege(besieged: SignInThrottle, pauses: list[float]) -> None:
    besieged.forget("alice")
    assert attempts(besieged, 2, address="203.0.113.1", good=False) == ["401"] * 2
    assert pauses == []


def test_only_so_many_places_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ROWS", 5)
    guard = SignInThrottle(database)
    for n in range(8):
        attempts(guard, 1, good=True, address=f"192.0.2.{n}")
    with database.reading() as session:
        assert session.query(SignInPlaceRow).count() == 5


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
            await attempt(guard, f"user-{index}", f"192.0.2.{index}", good=False)

    anyio.run(run)

    with database.reading() as session:
        assert session.query(FailedSignInRow).count() <= 5


def test_an_hour_without_failures_forgives_all(database: Database, clock: Callable[[float], None]) -> None:
    guard = SignInThrottle(database)
    attempts(guard, 20, good=False)
    clock(3700)

    assert attempts(guard, FREE_FAILURES + 1, good=False) == ["401"] * (FREE_FAILURES + 1)


def test_usernames_are_not_written_down(database: Database) -> None:
    attempts(SignInThrottle(database), 1, good=False, name="my-password-typed-into-the-wrong-field")

    with database.reading() as session:
        keys = [row.key for row in session.query(FailedSignInRow)]
    assert len(keys) == 3
    assert not any("password" in key for key in keys)


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
