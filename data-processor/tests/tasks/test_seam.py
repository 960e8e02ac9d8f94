"""What differs by task stands in `tasks/`, and nowhere else."""

import re
from pathlib import Path

import data_processor

SOURCE = Path(data_processor.__file__).parent
BRANCH = re.compile(
    r"""task\s*(==|!=)\s*["']|task(\.task)?\s+(not\s+)?in\s*\(["']|\.(starts|ends)with\(["'](text|tabular|classification)"""
    r"""|["'](tabular-classification|tabular-regression|text-classification)["']"""
)
SAMPLE = {"datasets/census.py"}
"""The sample data says which task it is for."""


def test_nothing_outside_the_tasks_asks_which_task_it_is() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] != "tasks" and str(path.relative_to(SOURCE)) not in SAMPLE
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BRANCH.search(line)
    ]
    assert found == []


def test_the_search_for_branches_finds_one() -> None:
    assert BRANCH.search('if schema.task == "text-classification":')
    assert BRANCH.search('if task.startswith("text"):')
