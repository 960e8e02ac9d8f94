"""A batch on its way to the gateway, a portion at a time, so that it can stop and continue."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streamlit_ui.batch.reading import Fault, Row, Table
from streamlit_ui.client import Gateway, GatewayError, Unreachable
from streamlit_ui.contract.types import Answer
from streamlit_ui.text import shorten

_TRY_AGAIN = frozenset({429, 502, 503, 504})
_TRIES = 6
_LONGEST_WAIT_S = 60.0


@dataclass
class Batch:
    """The rows of one file: answered, refused, or still waiting to be sent."""

    table: Table
    model: str
    waiting: list[Row]
    faults: list[Fault] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    """Row number → answer."""
    versions: dict[int, str] = field(default_factory=dict)
    """Row number → the version that answered."""
    remarks: list[str] = field(default_factory=list)
    """How the file was interpreted, where that is worth a sentence."""
    version: str | None = None
    """The version to ask; none: the one that the stage serves."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def done(self) -> float:
        """The share of the rows that need no more work."""
        return 1 - len(self.waiting) / max(len(self.table.rows), 1)

    @property
    def rejected_rows(self) -> int:
        """How many rows got no answer because something is wrong with them."""
        return len({fault.row for fault in self.faults})

    def send_portion(self, gateway: Gateway, rows: int) -> None:
        """Send the next rows; those with faults are then set aside, and the others wait to be sent again."""
        portion = self.waiting[:rows]
        try:
            inputs = [row.inputs for row in portion]
            answer = gateway.predict(self.model, inputs, self._key(portion), self.version)
        except GatewayError as error:
            refused = self._faults_of(portion, error)
            if not refused:
                raise
            self.faults += refused
            bad = {fault.row for fault in refused}
            self.waiting = [row for row in self.waiting if row.number not in bad]
            return
        for row, prediction in zip(portion, answer["predictions"], strict=True):
            self.answers[row.number] = prediction
            self.versions[row.number] = answer["version"]
        self.waiting = self.waiting[len(portion) :]

    def _key(self, portion: list[Row]) -> str:
        """Name the portion: a repeated one is recorded once, one without its faulty rows is another."""
        numbers = ",".join(str(row.number) for row in portion)
        return hashlib.sha256(f"{self.id}:{numbers}".encode()).hexdigest()[:32]

    @staticmethod
    def _faults_of(portion: list[Row], error: GatewayError) -> list[Fault]:
        if error.status != 422:  # noqa: PLR2004  # the status of invalid input
            return []
        faults = []
        for place, message in error.errors:
            index = next((part for part in place if isinstance(part, int)), None)
            if index is None or not 0 <= index < len(portion):
                continue
            row = portion[index]
            name = ".".join(str(part) for part in place[place.index(index) + 1 :])
            value = row.inputs.get(name)
            faults.append(Fault(row.number, name, "" if value is None else shorten(str(value), 80), message))
        return faults


def send(batch: Batch, gateway: Gateway, rows: int, wait: Callable[[float], None]) -> Iterator[float]:
    """Send everything that waits, yielding the share done; a busy gateway is given time."""
    tries = 0
    while batch.waiting:
        try:
            batch.send_portion(gateway, rows)
        except GatewayError as error:
            tries += 1
            if tries >= _TRIES or not (isinstance(error, Unreachable) or error.status in _TRY_AGAIN):
                raise
            wait(min(error.retry_after or 0.5 * 2**tries, _LONGEST_WAIT_S))
        else:
            tries = 0
        yield batch.done
