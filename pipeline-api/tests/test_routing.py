from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_api.roles import Role
from pipeline_api.routes import OPERATIONS, Operation
from pipeline_api.routing import MAX_PATH_BYTES, RouteTable, path_of, query_of, segment_of
from pipeline_api.service.errors import NotFound

TABLE = RouteTable(OPERATIONS)


def test_every_operation_is_found_at_its_path() -> None:
    for operation in OPERATIONS:
        match = TABLE.match(operation.path.replace("{", "").replace("}", "").encode())

        assert match is not None
        assert match.operations[operation.method] is operation


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/v1",
        b"/v1/",
        b"/v1/model",
        b"/v1/models/",
        b"/v1/models//predictions",
        b"/v1/models/a/predictions/",
        b"//v1/models",
        b"/v2/models",
        b"/v1/models/../models",
        b"/v1/models/..%2fruns",
        b"/v1/models/%2e%2e",
        b"/v1/models/a%2Fpredictions",
        b"/v1/models/a%5cb",
        b"/v1/models/a%00b",
        b"/v1/models/a%0d%0ab",
        b"/v1/models/%ff",
        b"/v1/models/" + b"a" * MAX_PATH_BYTES,
        b"/v1/runs/1/events",
        b"/metrics",
        b"/docs",
        b"/openapi.json",
    ],
)
def test_nothing_else_is_public(path: bytes) -> None:
    assert TABLE.match(path) is None


@given(st.text(min_size=1, max_size=50).filter(lambda s: s not in {".", ".."}))
def test_what_is_asked_for_is_what_was_matched(name: str) -> None:
    raw = quote(name, safe="").encode()

    match = TABLE.match(b"/v1/models/" + raw + b"/score")

    if any(c in "/\\\x7f" or c < " " for c in name):
        assert match is None
    else:
        assert match is not None
        assert [unquote(part) for part in match.path.split("/")] == ["", "v1", "models", name, "score"]


@given(st.binary(max_size=60))
def test_no_path_leads_outside_its_template(raw: bytes) -> None:
    match = TABLE.match(b"/v1/models/" + raw)

    if match is not None:
        assert match.path.isascii()
        assert match.path.count("/") == match.template.count("/")
        assert not {".", "..", ""} & set(match.path.split("/")[1:])


@given(st.binary(max_size=60))
def test_a_segment_never_hides_a_separator(raw: bytes) -> None:
    segment = segment_of(raw)

    assert segment is None or (segment and not set(segment) & set("/\\\x00\r\n"))


@given(st.binary(max_size=100))
def test_a_query_is_sent_on_without_anything_that_ends_a_line(raw: bytes) -> None:
    query = query_of(raw)

    assert query.isascii()
    assert query.isprintable()
    assert not set(query) & set(' #<>"')


@given(st.dictionaries(st.text("abc"), st.text()).map(lambda q: q))
def test_an_encoded_query_is_left_as_it_is(query: dict[str, str]) -> None:
    encoded = "&".join(f"{quote(k)}={quote(v)}" for k, v in query.items())

    assert query_of(encoded.encode()) == encoded


@pytest.mark.parametrize("segment", ["", ".", "..", "a/b", "a\\b", "a\nb", "\x00"])
def test_a_path_is_not_made_of_segments_that_are_none(segment: str) -> None:
    with pytest.raises(NotFound):
        path_of("v1", segment)


def test_a_path_is_made_of_encoded_segments() -> None:
    assert path_of("v1", "models", "ä b%") == "/v1/models/%C3%A4%20b%25"


def test_literal_segments_win_over_parameters() -> None:
    literal, parameter = Operation("GET", "/a/b", Role.USER), Operation("GET", "/a/{x}", Role.USER)
    table = RouteTable([parameter, literal])

    match = table.match(b"/a/b")

    assert match is not None
    assert match.operations["GET"] is literal


def test_a_parameter_with_a_suffix_wins_over_one_without() -> None:
    plain = Operation("GET", "/reports/{report}", Role.USER)
    page = Operation("GET", "/reports/{report}.html", Role.USER)
    table = RouteTable([plain, page])

    found = {path: table.match(path) for path in (b"/reports/a", b"/reports/a.html", b"/reports/.html")}
    assert [match and match.operations["GET"] for match in found.values()] == [plain, page, plain]
    assert table.match(b"/reports/a.html/b") is None
