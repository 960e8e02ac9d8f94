"""Many callers at once, each with its own input."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from compose_stack.client import Client
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL, Labelled

CALLERS = 64


@pytest.fixture(scope="module")
def instance(shared: Instance) -> Instance:
    return shared


def test_each_of_64_concurrent_predictions_gets_its_own_answer(admin: Client, rows: list[Labelled]) -> None:
    some = rows[:CALLERS]
    alone = [admin.predict(MODEL, [row.inputs])["predictions"][0] for row in some]
    assert len({answer["probabilities"][">50K"] for answer in alone}) > CALLERS // 2
    together = Barrier(CALLERS)
    token = admin.authorization.removeprefix("Bearer ")

    def ask(row: Labelled) -> dict[str, object]:
        with Client(admin.url, token) as client:
            client.score(MODEL)  # connected before all of them start
            together.wait()
            answer: dict[str, object] = client.predict(MODEL, [row.inputs])["predictions"][0]
            return answer

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(ask, some))
    for row, expected, answer in zip(some, alone, answers, strict=True):
        assert answer["label"] == expected["label"]
        # Answers are rounded to six places; in a batch a sum over columns may differ in the seventh.
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=2e-6)
        assert admin.prediction(str(answer["id"]))["inputs"] == row.inputs
    assert len({answer["id"] for answer in answers}) == CALLERS
