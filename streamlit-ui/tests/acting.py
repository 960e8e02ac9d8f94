"""What a person does on a page, for tests."""

from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from fake_gateway import FakeGateway


def button(page: AppTest, label: str, key: str | None = None) -> Any:
    return next(found for found in page.button if found.label == label and key in (None, found.key))


def press(page: AppTest, *labels: str) -> AppTest:
    """Press buttons, one after the other."""
    for label in labels:
        button(page, label).click()
        page.run()
        assert not page.exception
    return page


def confirm(page: AppTest, opener: str, answer: str, key: str | None = None) -> AppTest:
    """Press a button in the dialog that another one opened.

    In a browser only the dialog runs again. Here the whole page does, so what opened it is pressed again too.
    """
    button(page, opener, key).click()
    button(page, answer).click()
    page.run()
    assert not page.exception
    return page


def named(page: AppTest, kind: str, label: str) -> Any:
    """Find a field by its label."""
    fields: Any = page.get(kind)
    return next(found for found in fields if found.label == label)


def said(page: AppTest) -> str:
    """Return everything that a page says, without the backslashes that keep it from being markup."""
    kinds = (page.title, page.markdown, page.caption, page.error, page.warning, page.info, page.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def wrapped_table(page: AppTest) -> pd.DataFrame:
    """Return the first wrapped table as it reads, without those backslashes."""
    shown: pd.DataFrame = page.table[0].value
    return shown.rename(columns=_read).map(_read)


def _read(cell: str) -> str:
    return cell.replace("\\", "")


def sent(fake: FakeGateway, ending: str) -> list[Any]:
    """Return what was sent to a path to change something."""
    return [body for method, path, _, body in fake.requests if method != "GET" and path.endswith(ending)]
