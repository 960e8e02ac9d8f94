import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.datasets.census import make_table
from data_processor.models.exchange import Exchange
from data_processor.models.policy import Policy
from data_processor.models.registry import ArtefactRejectedError
from data_processor.rows import OPEN_RUN, AliasRefusalRow, DatasetVersionRow, PromotionRow, VersionRow
from data_processor.training.retrain import DEPLOYMENT, TRAINING

Workshop = Any
NewWorkshop = Callable[..., Any]
STEPS = (*TRAINING, *DEPLOYMENT)
WORST = ["after register", "after promote"]
EVERYWHERE = [f"{when} {step}" for step in ("begin", *STEPS, "finish") for when in ("before", "after")]


def mlflow_versions(shop: Workshop) -> list[dict[str, Any]]:
    found = shop.mlflow.call(
        "GET", "/model-versions/search", what="", params={"filter": f"name = '{shop.model}'"}
    )
    versions: list[dict[str, Any]] = found.get("model_versions", [])
    return versions


def mlflow_runs(shop: Workshop) -> list[dict[str, Any]]:
    experiment = shop.mlflow.call(
        "GET", "/experiments/get-by-name", what="", params={"experiment_name": shop.model}
    )
    ids = [experiment["experiment"]["experiment_id"]]
    found = shop.mlflow.call("POST", "/runs/search", what="", json={"experiment_ids": ids})
    runs: list[dict[str, Any]] = found.get("runs", [])
    return runs


def assert_happened_once(shop: Workshop, run: str) -> None:
    """Everything a run leaves behind is there, and once."""
    row = shop.row(run)
    assert (row.status, row.error) == ("succeeded", None)
    assert row.gate["verdict"] == "promote", row.gate["reason"]
    snapshots = [v for v in shop.rows(DatasetVersionRow) if v.kind == "snapshot"]
    assert [v.version for v in snapshots] == [row.dataset_version]
    assert [v.version for v in shop.rows(VersionRow)] == [row.version]
    assert [v["version"] for v in mlflow_versions(shop)] == [row.version]
    assert len(mlflow_runs(shop)) == 1
    assert [(e.version, e.run) for e in shop.rows(PromotionRow)] == [(row.version, run)]
    assert shop.aliases.read(shop.model, "main").version == row.version


def is_open(shop: Workshop, run: str) -> bool:
    return shop.row(run).status in OPEN_RUN


def wait_while_open(shop: Workshop, run: str, worker: Any, seconds: float = 400) -> None:
    """Wait until the run or its worker has ended."""
    deadline = time.monotonic() + seconds
    while is_open(shop, run) and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def restart_until_done(shop: Workshop, run: str, points: list[str]) -> None:
    """Start the worker again and again, as a supervisor would, until the run has ended."""
    while is_open(shop, run):
        worker = shop.start_worker(*points)
        wait_while_open(shop, run, worker)
        assert worker.poll() in (None, -signal.SIGKILL), shop.worker_log()


def test_a_run_ends_with_a_version_that_the_stage_serves(trained: Workshop) -> None:
    [row] = trained.runs.page()
    assert_happened_once(trained, row.id)
    assert (row.step, row.progress, row.gate["verdict"]) == ("alias", 1.0, "promote")
    tried = {line["candidate"]["estimator"] for line in row.leaderboard}
    assert "logistic-regression" in tried  # the cheapest comes first, the others as the second allows
    assert tried <= {"logistic-regression", "hist-gradient-boosting", "random-forest", "extra-trees"}


def test_the_snapshot_holds_the_labelled_feedback(trained: Workshop) -> None:
    [row] = trained.runs.page()
    upload, snapshot = trained.store.versions(trained.model)
    assert (snapshot.version, snapshot.rows) == (row.dataset_version, upload.rows + 60)
    assert snapshot.feedback_seq == 60


def test_a_version_knows_where_it_came_from(trained: Workshop) -> None:
    [row] = trained.runs.page()
    manifest = trained.registry.manifest(trained.model, row.version)
    snapshot = trained.store.versions(trained.model)[-1]
    lineage = manifest.lineage
    assert (lineage.run, lineage.dataset_version) == (row.id, snapshot.version)
    assert (lineage.dataset_revision, lineage.feedback_seq) == (snapshot.revision, 60)
    assert manifest.receipt == row.gate
    assert manifest.engine == "onnx"
    assert 0.5 < manifest.metrics["roc_auc"] <= 1


