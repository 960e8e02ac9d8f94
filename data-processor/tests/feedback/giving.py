"""A process that gives feedback and says what was answered: `giving.py URL FIRST COUNT SUBJECT [KEY]`."""

import sys
from collections.abc import Iterable

from data_processor.caller import Caller
from data_processor.database import Database
from data_processor.feedback.schemas import FeedbackRequest
from data_processor.feedback.service import FeedbackService
from data_processor.predictions.records import Prediction
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings

SECRET = "a-secret-of-the-tests"


class Every:
    """A place where every prediction of one person was recorded."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def get(self, prediction: str) -> Prediction:
        """Return it."""
        return Prediction(
            id=prediction,
            model="census",
            version="1",
            stage="main",
            pinned=False,
            asked=False,
            subject=self._subject,
            at=now(),
            inputs={},
            output={"label": "<=50K", "probabilities": {"<=50K": 0.6, ">50K": 0.4}},
            flags=[],
            latency_ms=1.0,
            trace_id="0" * 32,
        )

    def many(self, ids: Iterable[str]) -> dict[str, Prediction]:
        """Return them."""
        return {one: self.get(one) for one in ids}


def say(line: str) -> None:
    """Write a line, whole, before anything else happens."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Give feedback, one prediction after the other."""
    url, first, count, subject, *key = sys.argv[1:]
    database = Database(url)
    settings = Settings(service_token=SECRET, caller_key=SECRET, signing_key=SECRET)
    feedback = FeedbackService(database, settings, Every(subject), Runs(database, "main"))
    say("ready")
    sys.stdin.readline()
    for number in range(int(first), int(first) + int(count)):
        status, said = feedback.give(
            f"p{number}", Caller(subject, "user"), FeedbackRequest(correct=False), *key
        )
        say(f"p{number} {status} {said['id']}")


if __name__ == "__main__":
    main()
