import re
from typing import Any

import pytest

from acting import button, confirm, named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway
from fake_http import Answer
from fake_notifications import delivery, destination


def test_a_page_says_what_could_not_be_delivered_and_when_it_is_tried_again(open_page: Open) -> None:
    found = said(open_page("notifications"))
    assert "The receiver answered 500 Internal Server Error." in found
    assert "1 notification not delivered yet; the next attempt is due" in found


def test_a_webhooks_secret_is_shown_once(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("notifications"), "Add a destination")
    named(page, "text_input", "Name").set_value("night")
    named(page, "selectbox", "Kind").set_value("webhook")
    named(page, "text_input", "Address").set_value("https://example.org/hook")
    confirm(page, "Add a destination", "Yes, add")
    assert [code.value for code in page.code] == ["whsec_only-shown-once"]
    [asked] = sent(fake, "/destinations")
    assert (asked["name"], asked["kind"], len(asked["events"])) == ("night", "webhook", 11)
    page.run()
    assert not page.code


def test_a_destination_without_an_address_is_not_added(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("notifications"), "Add a destination")
    named(page, "text_input", "Name").set_value("night")
    confirm(page, "Add a destination", "Yes, add")
    assert "Please enter a name, an address and at least one event." in said(page)
    assert sent(fake, "/destinations") == []


def test_a_test_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("notifications")
    button(page, "Send a test", "test destination-2").click()
    page.run()
    assert fake.tested == ["destination-2"]


def test_what_is_not_entered_again_is_kept(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("notifications")
    button(page, "Change…", "change destination-1").click()
    page.run()
    named(page, "multiselect", "Events").set_value(["drift.found"])
    confirm(page, "Change…", "Yes, change", "change destination-1")
    asked = {"name": "operations", "events": ["drift.found"], "expected_revision": 3}
    assert sent(fake, "/destination-1") == [asked]


def test_who_changes_what_somebody_else_has_changed_is_told_and_sees_it(
    open_page: Open, fake: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("notifications")
    button(page, "Change…", "change destination-1").click()
    page.run()
    named(page, "multiselect", "Events").set_value(["drift.found"])
    change = fake.change_destination

    def after_somebody_else(**request: Any) -> Answer:
        fake.destinations[0].update(name="night shift", revision=4)
        return change(**request)

    monkeypatch.setattr(fake, "change_destination", after_somebody_else)
    confirm(page, "Change…", "Yes, change", "change destination-1")
    assert "Somebody has changed the destination 'night shift' meanwhile." in said(page)
    assert fake.destinations[0]["events"] == ["run.failed", "score.fell"]
    page.run()
    assert "**night shift**" in said(page)


def test_a_destination_is_switched_off(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("notifications")
    button(page, "Switch off", "switch destination-1").click()
    page.run()
    assert sent(fake, "/destination-1") == [{"active": False, "expected_revision": 3}]
    assert page.button(key="test destination-1").disabled


@pytest.mark.parametrize("sure", [True, False])
def test_a_destination_is_deleted_only_after_a_yes(open_page: Open, fake: FakeGateway, *, sure: bool) -> None:
    page = open_page("notifications")
    button(page, "Delete…", "delete destination-1").click()
    page.run()
    assert "1 notification that it has not got yet will not be delivered." in said(page)
    if sure:
        confirm(page, "Delete…", "Yes, delete", "delete destination-1")
    assert len(fake.destinations) == (1 if sure else 2)


def test_an_engineer_reads_and_changes_nothing(open_page: Open) -> None:
    page = open_page("notifications", "engineer")
    assert "operations" in said(page)
    assert not {found.label for found in page.button} & {"Add a destination", "Send a test", "Delete…"}


def test_what_people_and_receivers_say_is_never_markup(open_page: Open, fake: FakeGateway) -> None:
    evil = "**bold** :red[x] [a](javascript:alert(1))"
    last = delivery(error=evil, message=evil)
    fake.destinations = [destination(name=evil, shown=evil, subject=evil, problem=evil, last=last)]
    page = open_page("notifications")
    shown = "\n".join(str(one.value) for kind in (page.markdown, page.caption) for one in kind)
    assert r"\*\*bold\*\*" in shown
    assert not re.search(r"(?<!\\)(\*\*bold|:red\[x|\[a\])", shown)
