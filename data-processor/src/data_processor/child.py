"""The child process of a run or a request: which module carries out which task.

`runs/child.py` starts it, and `runs/compute.py` is its loop. A module is imported when its first task is
carried out, so a child loads no more than it needs.
"""

from data_processor.runs.compute import main

TASKS = {
    "propose": "data_processor.datasets.proposing",
    "audit": "data_processor.datasets.leak_audit",
    **dict.fromkeys(("prepare", "version", "warehouse"), "data_processor.datasets.tasks"),
    "profile": "data_processor.datasets.exploration.tasks",
    **dict.fromkeys(
        ("snapshot", "validate", "split", "search", "gate", "compile", "register", "smoke"),
        "data_processor.training.steps",
    ),
    **dict.fromkeys(("load", "train"), "data_processor.training.live.tasks"),
    "assess": "data_processor.training.assessment",
    "compare_inputs": "data_processor.drift.tasks",
    "explain": "data_processor.serving.explanation",
    "inspect": "data_processor.training.inspection",
    "replay": "data_processor.training.replay",
    "sample": "data_processor.training.sample",
    "take_in_dataset": "data_processor.training.snapshot",
}
"""The module that defines each task."""

if __name__ == "__main__":
    main(TASKS)
