import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_processor.features.calendar import FEATURES
from data_processor.features.packing import pack_rows
from data_processor.features.schema import Column, Holdout, Schema
from data_processor.models.policy import Policy
from data_processor.service.errors import BadRequest, Invalid, Problem
from data_processor.serving.diagnosis import Diagnosis, Limits
from data_processor.serving.validation import Checked, Validator, asked_version, flag_kind

TABLE = Schema(
    task="tabular-classification",
    target="rich",
    columns=(
        Column(name="age", kind="numeric", integer=True, minimum=17, maximum=90),
        Column(name="hours-per-week", kind="numeric", nullable=False, minimum=1, maximum=99),
        Column(name="work", kind="categorical", categories=("private", "state")),
        Column(name="born", kind="datetime"),
        Column(name="rich", kind="categorical", categories=("no", "yes")),
        Column(name="fnlwgt", kind="ignored"),
    ),
    classes=("no", "yes"),
)
LIMITS = Limits(max_rows=5, max_text_length=20)
FLAGGING = Validator(TABLE, Policy(), LIMITS)
REJECTING = Validator(TABLE, Policy(unseen_category="reject"), LIMITS)
GOOD = {"age": 39, "hours-per-week": 40.5, "work": "private", "born": "1986-01-02"}


def body(*rows: Any, **envelope: Any) -> bytes:
    return json.dumps({"inputs": list(rows), **envelope}).encode()


def errors_of(content: bytes, validator: Validator = FLAGGING) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(Invalid) as refused:
        validator.check(content)
    return {tuple(error["loc"]): error["message"] for error in refused.value.errors or ()}


def test_a_good_row_is_packed_in_the_schemas_order_without_flags() -> None:
    checked = FLAGGING.check(body(GOOD))
    assert checked.packed.numeric.tolist() == [[39.0, 40.5]]
    assert checked.packed.strings.tolist() == [["private", "1986-01-02"]]
    assert checked.flags == [[]]
    assert checked.version is None


def test_packing_agrees_with_the_packing_of_training() -> None:
    rows: list[dict[str, Any]] = [GOOD, {"hours-per-week": 1}, {**GOOD, "work": "abroad", "age": None}]
    ours, theirs = FLAGGING.check(body(*rows)).packed, pack_rows(rows, TABLE)
    assert ours.numeric.tobytes() == theirs.numeric.tobytes()
    assert ours.numeric.dtype == theirs.numeric.dtype
    assert ours.strings.tolist() == theirs.strings.tolist()


def test_what_is_odd_is_flagged_by_name_and_kind() -> None:
    flags = FLAGGING.check(body({"age": 120, "hours-per-week": 40, "work": "abroad"})).flags[0]
    assert flags == [
        "age: out of range (120; training saw 17 to 90)",
        "work: unseen category 'abroad'",
        "born: missing",
    ]
    assert [flag_kind(flag) for flag in flags] == ["out_of_range", "unseen", "missing"]


def test_an_unseen_category_of_many_says_that_there_were_many() -> None:
    many = Column(name="city", kind="categorical", categories=tuple(f"City {n}" for n in range(1200)))
    table = Schema(task="tabular-regression", target="y", columns=(many,))
    validator = Validator(table, Policy(), Limits(10, 100))

    assert validator.check(body({"city": "City 1199"})).flags == [[]]
    assert validator.check(body({"city": "Atlantis"})).flags == [
        ["city: unseen category 'Atlantis' (training saw 1200 others)"]
    ]
    described = table.json_schema()["properties"]["city"]
    assert len(described["examples"]) == 1000
    assert described["x-categories"] == 1200


def test_an_unseen_category_is_rejected_where_the_policy_says_so() -> None:
    errors = errors_of(body({**GOOD, "work": "abroad"}), REJECTING)
    assert list(errors) == [("body", "inputs", 0, "work")]
    assert "'abroad' is a category that training never saw" in errors["body", "inputs", 0, "work"]


