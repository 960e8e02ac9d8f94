from collections.abc import Callable

import pytest

from running import Gateway

MQTT = {"mqtt_url": "mqtt://127.0.0.1:9", "mqtt_password": "password-of-the-gateway"}
"""Nobody is there: what is made in the gateway needs no broker."""


@pytest.fixture
def bridged(open_gateway: Callable[..., Gateway]) -> Gateway:
    return open_gateway(**MQTT)


def test_the_password_of_a_device_is_shown_once(bridged: Gateway) -> None:
    made = bridged.client.post("/v1/auth/devices", json={"name": "door"}, headers=bridged.admin)
    listed = bridged.client.get("/v1/auth/devices", headers=bridged.admin)

    assert made.status_code == 201
    assert made.json()["password"].startswith("lkd_")
    assert listed.json() == [{key: value for key, value in made.json().items() if key != "password"}]
    assert listed.json()[0]["created_by"] == "admin"


def test_a_password_of_a_device_is_no_credential_here(bridged: Gateway) -> None:
    made = bridged.client.post("/v1/auth/devices", json={"name": "door"}, headers=bridged.admin).json()

    answer = bridged.client.get("/v1/models", headers={"Authorization": f"Bearer {made['password']}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["", "Door", "a/b", "a+", "#", "a:b", "a b", "gateway", "-a", "x" * 65, "ä"])
def test_a_name_that_would_mean_something_in_a_topic_or_a_file_is_refused(
    bridged: Gateway, name: str
) -> None:
    answer = bridged.client.post("/v1/auth/devices", json={"name": name}, headers=bridged.admin)
    assert answer.status_code == 422


def test_a_name_is_given_once_until_it_is_free_again(bridged: Gateway) -> None:
    made = bridged.client.post("/v1/auth/devices", json={"name": "door"}, headers=bridged.admin).json()
    again = bridged.client.post("/v1/auth/devices", json={"name": "door"}, headers=bridged.admin)
    assert again.status_code == 409

    assert bridged.client.delete(f"/v1/auth/devices/{made['id']}", headers=bridged.admin).status_code == 204
    assert bridged.client.delete(f"/v1/auth/devices/{made['id']}", headers=bridged.admin).status_code == 404
    again = bridged.client.post("/v1/auth/devices", json={"name": "door"}, headers=bridged.admin)
    assert again.status_code == 201


def test_only_a_maintainer_manages_devices(bridged: Gateway) -> None:
    engineer = bridged.new_user("erin", "engineer")
    assert bridged.client.get("/v1/auth/devices", headers=engineer).status_code == 403
    assert bridged.client.post("/v1/auth/devices", json={"name": "d"}, headers=engineer).status_code == 403


def test_without_a_broker_there_is_no_device(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/auth/devices", json={"name": "door"}, headers=gateway.admin)

    assert answer.status_code == 409
    assert "MQTT_URL" in answer.json()["detail"]