def test_mlflow_has_the_lineage_the_numbers_and_the_files(trained: Workshop) -> None:
    [row] = trained.runs.page()
    [version], [run] = mlflow_versions(trained), mlflow_runs(trained)
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["loopkeeper.run"] == row.id
    assert tags["loopkeeper.dataset_revision"] == trained.store.versions(trained.model)[-1].revision
    assert {"loopkeeper.code_revision", "loopkeeper.schema"} <= tags.keys()
    assert run["info"]["status"] == "FINISHED"
    metrics = {metric["key"] for metric in run["data"]["metrics"]}
    assert {"reference_roc_auc", "gate_p_value", "search_log_loss"} <= metrics
    assert "estimator" in {param["key"] for param in run["data"]["params"]}
    listed = trained.mlflow.call("GET", "/artifacts/list", what="", params={"run_id": run["info"]["run_id"]})
    assert {"model.skops", "model.onnx", "version.json", "leaderboard.json", "plots"} <= {
        file["path"] for file in listed["files"]
    }


def test_every_step_is_told_with_its_duration(trained: Workshop) -> None:
    [row] = trained.runs.page()
    assert [one["step"] for one in trained.runs.durations(row.id)] == list(STEPS)
    events, closed = trained.runs.events(row.id)
    assert closed
    assert {"status", "step", "metric", "log"} <= {event.type for event in events}
    assert "Traceback" not in "".join(trained.runs.log(row.id))


def test_nothing_is_left_of_a_run_but_its_results(trained: Workshop) -> None:
    assert list(Path(trained.settings.runs_dir).iterdir()) == []
    assert trained.children() == []


@pytest.mark.parametrize("moments", [["after promote"], pytest.param(WORST, marks=pytest.mark.services)])
def test_a_run_that_is_killed_at_the_worst_moments_resumes_and_happens_once(
    workshop: Workshop, moments: list[str]
) -> None:
    workshop.rate(30)
    run = workshop.open_run()
    restart_until_done(workshop, run, moments)
    assert_happened_once(workshop, run)
    searched = [one for one in workshop.runs.durations(run) if one["step"] == "search"]
    assert len(searched) == 1


@pytest.mark.services
@pytest.mark.timeout(1200)
def test_a_run_that_is_killed_before_and_after_every_step_happens_once(workshop: Workshop) -> None:
    workshop.rate(30)
    run = workshop.open_run()
    restart_until_done(workshop, run, EVERYWHERE)
    crashed = workshop.settings.state_dir / "crashed"
    workshop.wait(run, lambda _row: crashed.read_text().splitlines() == EVERYWHERE)
    worker = workshop.start_worker(*EVERYWHERE)
    workshop.wait_for_log("run_finished", times=2)
    assert_happened_once(workshop, run)
    assert worker.poll() is None


@pytest.mark.services
@pytest.mark.timeout(1200)
def test_a_run_whose_worker_is_killed_at_ten_random_times_happens_once(workshop: Workshop) -> None:
    workshop.rate(30)
    draw, run = random.Random(1), workshop.open_run()  # noqa: S311  # no secret
    for _ in range(10):
        worker = workshop.start_worker()
        wait_while_open(workshop, run, worker, draw.uniform(2, 14))
        worker.kill()
        worker.wait()
    wait_while_open(workshop, run, workshop.start_worker())
    assert_happened_once(workshop, run)


@pytest.mark.services
@pytest.mark.timeout(1200)
def test_a_run_on_postgresql_that_is_killed_happens_once(
    new_workshop: NewWorkshop, postgres_url: str
) -> None:
    shop = new_workshop(records_url=postgres_url, jobs_url=postgres_url)
    shop.rate(30)
    run = shop.open_run()
    restart_until_done(shop, run, ["before search", "after promote"])
    assert_happened_once(shop, run)


@pytest.mark.services
def test_a_worker_that_is_told_to_stop_lets_go_and_the_next_one_goes_on(workshop: Workshop) -> None:
    workshop.rate(30)
    run = workshop.open_run(budget_s=5)
    worker = workshop.start_worker()
    workshop.wait(run, lambda row: row.step == "search")
    worker.terminate()
    assert worker.wait(60) == 0
    assert (workshop.row(run).status, workshop.children()) == ("running", [])
    workshop.start_worker()
    workshop.finish(run)
    assert_happened_once(workshop, run)


@pytest.fixture(scope="module")
def first_runs(common_workshop: Workshop) -> dict[str, Any]:
    """Return the runs that a worker finds when it starts: each with its workshop, the last one under way.

    Some rows of the first one's table are of a rare class, the second was cancelled, the third takes long.
    """
    shop = common_workshop
    table = make_table(400, seed=5)
    few = table.drop(table[table["income-per-year"] == ">50K"].index[5:])
    rare = shop.with_model(few)
    failing, cancelled = rare.open_run(), shop.open_run()
    shop.runs.cancel(cancelled, "eve")
    long = shop.open_run(budget_s=600)
    shop.start_worker()
    shop.wait(long, lambda row: row.step == "search")
    return {"shop": shop, "rare": rare, "failing": failing, "cancelled": cancelled, "long": long}