def test_every_bad_row_and_field_is_named_at_once() -> None:
    errors = errors_of(
        body(
            {**GOOD, "age": "old", "shoe size": 43},
            GOOD,
            {"age": [39], "work": 7, "born": True},
            "not a row",
        )
    )
    assert errors == {
        ("body", "inputs", 0, "shoe size"): "is not an input of the model; leave it out",
        ("body", "inputs", 0, "age"): "must be a number, not the text 'old'",
        ("body", "inputs", 2, "age"): "must be a number, not a list",
        ("body", "inputs", 2, "hours-per-week"): "is missing; this input is required",
        ("body", "inputs", 2, "work"): "must be text, not a number",
        ("body", "inputs", 2, "born"): "must be text, not true or false",
        ("body", "inputs", 3): "must be an object of column names and values, not text",
    }


def test_columns_of_the_table_that_are_no_inputs_are_ignored_and_said() -> None:
    checked = FLAGGING.check(body({**GOOD, "fnlwgt": 1, "rich": "yes"}))
    assert checked.flags == [
        ["fnlwgt: no input of the model, ignored", "rich: no input of the model, ignored"]
    ]
    assert {flag_kind(flag) for flag in checked.flags[0]} == {"ignored"}
    assert json.loads(bytes(checked.rows[0])) == GOOD


@pytest.mark.parametrize(("name", "shown"), [("", "(no name)"), ("Unnamed: 0", "Unnamed: 0")])
def test_row_labels_that_an_upload_left_out_may_be_sent_back(name: str, shown: str) -> None:
    checked = FLAGGING.check(body({**GOOD, name: "17"}))
    assert checked.flags == [[f"{shown}: no input of the model, ignored"]]
    assert json.loads(bytes(checked.rows[0])) == GOOD


def test_a_whole_column_takes_other_numbers_and_flags_them() -> None:
    checked = FLAGGING.check(body({**GOOD, "age": 40.5}))
    assert checked.packed.numeric[0, 0] == 40.5
    assert checked.flags == [["age: no whole number (40.5; training saw whole ones only)"]]


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_numbers_that_are_not_finite_are_named(number: str) -> None:
    errors = errors_of(b'{"inputs": [{"hours-per-week": %b}]}' % number.encode())
    assert errors == {("body", "inputs", 0, "hours-per-week"): "must be a finite number"}


def test_nan_is_missing_where_a_column_may_be_missing() -> None:
    checked = FLAGGING.check(body({**GOOD, "age": math.nan}))
    assert checked.flags == [["age: missing"]]
    assert errors_of(body({"hours-per-week": math.nan})) == {
        ("body", "inputs", 0, "hours-per-week"): "is missing; this input is required"
    }


def test_numbers_beyond_what_models_can_count_are_named() -> None:
    for number in (b"1e300", b"-1e31", b"1" + b"0" * 60):
        errors = errors_of(b'{"inputs": [{"hours-per-week": %b}]}' % number)
        assert errors == {("body", "inputs", 0, "hours-per-week"): "must be a number from -1e+30 to 1e+30"}


def test_booleans_are_no_numbers() -> None:
    assert errors_of(body({**GOOD, "age": True})) == {
        ("body", "inputs", 0, "age"): "must be a number, not true or false"
    }


def test_a_long_text_is_refused_and_not_repeated() -> None:
    message = errors_of(body({**GOOD, "work": "x" * 21}))["body", "inputs", 0, "work"]
    assert message == "has 21 characters; at most 20 are accepted"


def test_half_a_character_is_refused() -> None:
    errors = errors_of(b'{"inputs": [{"hours-per-week": 1, "work": "\\ud800", "\\udfff": 1}]}')
    assert "lone surrogate" in errors["body", "inputs", 0, "work"]
    assert ("body", "inputs", 0, "\\udfff") in errors


