import time

import pytest

from fake_gateway import FakeGateway
from streamlit_ui.batch.reading import Row, Table
from streamlit_ui.batch.sending import Batch, send
from streamlit_ui.client import Gateway, GatewayError

SENT = "/v1/models/census-income/predictions"


def batch(ages: list[int]) -> Batch:
    rows = [Row(number, {"age": str(age)}) for number, age in enumerate(ages, start=1)]
    return Batch(Table(["age"], [[str(age)] for age in ages], ",", "utf-8"), "census-income", rows)


def portions(fake: FakeGateway) -> list[int]:
    return [len(body["inputs"]) for _, path, _, body in fake.requests if path == SENT]


def test_rows_go_in_portions_and_keep_their_order(fake: FakeGateway, gateway: Gateway) -> None:
    sending = batch([20, 30, 40, 50, 60])
    assert list(send(sending, gateway, 2, time.sleep)) == [0.4, 0.8, 1.0]
    assert portions(fake) == [2, 2, 1]
    kept = {prediction["id"]: prediction["inputs"]["age"] for prediction in fake.predictions}
    assert [kept[sending.answers[number]["id"]] for number in range(1, 6)] == ["20", "30", "40", "50", "60"]
    assert set(sending.versions.values()) == {"2"}


def test_rows_with_faults_do_not_hold_up_their_neighbours(fake: FakeGateway, gateway: Gateway) -> None:
    sending = batch([20, -1, 40, -2])
    for _ in send(sending, gateway, 500, time.sleep):
        pass
    assert sorted(sending.answers) == [1, 3]
    assert [(fault.row, fault.field, fault.value) for fault in sending.faults] == [
        (2, "age", "-1"),
        (4, "age", "-2"),
    ]
    assert portions(fake) == [4, 2]
    assert sending.rejected_rows == 2


def test_a_repeated_portion_is_recorded_once(fake: FakeGateway, gateway: Gateway) -> None:
    sending = batch([20, 30])
    sending.send_portion(gateway, 2)
    sending.waiting = [Row(1, {"age": "20"}), Row(2, {"age": "30"})]
    sending.send_portion(gateway, 2)
    keys = [headers["idempotency-key"] for _, path, headers, _ in fake.requests if path == SENT]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(fake.predictions) == 62


def test_a_busy_gateway_is_given_the_time_it_asks_for(fake: FakeGateway, gateway: Gateway) -> None:
    fake.trouble(SENT, 429, headers={"Retry-After": "7"})
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            fake.troubles.clear()

    sending = batch([20])
    for _ in send(sending, gateway, 500, wait):
        pass
    assert waits == [7, 7, 7]
    assert sorted(sending.answers) == [1]


@pytest.mark.parametrize(("status", "tries"), [(503, 6), (500, 1), (403, 1)])
def test_a_failing_gateway_is_given_up_on_and_nothing_is_lost(
    fake: FakeGateway, gateway: Gateway, status: int, tries: int
) -> None:
    sending = batch([20, 30, 40])
    sending.send_portion(gateway, 1)
    fake.trouble(SENT, status)
    before = len(fake.requests)
    with pytest.raises(GatewayError):
        for _ in send(sending, gateway, 1, lambda _: None):
            pass
    assert len(fake.requests) - before == tries
    assert sorted(sending.answers) == [1]
    assert [row.number for row in sending.waiting] == [2, 3]


def test_a_refusal_that_names_no_row_is_raised(fake: FakeGateway, gateway: Gateway) -> None:
    fake.trouble(SENT, 422, errors=[{"loc": ["body", "inputs"], "message": "is too long"}])
    with pytest.raises(GatewayError):
        batch([20]).send_portion(gateway, 1)


def test_an_empty_batch_is_done() -> None:
    assert batch([]).done == 1
