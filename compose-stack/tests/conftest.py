"""What the tests of this folder may be told."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", type=Path, help="keep pictures of the pages, taken on the journey, in this folder"
    )
    parser.addoption(
        "--pictures", type=Path, help="draw the dashboards, as they are after the demo, into this folder"
    )
