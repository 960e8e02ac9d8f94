from pathlib import Path

from compose_stack.logs import ProcessLog


def test_a_log_and_the_one_before_it_stay_within_their_bound(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path / "serve.log", most_bytes=1000)
    for number in range(200):
        log.write(f"line {number:04}\n".encode() * 3)
    log.close()
    kept = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(kept) == {"serve.log", "serve.log.1"}
    assert max(kept.values()) <= 1000
    assert (tmp_path / "serve.log").read_text().endswith("line 0199\n")


def test_a_log_goes_on_where_the_last_start_ended(tmp_path: Path) -> None:
    for said in (b"first\n", b"second\n"):
        log = ProcessLog(tmp_path / "serve.log")
        log.write(said)
        log.close()
    assert (tmp_path / "serve.log").read_text() == "first\nsecond\n"


def test_the_last_lines_are_remembered_however_they_arrive(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path / "serve.log")
    for part in (b"a\nb", b"c\nunfin", b"ished"):
        log.write(part)
    assert log.last_lines() == ["a", "bc", "unfinished"]
    log.close()


def test_a_full_disk_costs_lines_and_not_the_process() -> None:
    log = ProcessLog(Path("/dev/full"))
    log.write(b"lost\n")
    assert log.last_lines() == ["lost"]
    log.close()
