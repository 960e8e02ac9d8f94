from typing import Any

import pytest

from data_processor.features.split import Split
from data_processor.models.background import ROWS, read_background, write_background
from data_processor.models.manifest import BACKGROUND_FILE
from data_processor.models.registry import ArtefactRejectedError


def test_a_background_is_drawn_from_the_rows_and_read_back_as_it_was(
    census_split: Split, tiny_versions: Any, tmp_path: Any
) -> None:
    schema = census_split.schema
    for name in ("one", "two"):
        write_background(census_split.allowed, schema, 7, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    tiny = tiny_versions["1"]
    packed = read_background(tiny.folder, tiny.manifest)
    assert packed.numeric.shape == (ROWS, len(tiny.manifest.table.numeric))
    assert packed.strings.shape == (ROWS, len(tiny.manifest.table.strings))


def test_a_background_that_is_not_the_manifests_is_refused(tiny_versions: Any, tmp_path: Any) -> None:
    (tmp_path / BACKGROUND_FILE).write_text('{"numeric": [], "strings": []}')
    with pytest.raises(ArtefactRejectedError, match=r"background\.json of version 1"):
        read_background(tmp_path, tiny_versions["1"].manifest)
