from compose_stack.benchmarks import machine


def test_the_machine_is_described_in_one_line() -> None:
    described = machine.describe()

    assert "\n" not in described
    assert "cores" in described
    assert "GiB memory" in described


def test_a_loop_takes_time() -> None:
    assert 0.01 < machine.loop_seconds() < 60
