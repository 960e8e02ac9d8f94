"""One platform of two stages in containers, started from nothing and removed with everything it kept."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from compose_stack.client import Client
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.door import sign_in
from compose_stack.stack.layout import PLATFORM, STAGES, Layout, Stage
from compose_stack.stack.stages import down, up
from compose_stack.stack.tools import engine_runs
from compose_stack.traffic import Labelled, sample_rows


@dataclass(frozen=True)
class Stack:
    """A running platform."""

    layout: Layout

    @property
    def platform(self) -> Compose:
        return Compose(self.layout, PLATFORM, self.layout.tag(PLATFORM, keep=True))

    def services(self, stage: Stage) -> Compose:
        return Compose(self.layout, stage, self.layout.tag(stage, keep=True))

    def sign_in(self, stage: Stage) -> Client:
        return sign_in(self.layout, self.platform, stage)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start both stages with the images built last; nothing of it is left behind."""
    if not engine_runs():
        pytest.skip("No Docker engine answers here.")
    own = {
        "PLATFORM": "loopkeeper-test",
        "PUBLISH_ON": "127.0.0.1",
        "HTTPS_PORT": str(_free_port()),
        "HTTP_PORT": str(_free_port()),
        "PULL_POLICY": "never",
    }
    try:
        tag = Layout.from_environment().tag(PLATFORM)
    except CannotStart as absent:
        pytest.fail(str(absent))
    inherited = {name: value for name, value in os.environ.items() if name not in ("STAGE", "TAG")}
    layout = Layout(tmp_path_factory.mktemp("stack"), inherited | own)
    layout.built().write_text(tag)
    started = Stack(layout)
    try:
        for stage in STAGES:
            up(layout, stage, print)
        yield started
    finally:
        down(layout, None, print, volumes=True)


@pytest.fixture(scope="session")
def rows() -> list[Labelled]:
    return sample_rows(200, seed=3, drift=0.0)
