from pathlib import Path

import pytest

from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.settings import CannotStart
from compose_stack.stack.layout import Layout


def settings(tmp_path: Path, **environment: str) -> DeploymentSettings:
    given = {"STAGE": "staging", "IMAGES": "ghcr.io/loopkeeper", **environment}
    return DeploymentSettings.from_environment(Layout(tmp_path, given))


def test_images_are_the_stage_s_of_the_registry(tmp_path: Path) -> None:
    given = settings(tmp_path, IMAGES="ghcr.io/loopkeeper/")
    assert given.images["data-processor"] == "ghcr.io/loopkeeper/data-processor:staging"
    assert given.pull


def test_one_image_may_be_another(tmp_path: Path) -> None:
    given = settings(tmp_path, TAG="sha-1", PIPELINE_API_IMAGE=f"other@sha256:{'0' * 64}")
    assert given.images["pipeline-api"] == f"other@sha256:{'0' * 64}"
    assert given.images["streamlit-ui"] == "ghcr.io/loopkeeper/streamlit-ui:sha-1"


@pytest.mark.parametrize(
    ("prefix", "pull"),
    [("localhost:5000", True), ("registry.example/a/b", True), ("localhost/x", True), ("loopkeeper", False)],
)
def test_a_registry_is_asked_only_when_there_is_one(prefix: str, pull: bool, tmp_path: Path) -> None:
    assert settings(tmp_path, IMAGES=prefix, TAG="sha-1").pull is pull


def test_without_a_registry_what_was_built_last_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "built").write_text("sha-0123\n")
    given = settings(tmp_path, IMAGES="loopkeeper")
    assert given.images["pipeline-api"] == "loopkeeper/pipeline-api:sha-0123"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"STAGE": "production"}, "STAGE must be staging or main.*, not 'production'"),
        ({"TAG": "a b"}, "TAG must be an image tag, not 'a b'"),
        ({"DATA_PROCESSOR_IMAGE": "--privileged"}, "DATA_PROCESSOR_IMAGE must name an image"),
        ({"DATA_PROCESSOR_IMAGE": "a\nX=1"}, "DATA_PROCESSOR_IMAGE must name an image"),
        ({"PULL": "sometimes"}, "PULL must be always or never, not 'sometimes'"),
        ({"WAIT_SECONDS": "-1"}, "WAIT_SECONDS must be a number of seconds from 0 to 3600, not '-1'"),
        ({"ONLY": "pipeline-api mlflow"}, "ONLY may name .*, not 'mlflow'"),
        ({"SIGNED_BY": ".*", "PULL": "never"}, "SIGNED_BY needs a registry, where signatures are kept"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotStart, match=sentence):
        settings(tmp_path, **environment)