def test_a_running_run_is_cancelled_at_once(first_runs: dict[str, Any]) -> None:
    shop, run = first_runs["shop"], first_runs["long"]
    assert shop.row(run).status == "running"
    shop.runs.cancel(run, "eve")
    row = shop.wait(run, lambda row: row.status != "running", seconds=60)
    assert (row.status, row.error, row.version) == ("cancelled", None, None)
    shop.wait(run, lambda _row: not shop.children(), seconds=60)
    assert shop.rows(PromotionRow) == []


def test_a_run_that_was_cancelled_while_no_worker_was_there_stays_cancelled(
    first_runs: dict[str, Any],
) -> None:
    row = first_runs["shop"].row(first_runs["cancelled"])  # the worker has taken up the one after it
    assert (row.status, row.started_at) == ("cancelled", None)


def test_a_step_that_fails_fails_the_run_with_one_sentence(first_runs: dict[str, Any]) -> None:
    rare, run = first_runs["rare"], first_runs["failing"]
    row = rare.finish(run)
    assert row.status == "failed"
    assert row.error == "The class '>50K' has 5 rows; training needs at least 10."
    assert row.step == "validate"
    assert "Traceback" in "".join(rare.runs.log(run))
    following = rare.open_run()
    assert following != run
    rare.runs.cancel(following, "eve")


@pytest.mark.services
def test_a_child_that_is_killed_fails_the_run_and_says_so(workshop: Workshop) -> None:
    run = workshop.open_run(budget_s=600)
    workshop.start_worker()
    workshop.wait(run, lambda row: row.step == "search")
    [child] = workshop.children()
    child.kill()
    row = workshop.finish(run)
    assert row.status == "failed"
    assert "SIGKILL" in row.error
    assert "memory" in row.error


@pytest.mark.services
def test_a_run_whose_job_died_without_a_word_fails(workshop: Workshop) -> None:
    run = workshop.open_run()
    workshop.start_worker("break validate")
    row = workshop.finish(run)
    assert row.status == "failed"
    assert row.error.startswith("The run's job ended as ERROR without a result")
    assert workshop.children() == []


@pytest.mark.services
def test_a_promotion_that_turns_out_worse_is_rolled_back_by_the_worker(workshop: Workshop) -> None:
    workshop.start_worker()
    workshop.finish(workshop.open_run())
    second = workshop.finish(workshop.open_run())
    if second.gate["verdict"] != "promote":
        workshop.ledger.promote(
            workshop.model, "main", "2", "eve", "The test wants it.", override=True, expected_version="1"
        )
    workshop.rate(60, version="2")
    workshop.wait(second.id, lambda _row: len(workshop.rows(PromotionRow)) == 3)
    entry = workshop.ledger.current(workshop.model, "main")
    assert (entry.kind, entry.version, entry.previous) == ("rollback", "1", "2")
    workshop.wait(
        second.id, lambda _row: workshop.aliases.read(workshop.model, "main").version == "1", seconds=120
    )


@pytest.mark.services
def test_a_run_without_mlflow_fails_and_says_where_it_looked(new_workshop: NewWorkshop) -> None:
    shop = new_workshop(mlflow_url="http://127.0.0.1:9")
    run = shop.open_run()
    shop.start_worker()
    row = shop.finish(run)
    assert (row.status, row.step, row.version) == ("failed", "register", None)
    assert row.error.startswith("MLflow at http://127.0.0.1:9 could not be reached: ")


@pytest.mark.services
def test_without_auto_promotion_a_version_waits_for_a_maintainer(new_workshop: NewWorkshop) -> None:
    shop = new_workshop(policy=Policy(auto_promote=False))
    run = shop.open_run()
    shop.start_worker()
    row = shop.finish(run)
    assert (row.status, row.gate["verdict"], row.version) == ("succeeded", "promote", "1")
    assert shop.rows(PromotionRow) == []
    assert "waits for a maintainer" in "".join(shop.runs.log(run))


@pytest.mark.services
@pytest.mark.timeout(1500)
def test_challengers_that_are_no_better_are_registered_and_never_adopted(workshop: Workshop) -> None:
    workshop.start_worker()
    workshop.finish(workshop.open_run())
    useless = [{"estimator": "logistic-regression", "params": {"C": 1e-6}}]
    second, third = [workshop.finish(workshop.open_run(candidates=useless)) for _ in range(2)]
    assert {second.gate["verdict"], third.gate["verdict"]} <= {"hold", "reject"}
    assert [second.gate["alpha"], third.gate["alpha"]] == pytest.approx([0.05 / 2, 0.05 / 6])
    assert [(row.champion, row.version) for row in (second, third)] == [("1", "2"), ("1", "3")]
    assert [entry.version for entry in workshop.rows(PromotionRow)] == ["1"]
    move_alias(workshop, "2")
    workshop.wait_for_log("alias_moved_back")
    assert [entry.version for entry in workshop.rows(PromotionRow)] == ["1"]
    [refusal] = workshop.rows(AliasRefusalRow)
    assert "Version 2 of" in refusal.reason
    assert "has no receipt that says promote" in refusal.reason
    assert workshop.aliases.read(workshop.model, "main").version == "1"


