from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from broker import Device, Mosquitto
from running import Gateway


@pytest.fixture
def bridged(open_gateway: Callable[..., Gateway], broker: Mosquitto) -> Gateway:
    """A gateway that is connected to the broker."""
    return open_gateway(**broker.settings)


@pytest.fixture
def new_device(bridged: Gateway, broker: Mosquitto) -> Iterator[Callable[..., Device]]:
    """Create devices, and connect them."""
    with ExitStack() as connected:

        def create(name: str, *reads: str, public_topics: bool = False) -> Device:
            body = {"name": name, "public_topics": public_topics}
            made = bridged.client.post("/v1/auth/devices", json=body, headers=bridged.admin)
            assert made.status_code == 201, made.text
            return connected.enter_context(Device(broker, name, made.json()["password"], *reads))

        yield create
