from pathlib import Path

import pytest

from compose_stack.delivery.problems import Problem
from compose_stack.delivery.settings import DeploymentSettings

GIVEN = {"STAGE": "staging", "PUBLIC_URL": "https://loopkeeper.example"}


def settings(tmp_path: Path, **environment: str) -> DeploymentSettings:
    return DeploymentSettings.from_environment({**GIVEN, **environment}, tmp_path)


def test_images_are_the_stage_s_of_the_registry(tmp_path: Path) -> None:
    given = settings(tmp_path, IMAGE_REGISTRY="ghcr.io/loopkeeper/")
    assert given.images["data-processor"] == "ghcr.io/loopkeeper/data-processor:staging"


def test_one_image_may_be_another(tmp_path: Path) -> None:
    given = settings(tmp_path, IMAGE_TAG="sha-1", PIPELINE_API_IMAGE=f"other@sha256:{'0' * 64}")
    assert given.images["pipeline-api"] == f"other@sha256:{'0' * 64}"
    assert given.images["streamlit-ui"] == "loopkeeper/streamlit-ui:sha-1"


def test_the_environment_wins_over_the_stage_s_file(tmp_path: Path) -> None:
    (tmp_path / "staging.env").write_text("# of staging\nWAIT_SECONDS=10\nSMOKE_SECONDS='20'\n")
    given = settings(tmp_path, WAIT_SECONDS="30")
    assert (given.wait_s, given.smoke_s) == (30, 20)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"STAGE": "production"}, "STAGE must be staging or main, and is 'production'"),
        ({"IMAGE_TAG": "a b"}, "IMAGE_TAG must be a tag of an image, and is 'a b'"),
        ({"DATA_PROCESSOR_IMAGE": "--privileged"}, "DATA_PROCESSOR_IMAGE must name an image"),
        ({"DATA_PROCESSOR_IMAGE": "a\nX=1"}, "DATA_PROCESSOR_IMAGE must name an image"),
        ({"PULL": "sometimes"}, "PULL must be always or never, and is 'sometimes'"),
        ({"PUBLIC_URL": "gateway"}, "PUBLIC_URL must be the stage's address"),
        ({"WAIT_SECONDS": "-1"}, "WAIT_SECONDS must be from 0 to 3600 seconds, and is '-1'"),
        ({"ONLY": "pipeline-api mlflow"}, "ONLY must name images of .*, and has 'mlflow'"),
        ({"SIGNED_BY": ".*", "PULL": "never"}, "SIGNED_BY asks for signatures"),
    ],
)
def test_what_cannot_be_meant_is_named(environment: dict[str, str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=sentence):
        settings(tmp_path, **environment)
