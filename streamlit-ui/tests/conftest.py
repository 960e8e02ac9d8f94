"""A fake gateway, and the pages as one person sees them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, local_script_runner

import streamlit_ui
from fake_gateway import FakeGateway, serving
from streamlit_ui.client import Gateway, connect
from streamlit_ui.sessions import Session, sessions
from streamlit_ui.settings import settings

# How long an example takes says more of the machine than of the code. The examples stay the same: a test
# fails by what was changed, and not by chance.
hypothesis.settings.register_profile(
    "any machine", hypothesis.settings.default, deadline=None, derandomize=True, max_examples=50
)
hypothesis.settings.load_profile("any machine")

APP = Path(streamlit_ui.__file__).with_name("app.py")
PEOPLE = {"user": "uma", "engineer": "erin", "maintainer": "maya"}
Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    """Do once what the test kit does for every page: read all packages' metadata, compile the scripts."""
    found, scripts = manifest_scanner.scan_component_manifests(), ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        patch.setattr(local_script_runner, "ScriptCache", lambda: scripts)
        yield


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    with serving() as gateway:
        monkeypatch.setenv("GATEWAY_URL", gateway.url)
        settings.cache_clear()
        sessions.cache_clear()
        yield gateway
    settings.cache_clear()
    sessions.cache_clear()


@pytest.fixture
def http(fake: FakeGateway) -> Iterator[httpx.Client]:
    with connect(fake.url, timeout_s=5) as pool:
        yield pool


@pytest.fixture
def gateway(fake: FakeGateway, http: httpx.Client) -> Gateway:
    """The gateway as its maintainer sees it."""
    fake.tokens["token-of-maya"] = "maya"
    return Gateway(http, "token-of-maya")


@pytest.fixture
def open_page(fake: FakeGateway) -> Open:
    """Open a page as somebody, or as nobody."""

    def opened(view: str | None = None, role: str | None = "maintainer", **query: Any) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=90)
        if role:
            name = PEOPLE[role]
            fake.tokens[f"token-of-{name}"] = name
            session = Session(name, role, f"token-of-{name}", time.time() + 600)  # type: ignore[arg-type]  # one of the roles
            sessions().open(session)
            page.session_state["session"] = session.id
        page.run()
        if view:
            page.switch_page(f"views/{view}.py")
            page.query_params = {}
            for key, value in query.items():
                page.query_params[key] = value
            page.run()
        return page

    return opened
