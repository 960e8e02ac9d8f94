"""Several people who use one model, each with an account of their own."""

import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from compose_stack.client import Client
from compose_stack.traffic import Labelled

ROWS_PER_REQUEST = 25


@dataclass(frozen=True)
class FeedbackGiven:
    """What came of letting people give feedback on predictions."""

    predictions: tuple[str, ...]
    """The ids, in the order of the feedback."""
    right: int
    last_at: float
    """When the last feedback was sent, on the monotonic clock."""


class People:
    """Temporary accounts that predict and give feedback in turn."""

    def __init__(self, admin: Client, count: int, transport: httpx.BaseTransport | None = None) -> None:
        """Create `count` users through `admin` on entry, delete them on exit; `transport` as for clients."""
        self._admin = admin
        self._transport = transport
        self._names = [f"demo-{secrets.token_hex(3)}-{number + 1}" for number in range(count)]
        self._clients: list[Client] = []
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for name in self._names:
                password = secrets.token_urlsafe(16)
                self._admin.create_user(name, password)
                undo.callback(self._admin.delete_user, name)
                client = Client.sign_in(self._admin.url, name, password, transport=self._transport)
                self._clients.append(undo.enter_context(client))
            self._closing = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def predict(self, model: str, rows: Sequence[Labelled]) -> list[dict[str, Any]]:
        """Return a prediction for each row, in order, and give no feedback."""
        answers: list[dict[str, Any]] = []
        for start in range(0, len(rows), ROWS_PER_REQUEST):
            some = rows[start : start + ROWS_PER_REQUEST]
            answers += self._clients[0].predict(model, [row.inputs for row in some])["predictions"]
        return answers

    def predict_and_give_feedback(self, model: str, rows: Sequence[Labelled]) -> FeedbackGiven:
        """Let each person predict an equal share of the rows and give the true label of each."""
        ids: list[str] = []
        right = 0
        last_at = time.monotonic()
        for number, client in enumerate(self._clients):
            mine = rows[number :: len(self._clients)]
            if not mine:
                break
            answer = client.predict(model, [row.inputs for row in mine])
            for row, prediction in zip(mine, answer["predictions"], strict=True):
                correct = prediction["label"] == row.truth
                last_at = time.monotonic()
                client.give_feedback(prediction["id"], correct=correct, label=row.truth)
                ids.append(prediction["id"])
                right += correct
        return FeedbackGiven(tuple(ids), right, last_at)
