import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline_api.app import create_app
from pipeline_api.auth.reset_password import CannotReset, reset_password
from pipeline_api.settings import Settings


@pytest.fixture
def settings(gateway_settings: Callable[..., Settings]) -> Settings:
    return gateway_settings(admin_password=None)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def sign_in(client: TestClient, password: str, username: str = "admin") -> str | None:
    answer = client.post("/v1/auth/token", data={"username": username, "password": password})
    token: str | None = answer.json().get("access_token")
    return token


def printed_password(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().out.splitlines()
    return next(line for line in lines if line.startswith("The password of")).rpartition(" ")[2]


def test_the_last_maintainer_gets_back_in_while_the_gateway_runs(
    settings: Settings, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    forgotten = settings.password_file.read_text().strip()
    token = sign_in(client, forgotten)
    asked: list[str] = []

    def confirm(question: str) -> str:
        asked.append(question)
        return "yes"

    reset_password(settings, "Admin", confirm=confirm)

    password = printed_password(capsys)
    assert sign_in(client, password)
    assert sign_in(client, forgotten) is None
    assert "'admin'" in asked[0]
    client.app.state.auth.verifier.poll()  # type: ignore[attr-defined]  # as it does every second
    assert client.get("/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_file_with_the_first_password_has_the_new_one(
    settings: Settings, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    del client  # it has created the file

    reset_password(settings, "admin", confirm=lambda _: "yes")

    assert settings.password_file.read_text().strip() == printed_password(capsys)
    assert stat.S_IMODE(settings.password_file.stat().st_mode) == 0o600
    assert [path.name for path in settings.password_file.parent.glob(".*")] == []


@pytest.mark.parametrize("answer", ["", "no", "y", "yes please"])
def test_without_a_yes_nothing_changes(settings: Settings, client: TestClient, answer: str) -> None:
    with pytest.raises(CannotReset, match=r"Nothing was changed\."):
        reset_password(settings, "admin", confirm=lambda _: answer)

    assert sign_in(client, settings.password_file.read_text().strip())


def test_where_nobody_can_answer_nothing_changes(settings: Settings, client: TestClient) -> None:
    def end_of_file(_question: str) -> str:
        raise EOFError

    with pytest.raises(CannotReset, match=r"Run this in a terminal\."):
        reset_password(settings, "admin", confirm=end_of_file)

    assert sign_in(client, settings.password_file.read_text().strip())


def test_who_is_not_there_is_named_with_those_who_are(settings: Settings, client: TestClient) -> None:
    del client  # it has created the first user
    with pytest.raises(CannotReset, match=r"There is no user 'bob'\. The users are: admin\."):
        reset_password(settings, "bob", confirm=lambda _: "yes")


def test_no_database_is_made_where_there_is_none(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CannotReset, match="set STATE_DIR or DATABASE_URL"):
        reset_password(settings, "admin", confirm=lambda _: "yes")
    assert list(tmp_path.rglob("*.db")) == []
