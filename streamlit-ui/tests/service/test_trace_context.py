import pytest

from streamlit_ui.service.trace_context import (
    HeadSampling,
    RequestIds,
    Traceparent,
    current_request,
    current_trace_id,
    current_traceparent,
    follow,
    new_traceparent,
    parse_traceparent,
    request_ids,
    trace_id_of,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = b"a key of the tests"


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
    found = parse_traceparent(traceparent)
    assert (found.trace_id if found else None) == trace_id


def test_a_call_to_another_service_stays_in_the_requests_trace() -> None:
    for sampled, flags in ((True, "01"), (False, "00")):
        token = current_request.set(RequestIds(TRACE, SPAN, "order-17", sampled))
        try:
            assert new_traceparent() == current_traceparent() == f"00-{TRACE}-{SPAN}-{flags}"
            assert current_trace_id() == TRACE
        finally:
            current_request.reset(token)


def test_outside_of_a_request_a_call_starts_a_new_trace() -> None:
    assert current_trace_id() is None
    assert current_traceparent() is None
    assert new_traceparent().endswith("-00")
    first, second = trace_id_of(new_traceparent()), trace_id_of(new_traceparent())
    assert first is not None
    assert first != second


def test_a_request_is_named_by_its_trace_unless_the_caller_names_it() -> None:
    parent = Traceparent(TRACE, SPAN, sampled=True)
    assert request_ids(parent).request_id == TRACE
    assert request_ids(parent, "order-17").request_id == "order-17"
    assert request_ids(parent).span_id != SPAN


@pytest.mark.parametrize("wish", [True, False])
def test_an_outsiders_flag_changes_nothing(wish: bool) -> None:
    parents = [Traceparent(f"{number:032x}", SPAN, sampled=wish) for number in range(1, 4001)]
    assert not any(HeadSampling(0, KEY)(parent, ()) for parent in parents)
    assert all(HeadSampling(1, KEY)(parent, ()) for parent in parents)
    tenth = [HeadSampling(0.1, KEY)(parent, ()) for parent in parents]
    assert 300 < sum(tenth) < 500
    opposite = [parent._replace(sampled=not wish) for parent in parents]
    assert tenth == [HeadSampling(0.1, KEY)(parent, ()) for parent in opposite]


def test_replicas_decide_the_same_about_a_trace_and_nobody_without_the_key_can_tell() -> None:
    parents = [Traceparent(f"{number:032x}", SPAN, sampled=True) for number in range(1, 1001)]
    decided = [HeadSampling(0.5, KEY)(parent, ()) for parent in parents]
    assert decided == [HeadSampling(0.5, KEY)(parent, ()) for parent in parents]
    assert decided != [HeadSampling(0.5, b"another")(parent, ()) for parent in parents]


def test_a_share_of_the_requests_without_a_trace_is_sampled() -> None:
    assert 300 < sum(HeadSampling(0.1, KEY)(None, ()) for _ in range(4000)) < 500


def test_who_is_known_by_the_headers_has_decided_already() -> None:
    sampling = HeadSampling(0, KEY, believes=lambda headers: (b"known", b"yes") in headers)
    parent = Traceparent(TRACE, SPAN, sampled=True)
    assert sampling(parent, [(b"known", b"yes")])
    assert not sampling(parent._replace(sampled=False), [(b"known", b"yes")])
    assert not sampling(parent, [(b"known", b"no")])


def test_inside_the_platform_the_caller_has_decided() -> None:
    assert follow(Traceparent(TRACE, SPAN, sampled=True), ())
    assert not follow(Traceparent(TRACE, SPAN, sampled=False), ())
    assert not follow(None, ())