@pytest.mark.parametrize(
    ("content", "loc"),
    [
        (b'{"inputs": [{"hours-per-week": 1, "age": 1, "age": 2}]}', ("body", "inputs", 0, "age")),
        (b'{"inputs": [{"hours-per-week": 1, "work": "a:b", "work": "c"}]}', ("body", "inputs", 0, "work")),
        (b'{"inputs": [{"hours-per-week": 1}], "inputs": [{"hours-per-week": 1}]}', ("body", "inputs")),
        (b'{"version": "1", "inputs": [{"hours-per-week": 1}], "version": "2"}', ("body", "version")),
    ],
)
def test_a_key_that_is_given_twice_is_named(content: bytes, loc: tuple[str | int, ...]) -> None:
    assert errors_of(content) == {loc: "occurs more than once; give it once"}


def test_colons_in_texts_are_nothing_special() -> None:
    checked = FLAGGING.check(body({**GOOD, "born": "1986-01-02 10:20:30"}))
    assert checked.packed.strings[0, 1] == "1986-01-02 10:20:30"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"inputs",
        b'{"inputs": [{"age": 01}]}',
        b'{"inputs": [{"age": 1}]} x',
        b'\xef\xbb\xbf{"inputs": []}',
        b'{"inputs": [{"work": "\xff"}]}',
        b'{"inputs": [{"work": "\x01"}]}',
        b'{"inputs": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_what_is_no_json_is_a_bad_request(content: bytes) -> None:
    with pytest.raises(BadRequest):
        FLAGGING.check(content)


@pytest.mark.parametrize(
    ("content", "loc", "part"),
    [
        (b"[]", ("body",), "not a list"),
        (b"null", ("body",), "not null"),
        (b"{}", ("body", "inputs"), "missing"),
        (b'{"inputs": {}}', ("body", "inputs"), "not an object"),
        (b'{"inputs": []}', ("body", "inputs"), "empty"),
        (body(GOOD, row=1), ("body", "row"), "unknown"),
        (body(GOOD, version=3), ("body", "version"), "must be text"),
        (
            body(*[GOOD] * 6),
            ("body", "inputs"),
            "6 inputs; one request may have at most 5; send several requests",
        ),
    ],
)
def test_what_is_wrong_with_the_envelope_is_said(content: bytes, loc: tuple[str, ...], part: str) -> None:
    assert part in errors_of(content)[loc]


def test_a_version_may_be_null() -> None:
    assert FLAGGING.check(body(GOOD, version=None)).version is None
    assert FLAGGING.check(body(GOOD, version="3")).version == "3"


def test_the_version_is_read_before_the_rows_are_understood() -> None:
    assert asked_version(b'{"inputs": [{"anything": [1]}], "version": "3"}') == "3"
    assert asked_version(b'{"inputs": []}') is None
    assert asked_version(b'{"version": 3}') is None
    assert asked_version(b"{") is None


def test_the_errors_of_a_huge_bad_request_are_counted_and_the_first_listed() -> None:
    validator = Validator(TABLE, Policy(), Limits(max_rows=20_000, max_text_length=20))
    with pytest.raises(Invalid) as refused:
        validator.check(body(*[{"hours-per-week": "x"}] * 12_000))
    assert "12000 fields are not valid" in refused.value.detail
    assert len(refused.value.errors or ()) == 10_000


numbers = st.one_of(
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(17, 90),
)
texts = st.one_of(
    st.sampled_from(["private", "state", "", "nan", "a:b", '":"', "x" * 20, "x" * 21]), st.text()
)
values = st.one_of(numbers, texts, st.booleans(), st.none(), st.lists(st.integers(), max_size=2))
names = st.sampled_from(["age", "hours-per-week", "work", "born", "rich", "nope"])
rows = st.one_of(
    st.dictionaries(names, values),
    st.fixed_dictionaries(
        {"hours-per-week": st.floats(0, 100)},
        optional={"age": st.none() | st.integers(0, 100), "work": texts, "born": texts},
    ),
    values,
)
envelopes = st.fixed_dictionaries(
    {}, optional={"inputs": st.lists(rows, max_size=6) | values, "version": values, "extra": values}
)


