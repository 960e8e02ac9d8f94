import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.rows import ModelRow, PromotionRow, VersionRow, WatchRow
from data_processor.service.errors import Conflict, NotFound

M, MAIN = "m", "main"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.create_tables()
    with database.transaction() as session:
        session.add(
            ModelRow(
                name=M,
                task="tabular-classification",
                dataset="d",
                target="t",
                salt="s",
                policy=Policy().model_dump(mode="json"),
            )
        )
        for version in "1234":
            session.add(
                VersionRow(
                    model=M,
                    version=version,
                    manifest={"receipt": {"verdict": "hold" if version == "4" else "promote"}},
                    artefact_uri="nowhere",
                )
            )
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def promote(ledger: Ledger, version: str, **options: Any) -> PromotionRow:
    return ledger.promote(M, MAIN, version, options.pop("subject", "ann"), "because", **options)


def serves(ledger: Ledger) -> str | None:
    entry = ledger.current(M, MAIN)
    return entry.version if entry else None


def test_the_stage_serves_what_was_promoted_last(ledger: Ledger) -> None:
    assert serves(ledger) is None
    first, second = promote(ledger, "1"), promote(ledger, "2")
    assert (first.seq, first.previous, second.seq, second.previous) == (1, None, 2, "1")
    assert serves(ledger) == "2"
    assert ledger.all_current(MAIN)[M].id == second.id
    assert ledger.all_current("staging") == {}
    assert [entry.version for entry in ledger.entries(M)] == ["2", "1"]


def test_a_version_without_a_receipt_needs_an_override(ledger: Ledger) -> None:
    with pytest.raises(Conflict, match="no receipt that says promote: its gate said 'hold'"):
        promote(ledger, "4")
    assert promote(ledger, "4", override=True).version == "4"


def test_what_waits_for_a_maintainer_is_promoted_by_one_and_not_by_the_platform(ledger: Ledger) -> None:
    receipt = {"verdict": "promote", "waits": "One rater must not decide alone."}
    with pytest.raises(Conflict, match=r"waits for a maintainer\. One rater must not decide alone\."):
        promote(ledger, "1", subject=PLATFORM, receipt=receipt)
    assert promote(ledger, "1", subject="mia", receipt=receipt).receipt == receipt


def test_what_waits_for_a_maintainer_may_show_itself_in_staging(ledger: Ledger) -> None:
    receipt = {"verdict": "promote", "waits": "One rater must not decide alone."}
    assert ledger.promote(M, "staging", "1", PLATFORM, "Main trained it.", receipt=receipt).version == "1"


def test_a_receipt_given_with_the_promotion_counts(ledger: Ledger) -> None:
    assert promote(ledger, "4", receipt={"verdict": "promote"}).receipt == {"verdict": "promote"}


def test_unknown_models_and_versions_are_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="no version '9'"):
        promote(ledger, "9")
    with pytest.raises(NotFound, match="no model 'x'"):
        ledger.promote("x", MAIN, "1", "ann", "because")


def test_what_is_served_already_is_not_promoted_again(ledger: Ledger) -> None:
    promote(ledger, "1")
    with pytest.raises(Conflict, match="already serves version 1"):
        promote(ledger, "1")


def test_a_stage_that_moved_meanwhile_is_a_conflict(ledger: Ledger) -> None:
    promote(ledger, "1", expected_version=None)
    with pytest.raises(Conflict, match="moved meanwhile") as refused:
        promote(ledger, "2", expected_version=None)
    assert refused.value.extra == {"version": "1"}
    assert promote(ledger, "2", expected_version="1").seq == 2


def test_a_run_promotes_once_however_often_it_asks(ledger: Ledger) -> None:
    first = promote(ledger, "1", run="run", expected_version=None)
    assert promote(ledger, "1", run="run", expected_version=None).id == first.id
    promote(ledger, "2")
    assert promote(ledger, "1", run="run", expected_version=None).id == first.id
    assert serves(ledger) == "2"


def test_a_barred_version_is_for_people_to_promote(ledger: Ledger) -> None:
    promote(ledger, "1")
    promote(ledger, "2")
    ledger.rollback(M, MAIN, "loopkeeper", "worse", bar="its predecessor answers better")
    with pytest.raises(Conflict, match="barred from automatic promotion: its predecessor"):
        promote(ledger, "2", subject="loopkeeper")
    assert promote(ledger, "2").version == "2"


