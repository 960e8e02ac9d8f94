from typing import Any

import pytest

from data_processor.models.registry import ArtefactRejectedError
from data_processor.models.signatures import Signer
from data_processor.rows import VersionRow

M = "census-income"
KEY = "a-key-of-the-tests"
World = Any


def row(manifest: dict[str, Any], signature: str | None) -> VersionRow:
    return VersionRow(model="m", version="1", manifest=manifest, artefact_uri="", signature=signature)


def test_what_was_signed_is_accepted_however_its_json_is_ordered() -> None:
    signature = Signer(KEY).sign({"model": "m", "version": "1", "artefacts": {"model.onnx": "hash"}})
    again = {"artefacts": {"model.onnx": "hash"}, "version": "1", "model": "m"}
    assert Signer(KEY).problem(row(again, signature)) is None


def test_a_version_that_nobody_signed_is_refused_with_the_remedy() -> None:
    problem = Signer(KEY).problem(row({"model": "m", "version": "1"}, None))
    assert problem is not None
    assert "Version 1 of 'm' is not signed" in problem
    assert "`data-processor sign-versions`" in problem


@pytest.mark.parametrize(
    "change", [{"artefacts": {"model.onnx": "forged"}}, {"receipt": {"verdict": "promote"}}, {"more": 1}]
)
def test_a_manifest_that_was_changed_is_not_what_was_signed(change: dict[str, Any]) -> None:
    manifest = {"model": "m", "version": "1", "artefacts": {"model.onnx": "hash"}, "receipt": None}
    problem = Signer(KEY).problem(row(manifest | change, Signer(KEY).sign(manifest)))
    assert problem is not None
    assert "is not what was signed" in problem


@pytest.mark.parametrize("other", [{"model": "other"}, {"version": "2"}])
def test_the_signature_of_another_version_is_worth_nothing(other: dict[str, str]) -> None:
    manifest = {"model": "m", "version": "1"} | other
    assert Signer(KEY).problem(row(manifest, Signer(KEY).sign(manifest))) is not None


def test_another_key_is_named_as_the_cause() -> None:
    manifest = {"model": "m", "version": "1"}
    problem = Signer(KEY).problem(row(manifest, Signer("another-key-entirely").sign(manifest)))
    assert problem is not None
    assert "signed with another key than SIGNING_KEY" in problem


def test_a_signature_made_for_something_else_does_not_make_a_version() -> None:
    manifest = {"model": "m", "version": "1"}
    assert Signer(KEY).problem(row(manifest, Signer(KEY).sign(manifest, "anything else"))) is not None


def test_the_key_cannot_be_read_from_what_it_signs() -> None:
    assert KEY not in Signer(KEY).sign({"model": "m"})


@pytest.mark.parametrize("signature", [None, "v1.forged.00", "ü"])
def test_files_of_a_version_without_its_signature_are_never_given_out(
    world: World, signature: str | None
) -> None:
    with world.database.transaction() as session:
        session.get(VersionRow, (M, "1")).signature = signature
    with pytest.raises(ArtefactRejectedError, match="Version 1 of 'census-income' is"):
        world.registry.directory(M, "1")
    assert world.registry.directory(M, "2").is_dir()


def test_a_version_in_whose_row_other_files_are_named_is_never_given_out(world: World) -> None:
    """Whoever writes to the records but not to the key: the files of version 2, as version 1."""
    with world.database.transaction() as session:
        one, two = (session.get(VersionRow, (M, version)) for version in ("1", "2"))
        one.manifest = {**one.manifest, "artefacts": two.manifest["artefacts"]}
        one.artefact_uri = two.artefact_uri
    with pytest.raises(ArtefactRejectedError, match="is not what was signed"):
        world.registry.directory(M, "1")
