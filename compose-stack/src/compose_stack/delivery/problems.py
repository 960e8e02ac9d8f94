"""What can go wrong on the way to a stage.

CannotStart           of the whole folder: something outside must change, and the message says what
└── Problem           the same, of a deployment
    └── CommandFailed a program we started ended with an error, quoted
"""

from collections.abc import Sequence

from compose_stack.settings import CannotStart


class Problem(CannotStart):
    """Something outside this program must change; the message says what."""


class CommandFailed(Problem):
    """A program ended with an error."""

    def __init__(self, command: Sequence[str], code: int, said: str) -> None:
        """Quote `command`, as far as people need it, and the last lines of what it said before its end."""
        self.said = "\n".join(said.strip().splitlines()[-LINES_QUOTED:])
        super().__init__(
            f"`{' '.join(command)}` ended with exit code {code}:\n{self.said or '(it said nothing)'}"
        )


LINES_QUOTED = 15
