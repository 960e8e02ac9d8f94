import pytest

from acting import button, confirm, named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway


def test_a_user_is_created(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people"), "Create a user")
    named(page, "text_input", "Name of the user").set_value("olga")
    named(page, "text_input", "Their password").set_value("secret")
    named(page, "selectbox", "Role").set_value("engineer")
    confirm(page, "Create a user", "Yes, create")
    assert fake.passwords["olga"] == "secret"
    assert fake.users[-1]["role"] == "engineer"


def test_a_name_that_is_taken_is_a_sentence(open_page: Open) -> None:
    page = press(open_page("people"), "Create a user")
    named(page, "text_input", "Name of the user").set_value("erin")
    named(page, "text_input", "Their password").set_value("secret")
    confirm(page, "Create a user", "Yes, create")
    assert "There is a user" in said(page)


def test_a_role_is_changed(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("people")
    button(page, "Change…", "change uma").click()
    page.run()
    named(page, "selectbox", "Role").set_value("engineer")
    confirm(page, "Change…", "Yes, change", "change uma")
    assert [user["role"] for user in fake.users] == ["maintainer", "engineer", "engineer"]


def test_a_new_password_of_ones_own_needs_the_current_one(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("people")
    button(page, "Change…", "change maya").click()
    page.run()
    named(page, "text_input", "New password").set_value("new")
    named(page, "text_input", "Your current password").set_value("m")
    confirm(page, "Change…", "Yes, change", "change maya")
    assert sent(fake, "/users/maya") == [{"password": "new", "current_password": "m"}]


@pytest.mark.parametrize("sure", [True, False])
def test_a_user_is_deleted_only_after_a_yes(open_page: Open, fake: FakeGateway, *, sure: bool) -> None:
    page = open_page("people")
    button(page, "Delete…", "delete uma").click()
    page.run()
    if sure:
        confirm(page, "Delete…", "Yes, delete", "delete uma")
    assert ("uma" in [user["username"] for user in fake.users]) is not sure


def test_nobody_deletes_themselves(open_page: Open) -> None:
    page = open_page("people")
    assert page.button(key="delete maya").disabled


def test_a_key_is_shown_once(open_page: Open) -> None:
    page = press(open_page("people", people="Keys"), "Create a key")
    named(page, "text_input", "Name of the program").set_value("robot")
    confirm(page, "Create a key", "Yes, create")
    assert [code.value for code in page.code] == ["lk_only-shown-once"]
    assert "Yes, create" not in [found.label for found in page.button]
    page.run()
    assert not page.code


def test_a_key_whose_labels_are_trusted_is_created(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people", people="Keys"), "Create a key")
    named(page, "text_input", "Name of the program").set_value("registry")
    named(page, "checkbox", "Trust the labels it gives").check()
    confirm(page, "Create a key", "Yes, create")
    assert [key["trusted"] for key in fake.keys] == [False, True]


def test_the_labels_of_a_key_are_trusted_and_no_longer(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people", people="Keys"), "Trust its labels")
    assert fake.keys[0]["trusted"]
    assert "user · labels trusted" in said(page)
    press(page, "No longer trust its labels")
    assert not fake.keys[0]["trusted"]
    assert "labels trusted" not in said(page)


def test_the_labels_of_an_engineers_key_are_shown_as_trusted(open_page: Open, fake: FakeGateway) -> None:
    fake.keys[0] |= {"role": "engineer", "trusted": True}
    page = open_page("people", people="Keys")
    assert "engineer · labels trusted" in said(page)
    assert "Revoke…" in [found.label for found in page.button]
    assert not any("trust" in found.label for found in page.button)


def test_a_key_is_revoked_after_a_yes(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people", people="Keys"), "Revoke…")
    assert len(fake.keys) == 1
    confirm(page, "Revoke…", "Yes, revoke")
    assert fake.keys == []


def test_the_password_of_a_device_is_shown_once_with_its_topics(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people", people="Devices"), "Create a device")
    named(page, "text_input", "Name of the device").set_value("camera")
    confirm(page, "Create a device", "Yes, create")
    password, topics = [code.value for code in page.code]
    assert password == "lkd_only-shown-once"
    assert topics.splitlines() == ["<model>/actions/predict/camera", "<model>/results/predict/camera"]
    assert fake.devices[-1]["public_topics"] is False
    page.run()
    assert not page.code


def test_a_device_is_revoked_after_a_yes_and_then_there_is_none(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("people", people="Devices"), "Revoke…")
    assert len(fake.devices) == 1
    confirm(page, "Revoke…", "Yes, revoke")
    assert fake.devices == []
    assert "No devices" in said(open_page("people", people="Devices"))