def verdict(ask: Any) -> tuple[str, Any]:
    try:
        return "accepted", ask()
    except Problem as problem:
        return type(problem).__name__, problem.errors


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


@settings(max_examples=150, deadline=None)
@given(envelope=envelopes, policy=st.sampled_from([False, True]))
def test_fast_and_slow_validation_agree(envelope: dict[str, Any], policy: bool) -> None:
    content = json.dumps(envelope).encode()
    fast = verdict(lambda: (REJECTING if policy else FLAGGING).check(content))
    slow = verdict(lambda: Diagnosis(TABLE, LIMITS, reject_unseen=policy).read(content))
    assert fast[0] == slow[0]
    if isinstance(fast[1], Checked):
        given_rows, _, _, version = slow[1]
        assert fast[1].version == (version or None)
        packed = pack_rows(given_rows, TABLE)
        assert fast[1].packed.numeric.tobytes() == packed.numeric.tobytes()
        assert fast[1].packed.strings.tolist() == packed.strings.tolist()


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_no_body_at_all_makes_it_stumble(content: bytes) -> None:
    assert verdict(lambda: FLAGGING.check(content))[0] in ("accepted", "BadRequest", "Invalid")


json_values = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(row=st.dictionaries(names, json_values))
def test_each_error_names_a_field_that_is_wrong_by_itself(row: dict[str, Any]) -> None:
    found = verdict(lambda: FLAGGING.check(body({"hours-per-week": 1, **row})))
    if found[0] == "accepted":
        return
    for error in found[1]:
        name = error["loc"][3]
        alone = verdict(lambda name=name: FLAGGING.check(body({"hours-per-week": 1, name: row[name]})))
        assert alone[0] == "Invalid"


def test_texts_are_flagged_only_when_blank_and_are_never_unseen() -> None:
    columns = (Column(name="comment", kind="text"), Column(name="toxic", kind="categorical"))
    table = Schema(task="text-classification", target="toxic", columns=columns, classes=("0", "1"))
    validator = Validator(table, Policy(unseen_category="reject"), LIMITS)
    checked = validator.check(body({"comment": "never seen"}, {"comment": " \t"}, {"comment": ""}, {}))

    assert checked.flags == [[], ["comment: blank"], ["comment: blank"], ["comment: missing"]]
    assert {flag_kind(flag) for odd in checked.flags for flag in odd} == {"missing"}
    assert (checked.packed.numeric.shape, checked.packed.strings.shape) == ((4, 0), (4, 1))
    too_long = errors_of(body({"comment": "x" * 21}), validator)
    assert too_long == {("body", "inputs", 0, "comment"): "has 21 characters; at most 20 are accepted"}


SEEING = Validator(
    TABLE.model_copy(
        update={
            "columns": tuple(
                column.model_copy(update={"calendar": FEATURES}) if column.kind == "datetime" else column
                for column in TABLE.columns
            )
        }
    ),
    Policy(),
    LIMITS,
)


def test_a_timestamp_is_packed_as_its_calendar() -> None:
    rows: list[dict[str, Any]] = [GOOD, {**GOOD, "born": "1986-01-02T00:00Z"}, {**GOOD, "born": None}]
    checked = SEEING.check(body(*rows))

    assert checked.packed.numeric[0, :5].tolist() == [39, 40.5, 1986, 1, 2]
    assert checked.packed.numeric[1].tolist() == checked.packed.numeric[0].tolist()
    assert all(math.isnan(number) for number in checked.packed.numeric[2, 2:])
    assert checked.packed.strings.tolist() == [["private"]] * 3
    assert checked.flags == [[], [], ["born: missing"]]


@pytest.mark.parametrize("born", ["yesterday", "31.01.2026", "2026-02-30"])
def test_what_is_not_a_timestamp_is_refused_by_name(born: str) -> None:
    errors = errors_of(body(GOOD, {**GOOD, "born": born}), SEEING)

    assert list(errors) == [("body", "inputs", 1, "born")]
    assert "is not a date or time; write 2026-01-31" in errors["body", "inputs", 1, "born"]


