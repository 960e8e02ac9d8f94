from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.adapters.object_store import FolderStore
from data_processor.pictures.names import TRAIN, BadNameError, PictureName, checked_label, new_name, parse

FILE = f"{'0123456789abcdef' * 2}.jpg"
LABELS = st.text(min_size=1, max_size=70)


@pytest.mark.parametrize("label", ["Ann", "Ann Łukasiewicz-O'Neill", "李小龍", "a?b#c%20d", "x" * 64, "a..b"])
def test_a_label_is_what_people_are_called(label: str) -> None:
    name = f"{TRAIN}/{label}/{FILE}"
    assert parse(name) == PictureName("train-images", label, FILE)
    assert str(parse(name)) == name


@pytest.mark.parametrize(
    "label",
    ["", ".", "..", ".hidden", " Ann", "Ann ", "a/b", "a\\b", "a\nb", "a\0b", "\u202e", "x" * 65, "🙂" * 64],
)
def test_what_no_folder_can_be_called_is_no_label(label: str) -> None:
    with pytest.raises(BadNameError, match="cannot be a label"):
        checked_label(label)


@pytest.mark.parametrize(
    "name",
    [
        "",
        FILE,
        f"/{FILE}",
        f"query-images/{FILE}/",
        f"query-images//{FILE}",
        f"query-images/Ann/{FILE}",
        f"query-images/../{FILE}",
        f"train-images/{FILE}",
        f"train-images/a/b/{FILE}",
        f"other/{FILE}",
        f"query-images/{FILE.upper()}",
        f"query-images/{FILE[1:]}",
        f"query-images/{FILE}\n",
        f"query-images/{FILE.removesuffix('jpg')}svg",
    ],
)
def test_everything_else_is_no_name(name: str) -> None:
    with pytest.raises(BadNameError, match="is not the name of a picture"):
        parse(name)


@given(LABELS)
def test_no_name_leads_out_of_its_folder(label: str) -> None:
    try:
        name = str(parse(f"{TRAIN}/{label}/{FILE}"))
    except BadNameError:
        return
    assert PurePosixPath(name).parts == (TRAIN, label, FILE)
    path = FolderStore(Path("/pictures"))._path(name)
    assert path.resolve() == path


@given(st.text())
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with suppress(BadNameError):
        assert str(parse(text)) == text


def test_a_new_name_is_a_name_that_nobody_can_guess() -> None:
    names = {str(new_name("query-images", None, "image/webp")) for _ in range(100)}
    assert len(names) == 100
    assert all(parse(name).content_type == "image/webp" for name in names)
