import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from pipeline_api.service.docs import install_docs


def test_the_page_and_all_it_loads_come_from_the_service(app: FastAPI, client: TestClient) -> None:
    install_docs(app)
    page = client.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 3
    assert all(client.get(link).status_code == 200 for link in links)


def test_the_policy_allows_the_pages_own_script_and_nothing_from_elsewhere(
    app: FastAPI, client: TestClient
) -> None:
    install_docs(app)
    policy = client.get("/docs").headers["content-security-policy"]
    assert re.search(r"script-src 'self' 'sha256-[A-Za-z0-9+/]{43}=';", policy)
    assert "http" not in policy


def test_other_files_are_not_served(app: FastAPI, client: TestClient) -> None:
    install_docs(app)
    assert client.get("/docs/redoc.standalone.js").status_code == 404
    assert client.get("/docs/..%2f__init__.py").status_code == 404


def test_an_app_with_a_page_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="docs_url=None"):
        install_docs(FastAPI())
