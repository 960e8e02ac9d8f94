"""A table that was read in one way, read as another dataset's schema says."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from data_processor.features.cells import Cell, Value, cell_reader, label_reader
from data_processor.features.reading import UnreadableError
from data_processor.features.schema import Schema

if TYPE_CHECKING:
    import pandas as pd


def read_again(frame: "pd.DataFrame", schema: Schema) -> "pd.DataFrame":
    """Return a stored table of another dataset as this schema reads its cells.

    What cannot be read stays as it is: whoever uses the table says what is wrong with it.
    """
    names = {one.source: one.name for one in schema.columns if one.source and one.name not in frame}
    frame = frame.rename(columns=names)
    readers: dict[str, Callable[[Cell], Value]] = {one.name: cell_reader(one) for one in schema.inputs}
    target = next((one for one in schema.columns if one.name == schema.target), None)
    if schema.classes:
        readers[schema.target] = label_reader(target, schema.classes)
    read = {}
    for name, reader in readers.items():
        if name in frame and frame[name].dtype.kind not in "iuf":
            known = {cell: _or_itself(reader, cell) for cell in frame[name].dropna().unique().tolist()}
            read[name] = frame[name].map(known)
    return frame.assign(**read)


def _or_itself(read: Callable[[Cell], Value], cell: Cell) -> Value:
    try:
        return read(cell)
    except UnreadableError:
        return cell  # type: ignore[no-any-return] # a text