def test_main_may_demand_that_staging_served_a_version_first(database: Database) -> None:
    ledger = Ledger(database, staging_required=True)
    with pytest.raises(Conflict, match="not been served in staging"):
        promote(ledger, "1")
    ledger.promote(M, "staging", "1", "ann", "try it")
    assert promote(ledger, "1").stage == MAIN
    assert promote(ledger, "2", override=True).version == "2"


def test_rolling_back_repeatedly_walks_back(ledger: Ledger) -> None:
    for version in "123":
        promote(ledger, version)
    assert ledger.rollback(M, MAIN, "ann", "worse").version == "2"
    second = ledger.rollback(M, MAIN, "ann", "still worse")
    assert (second.version, second.previous, second.kind) == ("1", "2", "rollback")
    with pytest.raises(Conflict, match="no earlier version"):
        ledger.rollback(M, MAIN, "ann", "further")
    promote(ledger, "3")
    assert ledger.rollback(M, MAIN, "ann", "worse").version == "1"


def test_a_rollback_skips_versions_that_were_deleted(ledger: Ledger, database: Database) -> None:
    for version in "123":
        promote(ledger, version)
    with database.transaction() as session:
        session.delete(session.get(VersionRow, (M, "2")))
    assert ledger.rollback(M, MAIN, "ann", "worse").version == "1"


def test_a_rollback_of_a_stage_that_moved_is_a_conflict(ledger: Ledger) -> None:
    promote(ledger, "1")
    promote(ledger, "2")
    promote(ledger, "3")
    with pytest.raises(Conflict, match="moved meanwhile"):
        ledger.rollback(M, MAIN, "loopkeeper", "worse", expected_version="2")


def test_each_promotion_is_watched_until_the_next_entry(ledger: Ledger, database: Database) -> None:
    def watches() -> list[tuple[str, str, str]]:
        with database.reading() as session:
            rows = session.scalars(select(WatchRow).order_by(WatchRow.at))
            return [(row.version, row.predecessor, row.state) for row in rows]

    promote(ledger, "1")
    assert watches() == []
    promote(ledger, "2")
    promote(ledger, "3")
    assert watches() == [("2", "1", "superseded"), ("3", "2", "open")]
    ledger.rollback(M, MAIN, "ann", "worse")
    assert watches()[-1] == ("3", "2", "superseded")


def test_an_entry_inside_a_transaction_that_fails_never_was(ledger: Ledger, database: Database) -> None:
    with contextlib.suppress(RuntimeError), database.transaction() as session:
        ledger.promote(M, MAIN, "1", "ann", "because", session=session)
        raise RuntimeError
    assert serves(ledger) is None


def test_of_many_that_expect_the_same_one_wins(database_url: str, ledger: Ledger) -> None:
    promote(ledger, "1")
    barrier = threading.Barrier(8)

    def compete(number: int) -> str:
        database = Database(database_url)
        barrier.wait()
        try:
            return (
                Ledger(database)
                .promote(M, MAIN, "23"[number % 2], f"person {number}", "mine", expected_version="1")
                .version
            )
        except Conflict:
            return "conflict"
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(compete, range(8)))
    assert sorted(outcomes)[1:] == ["conflict"] * 7
    assert [entry.seq for entry in ledger.entries(M)] == [2, 1]


TOGGLE = """
import sys
from data_processor.database import Database
from data_processor.models.ledger import Ledger
from data_processor.service.errors import Conflict
ledger, made = Ledger(Database(sys.argv[1])), 0
for version in "12" * 5:
    try:
        ledger.promote("m", "main", version, "ann", "because")
        made += 1
    except Conflict:
        pass
print(made)
"""


def test_processes_that_promote_at_once_number_their_entries_without_gaps(
    database_url: str, ledger: Ledger
) -> None:
    command = [sys.executable, "-c", TOGGLE, database_url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    made = sum(int(process.communicate(timeout=180)[0]) for process in processes)
    entries = sorted(ledger.entries(M), key=lambda entry: entry.seq)
    assert [entry.seq for entry in entries] == list(range(1, made + 1))
    assert made >= 10
    assert all(later.previous == earlier.version for earlier, later in pairwise(entries))


def test_the_ledger_is_unique_even_without_any_lock(database: Database) -> None:
    def entry(number: int) -> PromotionRow:
        return PromotionRow(
            id=str(number), model=M, stage=MAIN, seq=1, version="1", kind="promotion", subject="a", reason="b"
        )

    with database.transaction() as session:
        session.add(entry(1))
    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as session:
        session.add(entry(2))
