from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from pipeline_api.database import Database, MqttSessionRow
from pipeline_api.mqtt.leases import Leases
from pipeline_api.service.database import now


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    made.create_tables()
    yield made
    made.close()


def let_all_expire(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(MqttSessionRow).values(until=now() - timedelta(seconds=1)))


def test_each_gateway_has_a_session_of_its_own(database: Database) -> None:
    one, other = Leases(database, "one"), Leases(database, "other")

    assert [one.take(), other.take()] == [1, 2]
    assert not one.alone()
    assert one.take_abandoned() is None
    assert one.renew() == {1}


def test_the_session_of_a_gateway_that_is_gone_goes_to_the_next(database: Database) -> None:
    one, other = Leases(database, "one"), Leases(database, "other")
    one.take()
    let_all_expire(database)

    assert other.alone()
    assert other.take() == 1
    assert one.renew() == set()


def test_a_gateway_that_runs_takes_an_abandoned_one_and_ends_it(database: Database) -> None:
    one, other = Leases(database, "one"), Leases(database, "other")
    one.take()
    let_all_expire(database)
    with database.transaction() as session:
        session.add(MqttSessionRow(number=2, holder="other", until=now() + timedelta(seconds=6)))

    assert other.take_abandoned() == 1
    one.free(1, ended=True)  # no longer its own: nothing happens
    assert other.renew() == {1, 2}
    other.free(1, ended=True)
    assert other.renew() == {2}


def test_a_session_that_is_left_is_taken_at_once(database: Database) -> None:
    Leases(database, "one").take()

    Leases(database, "one").free(1, ended=False)

    assert Leases(database, "other").take() == 1
