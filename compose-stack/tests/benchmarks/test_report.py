from compose_stack.benchmarks.load import Result
from compose_stack.benchmarks.memory import Share
from compose_stack.benchmarks.report import Report
from compose_stack.benchmarks.single_row import CONNECTIONS, Target
from compose_stack.training import Step


def report() -> Report:
    target = Target("Loopkeeper", "http://x/", {}, [], str)
    rounds = [Result(per_second=rate, p50=1.2) for rate in (90, 110, 400)]
    target.results = dict.fromkeys(CONNECTIONS, rounds)
    target.open_loop = [Result(per_second=50, p50=1.0)]
    return Report("a machine", targets=(target,), steps=[Step("gate", 1.5)], memory=[Share("mlflow", 210.4)])


def test_a_figure_is_met_or_not_and_says_so() -> None:
    page = report()
    page.add("p50 at 1 connection", 1.2, "ms", 1.5)
    page.add("rows", 19_000, "rows/s", 20_000, at_least=True)
    assert [figure.met for figure in page.figures] == [True, False]
    page.add("cost", 1.031, "times", 1.05, interval=(1.012, 1.05))
    text = page.markdown()
    assert "| cost | 1.03 times (1.01 to 1.05) | ≤ 1.05 times | yes |" in text
    assert "| p50 at 1 connection | 1.20 ms | ≤ 1.50 ms | yes |" in text
    assert "| rows | 19 000 rows/s | ≥ 20 000 rows/s | **no** |" in text


def test_the_page_has_medians_steps_and_memory() -> None:
    text = report().markdown()
    assert "| 8 | Loopkeeper | 110 | 1.20 |" in text
    assert "| gate | 1.5 |" in text
    assert "| total | 210 |" in text
    assert "- Where: a machine" in text


def test_what_was_not_measured_has_no_table() -> None:
    page = Report("a machine")
    page.add("p50 at 1 connection", 1.2, "ms", 1.5)
    assert [line for line in page.markdown().splitlines() if line.startswith("## ")] == ["## Targets"]
