"""The routes, over a stage without a model."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import KEY, TOKEN
from data_processor.app import create_app
from data_processor.settings import Settings

PATH = "/v1/notifications/destinations"
WEBHOOK = {"name": "ops", "kind": "webhook", "address": "https://ops.example.org/hooks/a-token-of-mine"}
EVENTS = ["score.fell", "run.failed"]


@pytest.fixture
def client(tmp_path: Path, acting_as: Callable[..., Any]) -> Iterator[TestClient]:
    settings = Settings(
        service_token=TOKEN,
        caller_key=KEY,
        signing_key=KEY,
        state_dir=tmp_path,
        mlflow_url="http://127.0.0.1:9",
    )
    with TestClient(create_app(settings)) as client:
        client.auth = acting_as("mia", "maintainer")
        yield client


def made(client: TestClient, **fields: Any) -> Any:
    answer = client.post(PATH, json={**WEBHOOK, "events": EVENTS, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_secret_is_told_once_and_an_address_never(client: TestClient, tmp_path: Path) -> None:
    new = made(client)
    assert new["secret"].startswith("whsec_")
    assert (new["shown"], new["events"]) == ("https://ops.example.org/…", sorted(EVENTS))
    client.post(f"{PATH}/{new['id']}/test")
    for path in (PATH, "/v1/notifications/deliveries"):
        text = client.get(path).text
        assert new["id"] in text
        assert "a-token-of-mine" not in text
        assert "whsec_" not in text
    client.app.state.loopkeeper.database.close()  # type: ignore[attr-defined]
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("records.db*"))
    assert b"ops.example.org" in stored
    assert b"a-token-of-mine" not in stored
    assert new["secret"].encode() not in stored


def test_a_secret_of_ones_own_is_kept(client: TestClient) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert made(client, secret=secret)["secret"] == secret


def test_a_test_is_on_its_way_until_a_worker_has_sent_it(client: TestClient) -> None:
    new = made(client)
    answer = client.post(f"{PATH}/{new['id']}/test")
    assert answer.status_code == 202
    assert (answer.json()["event"], answer.json()["state"]) == ("test", "waiting")
    assert client.get(PATH).json()[0]["waiting"] == 1


def test_what_is_changed_is_changed_and_the_rest_stays(client: TestClient) -> None:
    new = made(client)
    changes = {"name": "night", "events": ["drift.found", "drift.found"], "active": False}
    changed = client.patch(f"{PATH}/{new['id']}", json=changes).json()
    assert (changed["name"], changed["events"], changed["active"]) == ("night", ["drift.found"], False)
    assert changed["shown"] == new["shown"]
    assert client.post(f"{PATH}/{new['id']}/test").status_code == 409


def test_who_changes_what_somebody_else_has_changed_since_is_refused(client: TestClient) -> None:
    new = made(client)
    path, seen = f"{PATH}/{new['id']}", {"expected_revision": new["revision"]}
    first = client.patch(path, json={"events": ["run.failed"], **seen})
    second = client.patch(path, json={"events": ["score.fell"], **seen})
    assert (first.status_code, second.status_code) == (200, 409)
    assert "Somebody has changed the destination 'ops' meanwhile" in second.json()["detail"]
    [kept] = client.get(PATH).json()
    assert (kept["events"], kept["revision"]) == (["run.failed"], new["revision"] + 1)
    assert client.patch(path, json={"active": False}).status_code == 200


def test_a_deleted_destination_is_gone_with_its_deliveries(client: TestClient) -> None:
    new = made(client)
    client.post(f"{PATH}/{new['id']}/test")
    assert client.delete(f"{PATH}/{new['id']}").status_code == 204
    assert client.get(PATH).json() == client.get("/v1/notifications/deliveries").json() == []
    assert client.delete(f"{PATH}/{new['id']}").status_code == 404


def test_names_are_unique(client: TestClient) -> None:
    made(client)
    other = made(client, name="other")
    assert client.post(PATH, json={**WEBHOOK, "events": EVENTS}).status_code == 409
    refused = client.patch(f"{PATH}/{other['id']}", json={"name": "ops"})
    assert refused.status_code == 409
    assert "named 'ops' already" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"address": "ftp://host/x"}, "address", "must be a URL that starts with https://"),
        ({"address": "http://[x"}, "address", "Invalid IPv6"),
        ({"kind": "apprise", "address": "nosuch://x"}, "address", "is no address that Apprise understands"),
        ({"secret": "whsec_c2hvcnQ="}, "secret", "must be whsec_ and 24 to 64 bytes in base64"),
        ({"secret": "abc"}, "secret", "must be whsec_ and 24 to 64 bytes"),
        ({"kind": "apprise", "address": "json://h", "secret": "whsec_x"}, "secret", "is for webhooks only"),
        ({"events": []}, "events", "at least 1 item"),
        ({"events": ["score.rose"]}, "events", "Input should be 'score.fell'"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, fields: Any, field: str, said: str) -> None:
    refused = client.post(PATH, json={**WEBHOOK, "events": EVENTS, **fields})
    assert refused.status_code == 422, refused.text
    [error] = refused.json()["errors"]
    assert field in error["loc"]
    assert said in error["message"]
    assert "a-token-of-mine" not in json.dumps(refused.json())
