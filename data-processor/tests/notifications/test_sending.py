import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from data_processor.notifications.sender import without_secrets
from data_processor.notifications.sending import Receiver, Sender

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {"id": "msg-1", "title": "census (main): a run failed", "text": "It failed. ü", "payload": {"ü": 1}}
HERE = ["127.0.0.0/8"]


def test_the_signature_is_that_of_the_example_in_the_specification() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    signed = Webhook(SECRET).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_signed_so_that_its_receiver_can_verify_it(receiver: Any) -> None:
    found = Sender(HERE).send(Receiver("webhook", receiver.url, SECRET), [MESSAGE])
    assert found["msg-1"].error is None
    [got] = receiver.received
    assert got.verified() == {"ü": 1}
    signed = f"msg-1.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{mac}"
    assert got.headers["content-type"] == "application/json"


def test_a_service_of_apprise_gets_title_and_text(receiver: Any) -> None:
    address = receiver.url.replace("http://", "json://")
    found = Sender(HERE).send(Receiver("apprise", address), [MESSAGE])
    assert found["msg-1"].error is None
    [got] = receiver.received
    assert (got.json()["title"], got.json()["message"]) == (MESSAGE["title"], "It failed. ü")


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, "The receiver answered 500 Internal Server Error."), (302, "The receiver answered 302 Found.")],
)
def test_whatever_is_not_2xx_is_not_delivered(receiver: Any, status: int, said: str) -> None:
    receiver.statuses[:] = [status]
    receiver.headers["location"] = receiver.url
    found = Sender(HERE).send(Receiver("webhook", receiver.url, SECRET), [MESSAGE])
    assert found["msg-1"].error == said
    assert len(receiver.received) == 1


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_an_address_that_is_not_public_gets_nothing(receiver: Any, kind: str) -> None:
    address = receiver.url if kind == "webhook" else receiver.url.replace("http://", "json://")
    found = Sender([]).send(Receiver(kind, address, SECRET), [MESSAGE])
    assert "127.0.0.1 is no public address, and NOTIFICATION_NETWORKS does not" in str(found["msg-1"].error)
    assert receiver.received == []


def test_a_receiver_that_is_down_is_asked_once_for_a_batch(unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/hook/with-a-token"
    messages = [{**MESSAGE, "id": f"msg-{number}"} for number in range(3)]
    found = Sender(HERE).send(Receiver("webhook", url, SECRET), messages)
    assert len(found) == 3
    assert {one.error for one in found.values()} == {
        "The receiver cannot be reached: [Errno 111] Connection refused."
    }


def test_a_sender_that_takes_too_long_is_killed(new_receiver: Callable[..., Any]) -> None:
    receiver = new_receiver(hangs=True)
    found = Sender(HERE, limit_s=4).send(Receiver("webhook", receiver.url, SECRET), [MESSAGE])
    assert found["msg-1"].error == "The receiver took more than 4 s, or its service failed."


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("json://ann:secret@127.0.0.1:9/token-of-mine", "JSON at 127.0.0.1"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "Slack"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544", "Telegram"),
    ],
)
def test_an_address_is_shown_without_its_credentials(address: str, shown: str) -> None:
    assert Sender([]).check(Receiver("apprise", address)) == shown


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nosuch://x", "is no address that Apprise understands"),
        ("slack://incomplete", "is no address that Apprise understands"),
        ("syslog://", "would notify nobody but the machine of the worker"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sender([]).check(Receiver("apprise", address))


def test_what_is_said_of_a_failure_holds_no_credential() -> None:
    order = {"kind": "apprise", "address": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlaz%2Bcc"}
    said = "Failed to post to https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlaz+cc."
    assert without_secrets(said, order) == "Failed to post to https://hooks.slack.com/services/…/…/…."
