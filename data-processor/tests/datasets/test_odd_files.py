"""Files as people have them, uploaded: what the proposal says of their columns, and of what was left out."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from reading_files import workbook

DAY = dt.datetime(2024, 1, 1)  # noqa: DTZ001  # a sheet knows no zones
ROWS = [
    {"area": 20 + n * 1.5, "zone": ("east", "süd")[n % 2], "big": ("yes", "no")[n % 3 == 0]}
    for n in range(40)
]
BODY = "".join(f"{row['area']},{row['zone']},{row['big']}\n" for row in ROWS)
IDS = [{"parent": 2**64 + n, "age": n % 50, "ok": "yn"[n % 2]} for n in range(40)]
TYPES = {"area": "number", "zone": "text", "big": "text"}


def sheet(*above: list[Any], change: Callable[[int, list[Any]], list[Any]] = lambda _, row: row) -> bytes:
    return workbook([*above, *(change(n, list(row.values())) for n, row in enumerate(ROWS))])


FILES: dict[str, tuple[str, Callable[[], bytes], dict[str, str], str]] = {
    "years in the header": (
        "a.csv",
        lambda: (
            b"region,2021,2022,grew\n" + b"".join(b"r%d,%d,%d,up\n" % (n % 5, n, n * 7) for n in range(40))
        ),
        {"region": "text", "2021": "integer", "2022": "integer", "grew": "text"},
        "taken for names, although it holds values such as '2021', '2022'",
    ),
    "counted names": (
        "a.csv",
        lambda: (
            b"0,1,2,target\n" + b"".join(b"%.3f,-%.3f,%.2f,ab\n" % (n / 7, n / 3, n / 9) for n in range(40))
        ),
        {"0": "number", "1": "number", "2": "number", "target": "text"},
        "taken for names",
    ),
    "an index": (
        "a.csv",
        (",area,zone,big\n" + "".join(f"{n},{line}\n" for n, line in enumerate(BODY.splitlines()))).encode,
        TYPES,
        "numbers the rows: it was left out",
    ),
    "trailing separators": (
        "a.csv",
        lambda: f"area,zone,big,\n{BODY}".replace("\n", ",\n").replace("big,,", "big,").encode(),
        TYPES,
        "Column 4 has neither a name nor a value",
    ),
    "a preamble": (
        "a.csv",
        f"Data export\nGenerated 2026-01-01\n\narea,zone,big\n{BODY}".encode,
        TYPES,
        "2 rows above the table were left out: 'Data export', 'Generated 2026-01-01'",
    ),
    "a comment": ("a.csv", f"# by a tool\narea,zone,big\n{BODY}".encode, TYPES, "'# by a tool'"),
    "a total": ("a.csv", f"area,zone,big\n{BODY}1970,Total,\n".encode, TYPES, "'1970 Total'"),
    "long numbers in a list": (
        "a.json",
        lambda: json.dumps(IDS).encode(),
        {"parent": "text", "age": "integer", "ok": "text"},
        "",
    ),
    "long numbers in lines": (
        "a.jsonl",
        lambda: "\n".join(map(json.dumps, IDS)).encode(),
        {"parent": "text", "age": "integer", "ok": "text"},
        "",
    ),
    "JSON by columns": (
        "a.json",
        lambda: json.dumps({k: {str(n): r[k] for n, r in enumerate(ROWS)} for k in TYPES}).encode(),
        TYPES,
        "",
    ),
    "JSON, split": (
        "a.json",
        lambda: json.dumps(
            {"columns": list(TYPES), "index": list(range(40)), "data": [list(row.values()) for row in ROWS]}
        ).encode(),
        TYPES,
        "",
    ),
    "JSON in UTF-16": (
        "a.json",
        lambda: json.dumps(ROWS, ensure_ascii=False).encode("utf-16"),
        TYPES,
        "encoded in utf-16",
    ),
    "JSON in Latin letters": (
        "a.json",
        lambda: json.dumps(ROWS, ensure_ascii=False).encode("cp1252"),
        TYPES,
        "encoded in cp1252",
    ),
    "an error in a sheet": (
        "a.xlsx",
        lambda: sheet(list(TYPES), change=lambda n, row: ["#DIV/0!", *row[1:]] if n == 7 else row),
        TYPES,
        "Column 'area' holds 1 error such as #DIV/0!: read as missing",
    ),
    "a date in a header": (
        "a.xlsx",
        lambda: sheet([DAY, "zone", "big"]),
        {"2024-01-01": "number", "zone": "text", "big": "text"},
        "'2024-01-01'",
    ),
    "formulas without values": (
        "a.xlsx",
        lambda: sheet([*TYPES, "twice"], change=lambda n, row: [*row, f"=A{n + 2}*2"]),
        {**TYPES, "twice": "text"},
        "Column 'twice' holds 40 formulas without a stored value",
    ),
    "a title": ("a.xlsx", lambda: sheet(["Quarterly report"], list(TYPES)), TYPES, "'Quarterly report'"),
}


@pytest.mark.usefixtures("children_in_process")
@pytest.mark.parametrize("kind", FILES)
def test_an_odd_file_is_read_as_it_is_meant_and_says_what_was_odd(desk: Any, kind: str) -> None:
    filename, make, types, note = FILES[kind]
    answer = desk.upload(make(), filename)
    assert answer.status_code == 201, answer.text
    proposal = answer.json()
    assert {column["name"]: column["type"] for column in proposal["columns"]} == types
    assert proposal["rows"] == 40
    assert note in " ".join(proposal["source"]["notes"])
    assert bool(note) is bool(proposal["source"]["notes"])
