"""The warehouse: every uploaded and every prepared table in SQL, for whoever wants to query them.

A table is written in one transaction, in place of what an interrupted attempt left. Serving imports this to
drop tables; only writing needs Arrow, and its caller brings that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Double,
    MetaData,
    Table,
    Text,
    insert,
)

from data_processor.database import Database

Part = Literal["raw", "prepared"]
PARTS: tuple[Part, ...] = ("raw", "prepared")
BATCH_CELLS = 20_000
"""Values in one insert: few columns, many rows."""
_IDENTIFIER_BYTES = 63
"""PostgreSQL cuts longer names off without a word."""
_TYPES: dict[str, Any] = {
    "int64": BigInteger(),
    "double": Double(),
    "bool": Boolean(),
    "timestamp[us]": DateTime(),
    "string": Text(),
    "large_string": Text(),
}


class Warehouse:
    """The tables of datasets in a database."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy URL."""
        self._database = Database(url)

    def write(
        self,
        dataset: str,
        version: int,
        part: Part,
        columns: Sequence[tuple[str, str]],
        batches: Iterable[Any],
    ) -> str:
        """Write one table of a version from Arrow batches; return its name. Repeating it changes nothing.

        `columns` are names and Arrow types as they write themselves.
        """
        table = _table(dataset, version, part, columns)
        with self._database.engine.begin() as connection:
            table.drop(connection, checkfirst=True)
            table.create(connection)
            insert_rows = _inserter(connection, table)
            for batch in batches:
                insert_rows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        return table.name

    def drop(self, dataset: str, versions: Iterable[int]) -> None:
        """Drop the tables of versions, as far as there are any."""
        with self._database.engine.begin() as connection:
            for version in versions:
                for part in PARTS:
                    _table(dataset, version, part, ()).drop(connection, checkfirst=True)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def table_name(dataset: str, version: int, part: Part) -> str:
    """Return what a version's table is called, e.g. `census_v1_prepared`."""
    return f"{dataset.replace('-', '_')}_v{version}_{part}"


def identifiers(names: Sequence[str]) -> list[str]:
    """Return names that SQL keeps apart: of at most 63 bytes, and different in any case."""
    taken: set[str] = set()
    found = []
    for number, name in enumerate(names, 1):
        candidate = _cut(name, _IDENTIFIER_BYTES)
        if candidate.lower() in taken:
            ending = f"_{number}"
            candidate = _cut(name, _IDENTIFIER_BYTES - len(ending)) + ending
        while candidate.lower() in taken:
            candidate = f"{_cut(candidate, _IDENTIFIER_BYTES - 1)}_"
        taken.add(candidate.lower())
        found.append(candidate)
    return found


def _cut(name: str, limit: int) -> str:
    return name.encode()[:limit].decode(errors="ignore")


def _table(dataset: str, version: int, part: Part, columns: Sequence[tuple[str, str]]) -> Table:
    described = [
        # The key names the value in a statement, where a name from a file has no place.
        Column(name, _TYPES[kind], key=f"c{number}", nullable=True)
        for number, (name, (_, kind)) in enumerate(
            zip(identifiers([name for name, _ in columns]), columns, strict=True)
        )
    ]
    return Table(table_name(dataset, version, part), MetaData(), *described)


def _inserter(connection: Connection, table: Table) -> Callable[[Iterable[tuple[Any, ...]]], None]:
    """Return what inserts rows, each a tuple of values: as fast as the driver can, in its own way."""
    statement = insert(table).compile(dialect=connection.dialect)
    if connection.dialect.name != "sqlite":
        keys = [column.key for column in table.columns]

        def insert_named(rows: Iterable[tuple[Any, ...]]) -> None:
            waiting = iter(rows)
            while part_of := list(islice(waiting, max(1, BATCH_CELLS // len(keys)))):
                connection.execute(insert(table), [dict(zip(keys, row, strict=True)) for row in part_of])

        return insert_named
    cursor = connection.connection.cursor()
    # Timestamps are written as SQLAlchemy reads them; everything else is written as it is.
    timestamps = [place for place, column in enumerate(table.columns) if isinstance(column.type, DateTime)]
    as_text = DateTime().dialect_impl(connection.dialect).bind_processor(connection.dialect)

    def insert_plain(rows: Iterable[tuple[Any, ...]]) -> None:
        cursor.executemany(str(statement), _converted(rows, timestamps, as_text) if timestamps else rows)  # type: ignore[arg-type]  # it takes any iterable

    return insert_plain


def _converted(rows: Iterable[tuple[Any, ...]], places: Sequence[int], convert: Any) -> Iterator[list[Any]]:
    for row in rows:
        values = list(row)
        for place in places:
            values[place] = convert(values[place])
        yield values
