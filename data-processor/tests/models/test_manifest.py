from typing import Any

import pytest
from pydantic import ValidationError

from data_processor.models.manifest import Manifest, NewerVersionError, read_manifest
from data_processor.models.waiting import why_unserved
from data_processor.rows import VersionRow


@pytest.fixture
def described(tiny_versions: Any) -> dict[str, Any]:
    found: dict[str, Any] = tiny_versions["1"].manifest.model_dump(mode="json")
    return found


def made_by_a_newer_release(described: dict[str, Any]) -> dict[str, Any]:
    first, *others = described["table"]["columns"]
    table = {**described["table"], "columns": [{**first, "unit": "years"}, *others]}
    return {**described, "table": table, "smoothing": {"by": 2}}


def test_a_version_of_a_newer_release_is_refused_in_words_and_what_is_known_of_it_is_kept(
    described: dict[str, Any],
) -> None:
    with pytest.raises(NewerVersionError) as told:
        read_manifest(made_by_a_newer_release(described))
    assert told.value.known == Manifest.model_validate(described)
    assert told.value.status == 409
    assert told.value.detail == (
        "Version 1 of 'census-income' was made by a newer release: its version.json has fields that this "
        "one does not know (table.columns.0.unit, smoothing), and it could answer wrong without them. "
        "Upgrade this stage, or promote a version that this release made."
    )


def test_many_new_fields_are_not_all_named(described: dict[str, Any]) -> None:
    with pytest.raises(NewerVersionError, match=r"\(f0, f1, f2, f3, f4 …\)"):
        read_manifest({**described, **{f"f{place}": 1 for place in range(20)}})


def test_what_is_damaged_is_not_called_newer(described: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_manifest({**described, "engine": "abacus", "smoothing": {}})


def test_an_older_manifest_is_read_without_what_came_later(described: dict[str, Any]) -> None:
    later = ("salt", "preparation", "calibration")
    read = read_manifest({name: value for name, value in described.items() if name not in later})
    assert (read.salt, read.preparation, read.calibration) == (None, {}, None)


def test_a_model_whose_newest_version_is_of_a_newer_release_says_so(described: dict[str, Any]) -> None:
    row = VersionRow(manifest=made_by_a_newer_release(described))
    assert "was made by a newer release" in why_unserved(row, "main")
