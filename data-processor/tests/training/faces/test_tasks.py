from collections.abc import Callable
from pathlib import Path

import pytest

from data_processor.models.manifest import RECOGNISER_FILE
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser, load_recogniser
from data_processor.training.faces.candidates import Signatures, candidates
from tasks.faces.networks import write_networks
from training.faces.conftest import Doorway

Crops = list[list[bytes]]


def recogniser_of(doorway: Doorway, version: str, extractors: Extractors | None = None) -> Recogniser:
    folder = doorway.shop.registry.directory(doorway.model, version)
    return load_recogniser((folder / RECOGNISER_FILE).read_bytes(), extractors or Extractors())


@pytest.mark.usefixtures("children_in_process")
def test_a_first_version_is_served_before_anybody_is_enrolled(doorway: Doorway) -> None:
    run = doorway.run("initial")
    assert (run.status, run.error) == ("succeeded", None)
    assert run.gate["verdict"] == "promote"
    assert "nothing to compare" in run.gate["reason"]
    assert doorway.served() == run.version
    served = recogniser_of(doorway, run.version)
    assert (served.extractor.name, served.projection) == ("lbp", None)


@pytest.mark.usefixtures("tasks")
def test_a_run_learns_from_the_gallery_and_meets_the_gate_on_persons_held_out(
    doorway: Doorway, drawn_crops: Crops
) -> None:
    doorway.run("initial")
    doorway.enrol(drawn_crops)
    run = doorway.run()
    assert (run.status, run.error) == ("succeeded", None)
    assert run.gate["verdict"] in {"promote", "hold", "reject"}
    assert (run.gate["slice"], run.gate["test"], run.gate["metric"]) == ("reference", "sign-flip", "accuracy")
    held_out = run.gate["groups"]
    assert 5 <= held_out <= 20
    assert run.gate["n"] == 2 * 4 * held_out  # each picture is asked about twice
    tried = [line["candidate"] for line in run.leaderboard if line["candidate"]["estimator"] == "lbp"]
    assert {one["params"]["projection"] for one in tried} == {True, False}
    manifest = doorway.shop.registry.manifest(doorway.model, run.version)
    assert manifest.engine == "arrays"
    assert set(manifest.metrics) == {"accuracy", "known_accepted", "unknown_accepted", "rank_1"}
    assert set(manifest.artefacts) == {RECOGNISER_FILE}
    version = doorway.shop.store.versions(doorway.model)[-1]
    assert (version.rows, version.kind) == (240, "snapshot")


@pytest.mark.usefixtures("children_in_process")
def test_with_few_persons_the_gate_holds_and_says_so(doorway: Doorway, drawn_crops: Crops) -> None:
    first = doorway.run("initial")
    doorway.enrol(drawn_crops[:8])
    run = doorway.run()
    assert run.gate["verdict"] == "hold"
    assert "too few groups" in run.gate["reason"] or "no rows to decide on" in run.gate["reason"]
    assert doorway.served() == first.version


def test_no_face_stays_in_the_folder_of_a_run_that_ended(doorway: Doorway, drawn_crops: Crops) -> None:
    doorway.run("initial")
    doorway.enrol(drawn_crops[:8])
    doorway.run()
    face = drawn_crops[0][0][-300:-100]
    folder: Path = doorway.shop.settings.runs_dir
    assert [path for path in folder.rglob("*") if path.is_file() and face in path.read_bytes()] == []


@pytest.mark.usefixtures("children_in_process")
def test_one_extractor_can_be_asked_for(doorway: Doorway, drawn_crops: Crops) -> None:
    doorway.enrol(drawn_crops[:6])
    run = doorway.run(candidates=[{"estimator": "lbp", "params": {"projection": False}}])
    assert [line["candidate"]["params"] for line in run.leaderboard] == [{"projection": False}]


@pytest.mark.usefixtures("children_in_process")
def test_sface_is_taken_for_a_first_version_and_compared_in_the_next_run(
    new_doorway: Callable[..., Doorway], drawn_crops: Crops, tmp_path: Path
) -> None:
    detector, embedding = write_networks(tmp_path / "networks")
    doorway = new_doorway(face_detector_onnx=detector, face_embedding_onnx=embedding)
    first = doorway.run("initial", candidates=None)
    assert (first.status, first.error) == ("succeeded", None)
    extractors = Extractors.of(doorway.shop.settings)
    served = recogniser_of(doorway, first.version, extractors)
    assert (served.extractor.name, served.threshold) == ("sface", 0.85)
    doorway.enrol(drawn_crops[:12])
    run = doorway.run(candidates=[{"estimator": name, "params": {}} for name in ("sface", "lbp")])
    assert (run.status, run.error) == ("succeeded", None)
    assert {line["candidate"]["estimator"] for line in run.leaderboard} == {"sface", "lbp"}
    assert run.champion == first.version


def test_an_extractor_that_is_not_installed_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_processor.tasks.faces.dlib_net.find_spec", lambda _name: None)
    said: list[str] = []
    asked = [{"estimator": "dlib", "params": {}}]
    assert candidates(Signatures([], Extractors()), asked, 30, said.append) == []
    assert "data-processor[faces]" in said[0]
