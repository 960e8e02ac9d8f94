"""What the tests of this folder may be told."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", type=Path, help="keep pictures in this folder: of the pages, or of the dashboards"
    )
