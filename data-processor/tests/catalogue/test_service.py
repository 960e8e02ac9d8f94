import pytest

from data_processor.catalogue.service import beginning
from data_processor.features.schema import Column, Schema

RENT = Column(name="rent", kind="numeric", minimum=200, maximum=3_333)
FLATS = Schema(task="tabular-regression", target="rent", columns=(Column(name="size", kind="numeric"), RENT))
KINDS = Schema(
    task="tabular-classification",
    target="kind",
    columns=(RENT, Column(name="kind", kind="categorical", categories=("a", "b"))),
    classes=("a", "b"),
)


def test_a_quantity_may_at_first_be_off_by_a_twentieth_of_its_range() -> None:
    assert beginning(FLATS, None) == {"tolerance": pytest.approx(160)}
    assert beginning(KINDS, None) == {}


def test_columns_are_prepared_as_was_confirmed() -> None:
    confirmed = {
        "target": "kind",
        "task": None,
        "columns": {"kind": {"name": "kind", "kind": "categorical"}},
        "preparation": {"drop_duplicates": True, "scaling": "none"},
    }
    assert beginning(KINDS, confirmed)["preparation"] == {
        "numeric_missing": "automatic",
        "categorical_missing": "own_category",
        "scaling": "none",
        "datetime": "calendar",
    }