def test_an_earlier_version_accepts_any_text_as_a_timestamp() -> None:
    assert FLAGGING.check(body({**GOOD, "born": "yesterday"})).packed.strings[0, 1] == "yesterday"


ODD_NAMES = (
    'width 5"',
    "path\\len",
    "line\nbreak",
    "tab\tstop",
    "a[0]<b>",
    '{"k": "v"}',
    "it's; DROP TABLE x--",
    "Country",
    "country",
    "\N{ROCKET} größe",
    "версия",
    "__proto__",
    "c0",
    "c1",
    "inputs",
)


def odd_table(*names: str) -> Schema:
    columns = tuple(Column(name=name, kind="numeric", nullable=place > 0) for place, name in enumerate(names))
    return Schema(task="tabular-regression", target="y", columns=(*columns, Column(name="y", kind="numeric")))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_column_may_have_any_name(name: str) -> None:
    validator = Validator(odd_table(name, "other"), Policy(), LIMITS)
    checked = validator.check(body({name: 1, "other": 2.5}, {name: 3}))
    assert checked.packed.numeric[0].tolist() == [1.0, 2.5]
    assert checked.flags == [[], ["other: missing"]]


def test_columns_of_odd_names_are_told_apart() -> None:
    validator = Validator(odd_table(*ODD_NAMES), Policy(), LIMITS)
    row = {name: float(place) for place, name in enumerate(ODD_NAMES)}
    checked = validator.check(body(dict(reversed(row.items()))))
    assert checked.packed.numeric.tolist() == [list(row.values())]


def test_with_an_odd_name_too_every_wrong_field_is_named() -> None:
    validator = Validator(odd_table('width 5"', "other"), Policy(), LIMITS)
    found = errors_of(body({"other": "x", "c0": 1, 'width 5"': True}), validator)
    assert set(found) == {("body", "inputs", 0, name) for name in ("other", "c0", 'width 5"')}


def test_a_key_with_an_odd_name_occurs_once() -> None:
    validator = Validator(odd_table('width 5"'), Policy(), LIMITS)
    with pytest.raises(Invalid):
        validator.check(rb'{"inputs": [{"width 5\"": 1, "width 5\"": 2}]}')


GROUPED = Schema(
    task="tabular-regression",
    target="wear",
    columns=(
        Column(name="Unit", kind="identifier", source="unit"),
        Column(name="heat", kind="numeric"),
        Column(name="note", kind="ignored"),
        Column(name="wear", kind="numeric"),
    ),
    holdout=Holdout(by="group", column="Unit"),
)


@pytest.mark.parametrize("unit", [7, "7", "engine 7", None, 7.5])
@pytest.mark.parametrize("more", [{}, {"note": "slow"}])
def test_the_group_is_kept_with_the_prediction_and_not_asked_of_the_model(
    unit: Any, more: dict[str, Any]
) -> None:
    check = Validator(GROUPED, Policy(), LIMITS).check(body({"heat": 1.5, "Unit": unit, **more}))

    assert json.loads(bytes(check.rows[0])) == {"heat": 1.5, "Unit": unit}
    assert check.packed.numeric.tolist() == [[1.5]]
    assert len(check.flags[0]) == len(more)
    renamed = Validator(GROUPED, Policy(), LIMITS).check(body({"heat": 1.5, "unit": unit}))
    assert json.loads(bytes(renamed.rows[0])) == {"heat": 1.5, "Unit": unit}


@pytest.mark.parametrize("unit", [True, [7], {"id": 7}, "x" * (LIMITS.max_text_length + 1)])
def test_a_group_that_is_neither_a_text_nor_a_number_is_refused(unit: Any) -> None:
    with pytest.raises(Invalid) as refused:
        Validator(GROUPED, Policy(), LIMITS).check(body({"heat": 1.5, "Unit": unit}))
    assert refused.value.errors is not None
    assert refused.value.errors[0]["loc"] == ["body", "inputs", 0, "Unit"]
