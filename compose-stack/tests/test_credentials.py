import stat
from dataclasses import asdict
from pathlib import Path

from compose_stack.credentials import Credentials


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = Credentials.load_or_make(tmp_path / "secrets")
    assert Credentials.load_or_make(tmp_path / "secrets") == first
    secrets = list(asdict(first).values())
    assert len(set(secrets)) == len(secrets)
    assert min(map(len, secrets)) >= 32


def test_only_the_owner_can_read_a_secret(tmp_path: Path) -> None:
    Credentials.load_or_make(tmp_path / "secrets")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}
    assert modes == {0o600}


def test_the_secrets_of_before_stay_when_others_are_added(tmp_path: Path) -> None:
    (tmp_path / "service-token").write_text("that-of-an-instance-of-before")
    made = Credentials.load_or_make(tmp_path)
    assert made.service_token == "that-of-an-instance-of-before"
    assert (tmp_path / "signing-key").read_text() == made.signing_key


def test_a_start_that_died_half_way_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "service-token.new").write_text("half a sec")
    assert len(Credentials.load_or_make(folder).service_token) >= 32


def test_no_secret_is_shown_by_accident(tmp_path: Path) -> None:
    made = Credentials.load_or_make(tmp_path)
    assert not [secret for secret in asdict(made).values() if secret in repr(made)]
