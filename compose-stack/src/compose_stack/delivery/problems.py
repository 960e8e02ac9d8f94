"""What can go wrong on the way to a stage.

CannotStart           base of the whole package: something outside must change, and the message says what
└── Problem           the same, in a deployment
    └── CommandFailed a program that we started failed; its output is quoted
"""

from collections.abc import Sequence

from compose_stack.settings import CannotStart


class Problem(CannotStart):
    """Something outside this program must change; the message says what."""


class CommandFailed(Problem):
    """A program ended with an error."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        """Quote `command`, as far as people need it, and the last lines of its output."""
        self.output = "\n".join(output.strip().splitlines()[-LINES_QUOTED:])
        super().__init__(
            f"`{' '.join(command)}` failed with exit code {code}:\n{self.output or '(no output)'}"
        )


LINES_QUOTED = 15
