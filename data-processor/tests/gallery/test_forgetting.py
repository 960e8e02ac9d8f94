from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from data_processor.adapters.dvc_repository import DvcRepository
from data_processor.adapters.object_store import FolderStore, ObjectStoreError
from data_processor.database import Database
from data_processor.datasets.version_store import DatasetNotFoundError, VersionStore, repository
from data_processor.gallery.forgetting import Sweeping
from data_processor.pictures.service import open_pictures
from data_processor.rows import DatasetVersionRow, PersonRow
from data_processor.service.database import now
from gallery.conftest import DOOR, Door, add_face_model

PERSONS = f"/v1/models/{DOOR}/persons"
NAME = "Quetzalcoatl Zzyzx"
CONTACT = "quetzal@zzyzx.example"
AT_ONCE = timedelta()


@pytest.fixture
def sweep(door: Door) -> Callable[[], None]:
    """Do what the leading worker does every few seconds."""
    world = door.world
    store = VersionStore(world.database, repository(world.settings))
    sweeping = Sweeping(
        world.database, world.predictions, open_pictures(world.settings), store.purge_since, AT_ONCE
    )
    return sweeping.sweep


def files_with(folder: Path, *parts: bytes) -> list[str]:
    """Return the files below a folder in which one of these bytes are found."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(part in path.read_bytes() for part in parts)
    ]


def test_nobody_knows_a_forgotten_person_from_that_moment_on(door: Door) -> None:
    ann = door.knows("Ann", 1)
    assert door.call("DELETE", f"{PERSONS}/{ann}").status_code == 204
    assert door.call("GET", f"{PERSONS}/{ann}").status_code == 404
    assert door.call("DELETE", f"{PERSONS}/{ann}").status_code == 404
    assert door.ask(door.picture(1, 7))["label"] is None
    assert door.teach("Ann", door.picture(1)).status_code == 409  # the name is free when all is gone


def test_no_byte_of_a_forgotten_person_is_left(door: Door, sweep: Callable[[], None]) -> None:
    state = door.world.settings.state_dir
    person = door.knows(NAME, 1)
    door.call("PATCH", f"{PERSONS}/{person}", json={"contact": CONTACT})
    door.knows("Bob", 2)
    image = door.picture(1, 7)
    answer = door.ask(image, who="uma", role="user")
    assert answer["label"] == NAME
    door.say(answer["id"], correct=False, comment=f"{NAME} has a beard", who="uma", role="user")
    door.say(answer["id"], correct=True, label=NAME, who="erin", role="engineer")
    other = door.picture(2, 7)
    keeper = door.ask(other)
    face = door.call("GET", f"{PERSONS}/{person}").json()["pictures"][0]["id"]
    crop = door.call("GET", f"{PERSONS}/{person}/pictures/{face}").content
    snapshot(door, crop)
    traces = (NAME.encode(), CONTACT.encode(), person.encode(), crop[-300:-100], image.encode())
    assert files_with(state, *traces)
    door.call("DELETE", f"{PERSONS}/{person}")
    sweep()
    assert files_with(state, *traces) == []
    assert door.ask(other)["label"] == "Bob"
    assert door.call("GET", f"/v1/predictions/{keeper['id']}").json()["label"] == "Bob"
    redacted = door.call("GET", f"/v1/predictions/{answer['id']}").json()
    assert (redacted["label"], redacted["inputs"]) == (None, {})
    assert [given["comment"] for given in redacted["feedback"]] == [None, None]


def snapshot(door: Door, crop: bytes) -> None:
    """Store a dataset version with a face in it, as a run does."""
    settings = door.world.settings
    made = repository(settings).commit(
        DOOR, crop, {"kind": "snapshot", "rows": 1, "feedback_seq": 0, "sha256": "0"}, "a-run"
    )
    with door.world.database.transaction() as session:
        session.add(
            DatasetVersionRow(dataset=DOOR, version=made.number, revision=made.revision, **made.facts)
        )


def test_a_purged_version_says_why_it_cannot_be_read(door: Door, sweep: Callable[[], None]) -> None:
    person = door.knows("Ann", 1, 1)
    snapshot(door, b"a table with a face")
    door.call("DELETE", f"{PERSONS}/{person}")
    sweep()
    store = VersionStore(door.world.database, repository(door.world.settings))
    with pytest.raises(DatasetNotFoundError, match=r"was purged on .* because somebody in it was forgotten"):
        store.read(DOOR, 1)


def test_versions_from_before_a_person_was_enrolled_stay(door: Door, sweep: Callable[[], None]) -> None:
    snapshot(door, b"a table of before")
    person = door.knows("Ann", 1, 1)
    door.call("DELETE", f"{PERSONS}/{person}")
    sweep()
    assert repository(door.world.settings).read(DOOR, 1) == b"a table of before"


def test_whoever_is_kept_until_a_time_is_forgotten_then(door: Door, sweep: Callable[[], None]) -> None:
    person = door.knows("Ann", 1)
    set_date(door.world.database, person, timedelta(hours=1))
    sweep()
    assert door.call("GET", f"{PERSONS}/{person}").status_code == 200
    set_date(door.world.database, person, timedelta(seconds=-1))
    sweep()
    sweep()
    assert door.call("GET", PERSONS).json() == []


def set_date(database: Database, person: str, ahead: timedelta) -> None:
    with database.transaction() as session:
        session.get_one(PersonRow, person).keep_until = now() + ahead


def test_what_was_interrupted_is_finished(
    door: Door, sweep: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = door.knows(NAME, 1, 1)
    snapshot(door, b"a table with a face")
    door.call("DELETE", f"{PERSONS}/{person}")
    with monkeypatch.context() as broken:
        broken.setattr(DvcRepository, "purge", lambda *_: (_ for _ in ()).throw(OSError("no disk")))
        sweep()
        with door.world.database.reading() as session:
            assert session.get(PersonRow, person) is not None
    sweep()
    with door.world.database.reading() as session:
        assert session.get(PersonRow, person) is None
    assert files_with(door.world.settings.state_dir, NAME.encode()) == []


def test_a_person_who_cannot_be_forgotten_keeps_nobody_else_from_it(
    door: Door, sweep: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    persons = sorted(door.knows(f"{NAME} {number}", number, 1) for number in range(1, 4))
    broken = door.call("GET", f"{PERSONS}/{persons[0]}").json()["pictures"][0]["image"]
    set_date(door.world.database, persons[2], timedelta(seconds=-1))
    for person in persons[:2]:
        door.call("DELETE", f"{PERSONS}/{person}")
    delete = FolderStore.delete

    def fails(store: FolderStore, key: str) -> None:
        if key == broken:
            raise ObjectStoreError("The server does not answer.")
        delete(store, key)

    with monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr(FolderStore, "delete", fails)
        sweep()
        sweep()
    failed = [one["person"] for one in logged if one["event"] == "person_not_forgotten"]
    assert failed == [persons[0], persons[0]]
    assert files_with(door.world.settings.state_dir, persons[1].encode(), persons[2].encode()) == []
    sweep()
    assert files_with(door.world.settings.state_dir, *map(str.encode, persons)) == []


def test_a_former_name_that_somebody_else_has_now_is_theirs(door: Door, sweep: Callable[[], None]) -> None:
    first = door.knows("Ann", 1, 1)
    door.call("PATCH", f"{PERSONS}/{first}", json={"label": "Anna"})
    door.knows("Ann", 2, 1)
    theirs = door.ask(door.picture(2, 7))
    door.call("DELETE", f"{PERSONS}/{first}")
    sweep()
    assert door.call("GET", f"/v1/predictions/{theirs['id']}").json()["label"] == "Ann"
    assert [one["label"] for one in door.call("GET", PERSONS).json()] == ["Ann"]


@pytest.mark.services
def test_on_postgresql_a_person_is_enrolled_corrected_and_forgotten_as_well(
    new_world: Callable[..., Any], open_door: Callable[[Any], Door], wait_until: Any, new_postgres_url: Any
) -> None:
    world = new_world(records_url=new_postgres_url(), predictions_url=new_postgres_url())
    add_face_model(world)
    door = open_door(world)
    wait_until(lambda: door.state.manager.find(DOOR) is not None)
    person = door.knows(NAME, 1)
    image = door.picture(1, 7)
    answer = door.ask(image)
    assert answer["label"] == NAME
    door.say(answer["id"], correct=False, comment=f"{NAME} has a beard")
    assert door.ask(image)["label"] is None
    door.call("DELETE", f"{PERSONS}/{person}")
    store = VersionStore(world.database, repository(world.settings))
    pictures = open_pictures(world.settings)
    Sweeping(world.database, world.predictions, pictures, store.purge_since, AT_ONCE).sweep()
    redacted = door.call("GET", f"/v1/predictions/{answer['id']}").json()
    assert (redacted["label"], redacted["inputs"], redacted["feedback"][0]["comment"]) == (None, {}, None)
    assert door.call("GET", PERSONS).json() == []
    with world.database.reading() as session:
        assert session.get(PersonRow, person) is None


def test_what_a_process_still_records_while_it_has_yet_to_see_it_is_forgotten_as_well(
    door: Door, sweep: Callable[[], None]
) -> None:
    person = door.knows(NAME, 1)
    view = door.state.manager.gallery(DOOR)
    assert view is not None
    before = view.snapshot
    door.call("DELETE", f"{PERSONS}/{person}")
    store = VersionStore(door.world.database, repository(door.world.settings))
    patient = Sweeping(
        door.world.database, door.world.predictions, open_pictures(door.world.settings), store.purge_since
    )
    patient.sweep()  # too soon: others may not have seen it
    view.snapshot = before  # as in another process, for a moment
    late = door.ask(door.picture(1, 7))
    sweep()
    assert files_with(door.world.settings.state_dir, NAME.encode()) == []
    assert door.call("GET", f"/v1/predictions/{late['id']}").json()["label"] is None
