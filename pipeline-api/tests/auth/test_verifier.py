import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
from sqlalchemy.exc import OperationalError

from fake_processor import FakeProcessor
from pipeline_api.auth import verifier as verifier_module
from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.credentials import CredentialKind, mint
from pipeline_api.auth.tokens import MAX_TOKENS
from pipeline_api.auth.verifier import Verifier
from pipeline_api.caller import CallerSigner
from pipeline_api.database import Database
from pipeline_api.limits import RateLimits
from pipeline_api.roles import Role
from pipeline_api.service.errors import NotReady, Unauthenticated
from running import PASSWORD, Gateway


class Lookups:
    """How often the database was queried for a credential."""

    def __init__(self, verifier: Verifier) -> None:
        self.count = 0
        find = verifier._find

        def counted(*arguments: Any) -> Any:
            self.count += 1
            return find(*arguments)

        verifier._find = counted  # type: ignore[method-assign, assignment]  # to see it called


@pytest.fixture
def database(tmp_path: Any) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    database.create_tables()
    yield database
    database.close()


def make_verifier(database: Database) -> Verifier:
    verifier = Verifier(database, CallerSigner(b"k" * 16), RateLimits(2, 9), dict.fromkeys(Role, 0.0))
    verifier.poll()
    return verifier


@pytest.fixture
def accounts(database: Database) -> Accounts:
    accounts = Accounts(database, timedelta(hours=1))
    accounts.create("alice", Role.USER, "hash", created_by="test")
    return accounts


def header(accounts: Accounts) -> bytes:
    return b"Bearer " + accounts.sign_in("alice", "hash", None)[0].encode()


def test_a_known_credential_costs_one_query(database: Database, accounts: Accounts) -> None:
    verifier = make_verifier(database)
    lookups = Lookups(verifier)
    authorization = header(accounts)

    async def run() -> None:
        for _ in range(5):
            assert (await verifier.verify(authorization)).subject == "alice"

    anyio.run(run)
    assert lookups.count == 1


def test_another_replica_learns_of_a_revocation_at_its_next_poll(
    database: Database, accounts: Accounts
) -> None:
    verifier = make_verifier(database)
    authorization = header(accounts)
    verified = anyio.run(verifier.verify, authorization)

    accounts.sign_out(verified.id)  # in another process: nobody tells this verifier
    verifier.poll()

    with pytest.raises(Unauthenticated):
        anyio.run(verifier.verify, authorization)


def test_the_cache_is_not_trusted_for_long_without_a_poll(
    database: Database, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier_module, "MAX_AGE_S", 0.05)
    verifier = make_verifier(database)
    authorization = header(accounts)
    verified = anyio.run(verifier.verify, authorization)

    accounts.sign_out(verified.id)
    time.sleep(0.06)

    with pytest.raises(Unauthenticated):
        anyio.run(verifier.verify, authorization)


def test_replicas_learn_within_five_seconds() -> None:
    assert verifier_module.POLL_S + 0.5 < verifier_module.MAX_AGE_S < 5


def test_without_the_database_nobody_is_let_in(
    database: Database, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier_module, "MAX_AGE_S", 0)
    verifier = make_verifier(database)
    authorization = header(accounts)

    def broken(*_: Any) -> Any:
        raise OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr(verifier, "_find", broken)

    with pytest.raises(NotReady):
        anyio.run(verifier.verify, authorization)


def test_what_was_read_before_a_revocation_is_not_cached_after_it(
    database: Database, accounts: Accounts
) -> None:
    verifier = make_verifier(database)
    authorization = header(accounts)
    find = verifier._find

    def revoked_meanwhile(*arguments: Any) -> Any:
        found = find(*arguments)
        assert found is not None
        accounts.sign_out(found.id)
        verifier.forget()
        return found

    verifier._find = revoked_meanwhile  # type: ignore[method-assign, assignment]  # as said
    anyio.run(verifier.verify, authorization)
    verifier._find = find  # type: ignore[method-assign]  # as it was

    with pytest.raises(Unauthenticated):
        anyio.run(verifier.verify, authorization)


def test_made_up_credentials_push_nobody_out(
    database: Database, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier_module, "_CACHED", 2)
    verifier = make_verifier(database)
    authorization = header(accounts)
    lookups = Lookups(verifier)

    async def run() -> None:
        await verifier.verify(authorization)
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                await verifier.verify(b"Bearer " + mint(CredentialKind.TOKEN).encode())
        await verifier.verify(authorization)

    anyio.run(run)
    assert lookups.count == 11


def test_no_more_is_cached_than_allowed(
    database: Database, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier_module, "_CACHED", 3)
    verifier = make_verifier(database)
    headers = [header(accounts) for _ in range(8)]

    async def run() -> None:
        for authorization in headers:
            await verifier.verify(authorization)

    anyio.run(run)
    assert len(verifier._cache) == 3


def test_a_signed_header_is_kept_for_a_minute(database: Database, accounts: Accounts) -> None:
    verifier = make_verifier(database)
    verified = anyio.run(verifier.verify, header(accounts))

    first = verifier.signed(verified)
    assert verifier.signed(verified) is first

    verified.header_until = time.time() - 1
    assert verifier.signed(verified) is not first


def test_one_person_has_only_so_many_tokens(database: Database, accounts: Accounts) -> None:
    verifier = make_verifier(database)
    oldest = header(accounts)
    for _ in range(MAX_TOKENS):
        newest = header(accounts)

    assert anyio.run(verifier.verify, newest).subject == "alice"
    with pytest.raises(Unauthenticated):
        anyio.run(verifier.verify, oldest)


def test_two_gateways_on_one_database_agree_within_five_seconds(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    del processor
    one, other = open_gateway(), open_gateway()
    alice = one.new_user("alice")
    assert other.client.get("/v1/auth/me", headers=alice).status_code == 200

    one.client.delete("/v1/auth/users/alice", headers=one.admin)

    deadline = time.monotonic() + 5
    while other.client.get("/v1/auth/me", headers=alice).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert PASSWORD not in str(alice)