@pytest.mark.services
def test_a_version_that_was_forged_in_mlflow_is_never_served(workshop: Workshop) -> None:
    """Its files load, its manifest matches them and says promote: all that somebody with a login can make."""
    workshop.start_worker()
    workshop.finish(workshop.open_run())
    [ours] = mlflow_versions(workshop)
    source = f"{ours['source']}/forged"
    folder = workshop.registry.directory(workshop.model, "1")
    manifest = json.loads((folder / "version.json").read_text())
    forged = manifest | {"version": "2", "receipt": {"verdict": "promote", "reason": "Believe me."}}
    contents = {name: (folder / name).read_bytes() for name in manifest["artefacts"]}
    for name, content in (contents | {"version.json": json.dumps(forged).encode()}).items():
        path = f"/api/2.0/mlflow-artifacts/artifacts{source.removeprefix('mlflow-artifacts:')}/{name}"
        workshop.mlflow.client.put(path, content=content).raise_for_status()
    stray = {"name": workshop.model, "source": source, "run_id": ours["run_id"]}
    workshop.mlflow.call("POST", "/model-versions/create", what="", json=stray)
    move_alias(workshop, "2")
    workshop.wait_for_log("alias_moved_back")
    assert [entry.version for entry in workshop.rows(PromotionRow)] == ["1"]
    assert [row.version for row in workshop.registry.versions(workshop.model)] == ["1"]
    [refusal] = workshop.rows(AliasRefusalRow)
    assert f"Model {workshop.model!r} has no version '2'" in refusal.reason


@pytest.mark.services
def test_files_that_were_replaced_in_mlflow_are_never_loaded(workshop: Workshop) -> None:
    workshop.start_worker()
    workshop.finish(workshop.open_run())
    [ours] = mlflow_versions(workshop)
    artefacts = f"/api/2.0/mlflow-artifacts/artifacts{ours['source'].removeprefix('mlflow-artifacts:')}"
    content = workshop.mlflow.client.get(f"{artefacts}/model.skops").raise_for_status().content
    workshop.mlflow.client.put(f"{artefacts}/model.onnx", content=content).raise_for_status()
    shutil.rmtree(workshop.settings.models_dir / workshop.model)
    with pytest.raises(ArtefactRejectedError, match=r"model\.onnx of version 1"):
        workshop.registry.directory(workshop.model, "1")


@pytest.mark.services
def test_an_alias_moved_to_a_damaged_version_is_moved_back(workshop: Workshop) -> None:
    workshop.start_worker()
    workshop.finish(workshop.open_run())
    [ours] = mlflow_versions(workshop)
    stray = {"name": workshop.model, "source": f"{ours['source']}/plots", "run_id": ours["run_id"]}
    workshop.mlflow.call("POST", "/model-versions/create", what="", json=stray)
    move_alias(workshop, "2")
    workshop.wait_for_log("alias_moved_back")
    assert workshop.aliases.read(workshop.model, "main").version == "1"
    assert len(workshop.rows(PromotionRow)) == 1


@pytest.mark.services
def test_the_other_stage_believes_what_mlflow_has_of_a_version_that_was_trained_here(
    trained: Workshop, tmp_path: Path
) -> None:
    main = Exchange("main", "the-key-of-both-stages")
    [known] = trained.aliases.versions(trained.model)
    served = trained.ledger.current(trained.model, "main").id
    statement = main.statement(trained.registry.version(trained.model, "1").manifest, served)
    trained.aliases.sign(trained.model, "1", "main", served, statement)
    MlflowArtefacts(trained.mlflow).fetch(known.source, "version.json", tmp_path / "version.json")
    written = json.loads((tmp_path / "version.json").read_text())
    [known] = trained.aliases.versions(trained.model)
    staging = Exchange("staging", "the-key-of-both-stages")
    assert staging.problem(known, written) is None
    assert staging.problem(known, written | {"receipt": None}) is not None


def move_alias(shop: Workshop, version: str) -> None:
    """Do what a person does on MLflow's page."""
    alias = {"name": shop.model, "alias": "main", "version": version}
    shop.mlflow.call("POST", "/registered-models/alias", what="", json=alias)
