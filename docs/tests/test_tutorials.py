import os
import socket
from pathlib import Path

import pytest

from loopkeeper_docs.tutorials import Outcome, Step, matches, run, steps

DOCS = Path(__file__).parents[1]
TUTORIALS = DOCS / "tutorials"
TUTORIALS_IN_ORDER = ("first-loop.md", "bring-your-table.md", "steer-a-deployment.md")
LONGEST_S = 1500
PORTS = ("UI_PORT", "GATEWAY_PORT", "PROCESSOR_PORT", "MLFLOW_PORT", "MQTT_PORT", "MQTT_WEBSOCKET_PORT")


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text)
    return path


def run_page(folder: Path, text: str, timeout_s: float = 30) -> list[Outcome]:
    return run(steps(page(folder, text)), folder, dict(os.environ), timeout_s)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def test_an_expected_output_belongs_to_the_step_before_it(tmp_path: Path) -> None:
    text = "# Page\n\n```bash\necho a\n```\n\n```text\na\n```\n\n```bash\necho b\n```\n"
    assert steps(page(tmp_path, text)) == [
        Step("page.md:3", "echo a\n", "a\n"),
        Step("page.md:11", "echo b\n", None),
    ]


@pytest.mark.parametrize(
    "before", ["", "```bash\ntrue\n```\n\nWords.\n\n", "```bash\n:\n```\n\n```text\n```\n\n"]
)
def test_an_expected_output_without_its_step_is_refused(tmp_path: Path, before: str) -> None:
    with pytest.raises(ValueError, match="right after the step"):
        steps(page(tmp_path, f"{before}```text\na\n```\n"))


@pytest.mark.parametrize(
    ("expected", "output", "matched"),
    [
        ("a\n", "a\n", True),
        ("ready after … s.\n", "ready after 3.5 s.\n", True),
        ("a … c", "a b c d", False),
        ("a", "a\nb", False),
        ("[a]…", "[a] (b)", True),
        ("…", "a\nb", False),
    ],
)
def test_an_ellipsis_is_anything_within_a_line(expected: str, output: str, matched: bool) -> None:
    assert matches(expected, output) is matched


def test_steps_share_one_shell(tmp_path: Path) -> None:
    outcomes = run_page(tmp_path, "```bash\na=1\n```\n\n```bash\necho $a\n```\n\n```text\n1\n```\n")
    assert [outcome.failure for outcome in outcomes] == [None, None]


def test_a_failed_command_ends_the_run_and_is_shown(tmp_path: Path) -> None:
    outcomes = run_page(tmp_path, "```bash\necho why\nfalse\n```\n\n```bash\necho never\n```\n")
    assert len(outcomes) == 1
    assert "page.md:1: a command failed" in (failure := outcomes[0].failure or "")
    assert "why" in failure


def test_an_unexpected_output_is_shown_and_the_rest_goes_on(tmp_path: Path) -> None:
    outcomes = run_page(tmp_path, "```bash\necho 2\n```\n\n```text\n1\n```\n\n```bash\ntrue\n```\n")
    assert "expected\n1\n\nand the output was\n2" in (outcomes[0].failure or "")
    assert outcomes[1].failure is None


def test_a_step_that_never_ends_is_terminated(tmp_path: Path) -> None:
    (outcome,) = run_page(tmp_path, "```bash\nsleep 60\n```\n", timeout_s=0.5)
    assert "It was terminated after 0.5 s." in (outcome.failure or "")


def test_every_tutorial_is_run() -> None:
    assert {path.name for path in TUTORIALS.glob("*.md")} - {"index.md"} == set(TUTORIALS_IN_ORDER)
    assert all(steps(TUTORIALS / tutorial) for tutorial in TUTORIALS_IN_ORDER)


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Run the tutorials in the order in which readers are led through them, on a platform of their own."""
    ports = zip(PORTS, map(str, free_ports(len(PORTS))), strict=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment |= {"STATE_DIR": str(tmp_path_factory.mktemp("state")), **dict(ports)}
    environment.pop("MFLAGS", None)
    environment.pop("VIRTUAL_ENV", None)
    in_order = [step for tutorial in TUTORIALS_IN_ORDER for step in steps(TUTORIALS / tutorial)]
    return run(in_order, DOCS.parent, environment, LONGEST_S)


@pytest.mark.services
@pytest.mark.timeout(LONGEST_S + 60)
@pytest.mark.parametrize("tutorial", TUTORIALS_IN_ORDER)
def test_a_tutorial_does_what_it_says(outcomes: list[Outcome], tutorial: str) -> None:
    mine = [outcome for outcome in outcomes if outcome.step.place.startswith(f"{tutorial}:")]
    if failures := [outcome.failure for outcome in mine if outcome.failure]:
        pytest.fail("\n\n".join(failures), pytrace=False)
    assert len(mine) == len(steps(TUTORIALS / tutorial)), (
        "An earlier step failed, so this one was never reached."
    )
