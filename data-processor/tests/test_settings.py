from pathlib import Path

import pytest
from pydantic import ValidationError

from data_processor.settings import Settings


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_TOKEN", "CALLER_KEY", "SIGNING_KEY"):
        monkeypatch.setenv(name, "x" * 16)


def test_everything_has_its_place_under_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIR", "/var/lib/loopkeeper")
    settings = Settings()
    assert settings.records_url == "sqlite:////var/lib/loopkeeper/records.db"
    assert settings.predictions_url == "sqlite:////var/lib/loopkeeper/predictions.db"
    assert settings.jobs_url == "sqlite:////var/lib/loopkeeper/jobs.db"
    assert settings.dataset_repository == Path("/var/lib/loopkeeper/datasets")
    assert settings.dataset_remote == "/var/lib/loopkeeper/datasets.git"
    assert settings.models_dir == Path("/var/lib/loopkeeper/models")


def test_each_place_may_be_set_by_itself_and_empty_means_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORDS_URL", "postgresql+psycopg://somewhere/records")
    monkeypatch.setenv("MODELS_DIR", "")
    settings = Settings()
    assert settings.records_url == "postgresql+psycopg://somewhere/records"
    assert settings.models_dir == settings.state_dir / "models"


def test_the_state_folder_does_not_depend_on_where_a_step_is_carried_out() -> None:
    assert Settings().state_dir == Path.cwd() / "var" / "processor"


def test_the_controller_is_on_in_main_and_off_in_staging() -> None:
    assert Settings(stage="main").controller_enabled
    assert not Settings(stage="staging").controller_enabled
    assert Settings(stage="staging", controller_enabled=True).controller_enabled


@pytest.mark.parametrize("name", ["SERVICE_TOKEN", "CALLER_KEY", "SIGNING_KEY"])
def test_secrets_have_no_default_and_are_never_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "a-secret-of-the-tests")
    assert "a-secret-of-the-tests" not in repr(Settings())
    monkeypatch.delenv(name)
    with pytest.raises(ValidationError):
        Settings()


def test_the_two_face_networks_are_set_both_or_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FACE_DETECTOR_ONNX", "FACE_EMBEDDING_ONNX"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "networks/one.onnx")
            with pytest.raises(ValidationError, match="FACE_EMBEDDING_ONNX go together: set both"):
                Settings()
            patch.setenv("FACE_DETECTOR_ONNX", "networks/yunet.onnx")
            patch.setenv("FACE_EMBEDDING_ONNX", "networks/sface.onnx")
            assert Settings().face_detector_onnx == Path.cwd() / "networks" / "yunet.onnx"
    assert Settings().face_detector_onnx is Settings().face_embedding_onnx is None


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert (field.description or "").endswith("."), name
