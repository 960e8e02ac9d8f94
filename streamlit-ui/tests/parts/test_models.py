"""Which model the pages are about: the address, the choice in the sidebar, and the menu's links agree."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from acting import named, said
from conftest import Open
from fake_gateway import FakeGateway

ABOUT_A_MODEL = ("predict", "upload", "history", "model")


def in_address(page: AppTest) -> Any:
    return page.query_params.get("model")


def chosen(page: AppTest) -> Any:
    return named(page, "selectbox", "Model").value


@pytest.mark.parametrize("view", ABOUT_A_MODEL)
def test_the_address_names_the_model_that_a_page_is_about(open_page: Open, view: str) -> None:
    page = open_page(view)
    assert in_address(page) == chosen(page) == "census-income"


@pytest.mark.parametrize("view", ABOUT_A_MODEL)
def test_an_address_decides_which_model_is_shown(open_page: Open, fake: FakeGateway, view: str) -> None:
    page = open_page(view, model="rents")
    assert chosen(page) == "rents"
    assert any("/v1/models/rents" in target for _, target, _, _ in fake.requests)


def test_another_choice_changes_the_address_and_going_back_changes_the_choice(open_page: Open) -> None:
    page = open_page("model", model="census-income")
    named(page, "selectbox", "Model").set_value("rents")
    page.run()
    assert in_address(page) == "rents"
    assert page.title[0].value == "rents"
    page.query_params["model"] = "census-income"
    page.run()
    assert chosen(page) == "census-income"
    assert page.title[0].value == "census\\-income"


def test_going_back_from_a_page_without_a_model_shows_the_model_that_it_showed(open_page: Open) -> None:
    page = open_page("history", model="census-income")
    page.switch_page("views/models.py")
    page.query_params = {}
    page.run()
    named(page, "selectbox", "Model").set_value("rents")
    page.run()
    assert in_address(page) is None
    page.switch_page("views/history.py")
    page.query_params["model"] = "census-income"
    page.run()
    assert chosen(page) == "census-income"


def test_an_address_of_a_model_that_does_not_exist_says_so(open_page: Open) -> None:
    page = open_page("model", model="gone")
    assert "There is no model 'gone'" in said(page)
    assert chosen(page) is None
    page.run()
    assert in_address(page) == "gone"


def test_the_menu_names_the_chosen_model_where_a_page_is_about_one(open_page: Open) -> None:
    found: Any = open_page("model", model="rents").sidebar.get("page_link")
    links = {link.proto.label: link.proto.query_string for link in found}
    assert links["History"] == "model=rents"
    assert links["Runs"] == ""
    assert list(links)[-4:] == ["Models", "Logs", "Users and keys", "Notifications"]
