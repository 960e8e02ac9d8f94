import random
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 150_000
ALLOWED = 450e6
"""Bytes; to hold the table as a frame of pandas, and prepare it, takes 560 million."""
WORDS = ("north", "south", "harbour", "station", "market", "garden", "bridge", "river", "tower", "meadow")


@pytest.mark.services
def test_a_table_passes_through_without_ever_being_in_memory_as_a_whole(tmp_path: Path) -> None:
    draw = random.Random(1)  # noqa: S311  # it makes rows
    sentences = [" ".join(draw.choices(WORDS, k=60)) for _ in range(1000)]
    with (tmp_path / "table.csv").open("w") as file:
        file.write("id,amount,code,day,remark,note,outcome\n")
        for number in range(ROWS):
            texts = [f"{number} {draw.choice(sentences)}" for _ in range(2)]
            start = f"{number},{draw.random()},K{draw.randrange(10**9)},2026-01-{number % 28 + 1:02}"
            file.write(f"{start},{','.join(texts)},{('yes', 'no')[number % 2]}\n")
    assert (tmp_path / "table.csv").stat().st_size > 100e6
    script = Path(__file__).with_name("reading_alone.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < ALLOWED
