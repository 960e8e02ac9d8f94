import pandas as pd
import pytest

from data_processor.datasets.exploration.tasks import schema_of
from data_processor.datasets.inference import UnusableTargetError, infer_schema

NOW = pd.DataFrame({"age": [1.0, 2.0], "city": ["a", "b"], "y": ["n", "m"]})
SCHEMA = infer_schema(NOW, "y", kinds={"city": "text"})


def test_a_version_as_it_was_confirmed_has_the_schema_of_its_dataset() -> None:
    assert schema_of(SCHEMA, NOW) is SCHEMA


def test_an_older_version_is_described_as_the_table_it_is() -> None:
    older = pd.DataFrame({"age": ["old", "young"], "city": ["a", "b"], "zip": [1, 2], "y": ["n", "m"]})
    found = {column.name: column.kind for column in schema_of(SCHEMA, older).columns}
    assert found == {"age": "categorical", "city": "text", "zip": "numeric", "y": "categorical"}


def test_a_version_without_the_target_of_now_says_so() -> None:
    with pytest.raises(UnusableTargetError, match="no column 'y'"):
        schema_of(SCHEMA, NOW.drop(columns="y"))
