import pytest

from compose_stack.benchmarks.uploading import is_child


@pytest.mark.parametrize(
    ("command", "child"),
    [
        (["python", "-m", "data_processor.child"], True),
        (["python", "-X", "dev", "-m", "data_processor.elsewhere"], True),
        (["python", "/x/bin/data-processor", "work"], False),
        (["python", "-m", "compose_stack.run"], False),
        (["data_processor.x"], False),
    ],
)
def test_children_are_known_by_the_module_that_they_run(command: list[str], child: bool) -> None:
    assert is_child(command) is child
