"""Small seeded tables of people's own, as they would bring them: nothing about them is known beforehand."""

import csv
import io
import random
import zipfile
from collections.abc import Sequence

GRUMBLE = ["awful", "idiot", "stupid", "shut", "liar", "trash", "moron", "disgusting"]
KIND = ["thanks", "agree", "interesting", "source", "article", "perhaps", "welcome", "question"]
PLAIN = ["the", "city", "council", "plan", "road", "people", "said", "today", "money", "vote", "year", "new"]
DISTRICTS = {"north": 0.0, "south": 40.0, "east": 90.0, "west": -30.0}


def csv_of(names: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    """Return a table as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue().encode()


def churn(rows: int, seed: int) -> bytes:
    """Return customers who left or stayed: decimal commas, semicolons, `?` for what is missing."""
    draw = random.Random(seed)  # noqa: S311  # a table, not a secret
    made = []
    for number in range(rows):
        months, price = draw.randint(1, 60), draw.uniform(5, 90)
        plan = draw.choice(["basic", "family", "business"])
        leaves = price / 30 - months / 20 + (plan == "basic") + draw.gauss(0, 0.8) > 0
        shown = "?" if draw.random() < 0.05 else f"{price:.2f}".replace(".", ",")
        made.append([f"C{number:05d}", months, shown, plan, "left" if leaves else "stayed"])
    return csv_of(["customer", "months", "price", "plan", "outcome"], made, delimiter=";")


def rents(rows: int, seed: int) -> bytes:
    """Return flats and what they cost: a number to estimate."""
    draw = random.Random(seed)  # noqa: S311  # a table, not a secret
    made = []
    for _ in range(rows):
        size, district = draw.uniform(20, 140), draw.choice(list(DISTRICTS))
        rent = 8 * size + DISTRICTS[district] + draw.gauss(0, 25)
        made.append([f"{size:.1f}", district, f"2026-{draw.randint(1, 12):02d}-15", f"{rent:.2f}"])
    return csv_of(["size", "district", "listed", "rent"], made)


def comments(rows: int, seed: int) -> bytes:
    """Return remarks, rude or not."""
    draw = random.Random(seed)  # noqa: S311  # a table, not a secret
    made = []
    for _ in range(rows):
        rude = draw.random() < 0.5  # as many of either
        words = draw.choices(PLAIN, k=draw.randint(4, 15)) + draw.choices(GRUMBLE if rude else KIND, k=2)
        draw.shuffle(words)
        made.append([f"{' '.join(words)} {draw.randint(1, 99999)}.", "rude" if rude else "fine"])
    return csv_of(["remark", "verdict"], made)


def bomb() -> bytes:
    """Return a workbook of a few kilobytes that unpacks to 200 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(200):
                sheet.write(b" " * 1_000_000)
    return out.getvalue()
