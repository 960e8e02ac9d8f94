import pytest

from data_processor.service.trace_context import (
    RequestIds,
    current_request,
    current_trace_id,
    new_traceparent,
    request_ids,
    trace_id_of,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"01-{TRACE}-b7ad6b7169203331-00-more", TRACE),
        (None, None),
        ("", None),
        ("nonsense", None),
        (f"ff-{TRACE}-b7ad6b7169203331-01", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-b7ad6b7169203331-01\n", None),
    ],
)
def test_only_a_well_formed_traceparent_is_believed(traceparent: str | None, trace_id: str | None) -> None:
    assert trace_id_of(traceparent) == trace_id


def test_a_call_to_another_service_stays_in_the_requests_trace() -> None:
    token = current_request.set(RequestIds(TRACE, "b7ad6b7169203331", "order-17"))
    try:
        assert new_traceparent() == f"00-{TRACE}-b7ad6b7169203331-01"
        assert current_trace_id() == TRACE
    finally:
        current_request.reset(token)


def test_outside_of_a_request_a_call_starts_a_new_trace() -> None:
    assert current_trace_id() is None
    first, second = trace_id_of(new_traceparent()), trace_id_of(new_traceparent())
    assert first is not None
    assert first != second


def test_a_request_is_named_by_its_trace_unless_the_caller_names_it() -> None:
    traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert request_ids(traceparent, None).request_id == TRACE
    assert request_ids(traceparent, "order-17").request_id == "order-17"
    assert request_ids(traceparent, None).span_id != "b7ad6b7169203331"
