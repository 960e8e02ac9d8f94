"""What the tests of this folder may be told."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshot", type=Path, help="keep a picture of the pages, taken on the journey, at this path"
    )
    parser.addoption(
        "--pictures", type=Path, help="draw the dashboards, as they are after the demo, into this folder"
    )
