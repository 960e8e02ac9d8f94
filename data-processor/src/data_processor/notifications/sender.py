"""The process that sends: `python -m data_processor.notifications.sender`, one for each batch.

It reads one order as JSON from its input, and writes a line of JSON for every message that it tried:

    {"kind", "address", "secret", "networks", "messages": [{"id", "title", "text", "payload"}]}
    {"id", "error": null or a sentence, "retry_after": null or seconds, "gone": false}

Without messages it checks an `apprise` address instead, and writes `{"shown"}` or `{"error"}`. Whatever a
receiver or the library of a service does, it happens here: in a process that has no secret but those of this
destination, may only connect where `networks.py` permits, and is killed when it takes too long.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import apprise
import httpx
from standardwebhooks import Webhook

from data_processor.notifications.networks import Networks, guard

ANSWER_S = 10
"""Seconds that a receiver may take to connect, and between two pieces of its answer."""
MOST_RETRY_AFTER_S = 24 * 3600
LOCAL = ("dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows")
"""Services of Apprise that would only reach the machine that the worker runs on."""
_SPARED = 8
"""Parts of an address with fewer characters are no credentials."""


class _Kept(logging.Handler):
    """Keeps what Apprise warns of: it returns no reason."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class WebhookReceiver:
    """Sends signed webhooks (Standard Webhooks 1.0)."""

    def __init__(self, address: str, secret: str) -> None:
        """Sign with this secret, `whsec_…`."""
        self._address = address
        self._webhook = Webhook(secret)
        self._http = httpx.Client(timeout=ANSWER_S, headers={"user-agent": "loopkeeper"})

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one message; 2xx is delivered, and a redirect is not followed."""
        body = json.dumps(message["payload"], separators=(",", ":"), ensure_ascii=False)
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message["id"],
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(message["id"], at, body),
        }
        try:
            with self._http.stream(
                "POST", self._address, content=body.encode(), headers=headers
            ) as response:  # what it answers beside its status is never read
                status, after = response.status_code, response.headers.get("retry-after", "")
        except httpx.TimeoutException:
            return {"error": f"The receiver did not answer within {ANSWER_S} s.", "unreachable": True}
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return {"error": f"The receiver cannot be reached: {error}.", "unreachable": True}
        if httpx.codes.is_success(status):
            return {"error": None}
        return {
            "error": f"The receiver answered {status} {httpx.codes.get_reason_phrase(status)}".strip() + ".",
            "retry_after": min(int(after), MOST_RETRY_AFTER_S) if after.isdigit() else None,
            "gone": status == httpx.codes.GONE,
        }


class AppriseReceiver:
    """Sends to a service that Apprise knows."""

    def __init__(self, address: str) -> None:
        """Understand the address; raises `ValueError` with a sentence."""
        # Nothing of this machine's files goes into a message, and no redirect is followed.
        asset = apprise.AppriseAsset(allow_templates=False, http_redirects=False, secure_logging=True)
        found = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if not isinstance(found, apprise.NotifyBase):
            raise ValueError(  # noqa: TRY004  # the address is wrong, not its type
                "is no address that Apprise understands: it needs a service and what that service asks for, "
                "such as slack://… or mailtos://…; see https://appriseit.com."
            )
        if type(found).__module__.rpartition(".")[2] in LOCAL:
            raise ValueError(
                f"is for {found.service_name}, which would notify nobody but the machine of the worker."
            )
        self._service = found
        self._kept = _Kept()
        apprise.logger.addHandler(self._kept)
        apprise.logger.propagate = False

    @property
    def shown(self) -> str:
        """The service and, where it is not a credential, its host."""
        service = self._service
        host = service.host if "host" in service.template_tokens else None
        return f"{service.service_name} at {host}" if host else str(service.service_name)

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one message as plain text."""
        self._kept.lines.clear()
        sent = self._service.notify(
            body=message["text"], title=message["title"], body_format=apprise.NotifyFormat.TEXT
        )
        if sent:
            return {"error": None}
        said = " ".join(line if line.endswith((".", "!")) else f"{line}." for line in self._kept.lines[:3])
        return {"error": said or f"{self._service.service_name} did not accept the notification."}


def send_all(order: dict[str, Any], refusals: list[str]) -> Iterator[dict[str, Any]]:
    """Send every message of an order; once the receiver cannot be reached, the rest shares its error."""
    failed: dict[str, Any] | None = None
    receiver: WebhookReceiver | AppriseReceiver | None = None
    try:
        receiver = (
            WebhookReceiver(order["address"], order["secret"])
            if order["kind"] == "webhook"
            else AppriseReceiver(order["address"])
        )
    except ValueError as error:
        failed = {"error": f"The address {error}"}
    for message in order["messages"]:
        refusals.clear()
        found = failed or receiver.send(message)  # type: ignore[union-attr]  # one of them is there
        if found["error"]:
            found = {
                **found,
                "error": refusals[0] if refusals else without_secrets(found["error"], order),
            }
        if refusals or found.get("unreachable"):
            failed = found
        yield {"id": message["id"], **found}


def without_secrets(said: str, order: dict[str, Any]) -> str:
    """Return a sentence about a destination without any longer part of its address but the host."""
    address = order["address"]
    parts = set(re.split(r"[/@?&=#,;:]+", address) + re.split(r"[/@?&=#,;:]+", unquote(address)))
    host = httpx.URL(address).host if order["kind"] == "webhook" else ""
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SPARED and part != host:
            said = said.replace(part, "…")
    return said[:500]


def main() -> None:
    """Carry out the order that is on the standard input."""
    order = json.load(sys.stdin)
    refusals = guard(Networks(order["networks"]))
    if not order["messages"]:
        try:
            answer = {"shown": AppriseReceiver(order["address"]).shown}
        except ValueError as error:
            answer = {"error": str(error)}
        _answer(answer)
        return
    for found in send_all(order, refusals):
        _answer(found)


def _answer(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
