import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fake_processor import FakeProcessor
from pipeline_api.auth.throttle import FREE_FAILURES
from running import PASSWORD, Gateway

ANOTHER = "another good password"


def status(gateway: Gateway, headers: dict[str, str], path: str = "/v1/auth/me") -> int:
    return gateway.client.get(path, headers=headers).status_code


def test_signing_in_gives_a_token_that_tells_who_one_is(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/auth/token", data={"username": "admin", "password": PASSWORD})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["role"], body["expires_in"]) == ("bearer", "maintainer", 12 * 3600)
    assert answer.headers["cache-control"] == "no-store"
    me = gateway.client.get("/v1/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"}).json()
    assert (me["subject"], me["role"], me["kind"]) == ("admin", "maintainer", "token")


@pytest.mark.parametrize("username", ["admin", "nobody", "ADMIN ", "x\x00y", "'; --", "a" * 5000])
def test_a_wrong_password_and_an_unknown_user_are_told_the_same(gateway: Gateway, username: str) -> None:
    answer = gateway.client.post("/v1/auth/token", data={"username": username, "password": "wrong"})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The username or the password is wrong."


@pytest.mark.usefixtures("real_hashes")
def test_an_unknown_user_takes_as_long_as_a_wrong_password(gateway: Gateway) -> None:
    def took(username: str) -> float:
        # Seconds of this process's own: a busy machine takes nothing of them.
        started = time.process_time()
        gateway.client.post("/v1/auth/token", data={"username": username, "password": "wrong"})
        return time.process_time() - started

    pairs = [(took("admin"), took(f"nobody-{number}")) for number in range(3)]
    known, unknown = (min(times) for times in zip(*pairs, strict=True))

    assert unknown > known / 2


def test_repeated_failures_are_answered_429_with_when_to_come_again(gateway: Gateway) -> None:
    statuses = [
        gateway.client.post("/v1/auth/token", data={"username": "eve", "password": "wrong"})
        for _ in range(FREE_FAILURES + 2)
    ]

    assert [answer.status_code for answer in statuses] == [401] * (FREE_FAILURES + 1) + [429]
    assert int(statuses[-1].headers["retry-after"]) >= 1


def test_the_username_is_not_case_sensitive(gateway: Gateway) -> None:
    gateway.sign_in("ADMIN", PASSWORD)


def test_an_incomplete_sign_in_names_what_is_missing(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/auth/token", data={"username": "admin"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "password"]


def test_an_oversized_sign_in_is_refused(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/auth/token", data={"username": "admin", "password": "x" * 20_000})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer x", "Basic YWRtaW46", "Bearer lkt_" + "A" * 43, "Bearer lkk_" + "A" * 43],
)
def test_no_good_credential_is_401(gateway: Gateway, header: str | None) -> None:
    answer = gateway.client.get("/v1/models", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_signing_out_ends_the_token_at_once_and_no_other(gateway: Gateway) -> None:
    other = gateway.sign_in("admin", PASSWORD)

    assert gateway.client.delete("/v1/auth/token", headers=gateway.admin).status_code == 204

    assert status(gateway, gateway.admin) == 401
    assert status(gateway, other) == 200


def test_a_key_cannot_sign_itself_out(gateway: Gateway) -> None:
    assert gateway.client.delete("/v1/auth/token", headers=gateway.new_key("robot")).status_code == 403


def test_a_token_ends_when_it_expires(open_gateway: Callable[..., Gateway], processor: FakeProcessor) -> None:
    del processor
    gateway = open_gateway(token_hours=0.5 / 3600)
    assert status(gateway, gateway.admin) == 200

    time.sleep(0.6)

    assert status(gateway, gateway.admin) == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/auth/users", None),
        ("POST", "/v1/auth/users", {"username": "x", "password": PASSWORD}),
        ("DELETE", "/v1/auth/users/admin", None),
        ("PATCH", "/v1/auth/users/admin", {"role": "user"}),
        ("GET", "/v1/auth/keys", None),
        ("POST", "/v1/auth/keys", {"name": "x"}),
        ("DELETE", "/v1/auth/keys/0123456789abcdef", None),
    ],
)
def test_users_and_keys_are_for_maintainers(gateway: Gateway, method: str, path: str, body: Any) -> None:
    engineer = gateway.new_user("erik", "engineer")

    assert gateway.client.request(method, path, json=body, headers=engineer).status_code == 403


def test_a_user_is_listed_without_anything_secret(gateway: Gateway) -> None:
    gateway.new_user("alice", "engineer")

    listed = gateway.client.get("/v1/auth/users", headers=gateway.admin).json()

    (alice,) = [user for user in listed if user["username"] == "alice"]
    assert alice.keys() == {"username", "role", "created_at", "created_by", "signed_in_at"}
    assert (alice["role"], alice["created_by"]) == ("engineer", "admin")
    assert "argon2" not in str(listed)


def test_a_name_is_given_once(gateway: Gateway) -> None:
    gateway.new_user("alice")

    answer = gateway.client.post(
        "/v1/auth/users", json={"username": "Alice", "password": ANOTHER}, headers=gateway.admin
    )

    assert answer.status_code == 409


@pytest.mark.parametrize(
    "username", ["", "key:robot", "a b", "-a", "loopkeeper", "Loopkeeper", "a" * 65, "a/b"]
)
def test_names_that_could_be_mistaken_are_refused(gateway: Gateway, username: str) -> None:
    body = {"username": username, "password": PASSWORD}

    answer = gateway.client.post("/v1/auth/users", json=body, headers=gateway.admin)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "username"]


def test_a_weak_password_is_refused_in_words_that_do_not_repeat_it(gateway: Gateway) -> None:
    body = {"username": "alice", "password": "password123"}

    answer = gateway.client.post("/v1/auth/users", json=body, headers=gateway.admin)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "loc": ["body", "password"],
            "message": "This is one of the most common passwords; choose another.",
        }
    ]
    assert "password123" not in answer.text


def test_an_unknown_field_is_refused(gateway: Gateway) -> None:
    body = {"username": "alice", "password": PASSWORD, "admin": True}

    assert gateway.client.post("/v1/auth/users", json=body, headers=gateway.admin).status_code == 422


def test_deleting_a_user_ends_their_token_at_once(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")
    assert status(gateway, alice) == 200

    assert gateway.client.delete("/v1/auth/users/alice", headers=gateway.admin).status_code == 204

    assert status(gateway, alice) == 401
    again = gateway.client.post("/v1/auth/token", data={"username": "alice", "password": PASSWORD})
    assert again.status_code == 401


def test_demoting_a_user_ends_the_power_of_their_token_at_once(gateway: Gateway) -> None:
    mary = gateway.new_user("mary", "maintainer")
    assert status(gateway, mary, "/v1/auth/users") == 200

    gateway.client.patch("/v1/auth/users/mary", json={"role": "user"}, headers=gateway.admin)

    assert status(gateway, mary, "/v1/auth/users") == 403


def test_promoting_a_user_counts_for_their_token_too(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")
    assert status(gateway, alice, "/v1/auth/users") == 403

    gateway.client.patch("/v1/auth/users/alice", json={"role": "maintainer"}, headers=gateway.admin)

    assert status(gateway, alice, "/v1/auth/users") == 200


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PATCH", {"role": "engineer"})])
def test_the_last_maintainer_stays(gateway: Gateway, method: str, body: Any) -> None:
    gateway.new_key("robot", "maintainer")  # a key is nobody who could let people in again
    gateway.new_user("erik", "engineer")

    answer = gateway.client.request(method, "/v1/auth/users/admin", json=body, headers=gateway.admin)

    assert answer.status_code == 409
    assert status(gateway, gateway.admin, "/v1/auth/users") == 200


def test_a_maintainer_goes_when_another_is_there(gateway: Gateway) -> None:
    mary = gateway.new_user("mary", "maintainer")

    assert gateway.client.delete("/v1/auth/users/admin", headers=mary).status_code == 204


def test_whoever_is_unknown_cannot_be_changed_or_removed(gateway: Gateway) -> None:
    assert gateway.client.delete("/v1/auth/users/nobody", headers=gateway.admin).status_code == 404
    changed = gateway.client.patch("/v1/auth/users/nobody", json={"role": "user"}, headers=gateway.admin)
    assert changed.status_code == 404


def change_password(gateway: Gateway, headers: dict[str, str], **body: Any) -> int:
    return gateway.client.patch("/v1/auth/users/alice", json=body, headers=headers).status_code


def test_a_user_changes_their_own_password_with_the_current_one(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")

    assert change_password(gateway, alice, password=ANOTHER, current_password=PASSWORD) == 200

    gateway.sign_in("alice", ANOTHER)


def test_a_new_password_ends_all_other_tokens(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")
    elsewhere = gateway.sign_in("alice", PASSWORD)

    change_password(gateway, alice, password=ANOTHER, current_password=PASSWORD)

    assert status(gateway, alice) == 200
    assert status(gateway, elsewhere) == 401


@pytest.mark.parametrize(("current", "answer"), [(None, 400), ("wrong", 403)])
def test_a_user_does_not_change_their_password_without_the_current_one(
    gateway: Gateway, current: str | None, answer: int
) -> None:
    alice = gateway.new_user("alice")

    assert change_password(gateway, alice, password=ANOTHER, current_password=current) == answer

    gateway.sign_in("alice", PASSWORD)


def test_guessing_the_current_password_is_slowed_down_too(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")

    answers = [change_password(gateway, alice, password=ANOTHER, current_password="no") for _ in range(6)]

    assert answers == [403] * (FREE_FAILURES + 1) + [429]


def test_a_user_does_not_change_their_own_role(gateway: Gateway) -> None:
    assert change_password(gateway, gateway.new_user("alice"), role="maintainer") == 403


def test_a_user_does_not_change_somebody_else(gateway: Gateway) -> None:
    gateway.new_user("alice")
    eve = gateway.new_user("eve")

    assert change_password(gateway, eve, password=ANOTHER, current_password=PASSWORD) == 403


@pytest.mark.parametrize("body", [{}, {"current_password": PASSWORD}, {"role": None}])
def test_a_change_changes_something(gateway: Gateway, body: dict[str, Any]) -> None:
    assert change_password(gateway, gateway.new_user("alice"), **body) == 422


def test_a_maintainer_gives_a_forgetful_user_a_new_password(gateway: Gateway) -> None:
    alice = gateway.new_user("alice")

    assert change_password(gateway, gateway.admin, password=ANOTHER) == 200

    assert status(gateway, alice) == 401
    gateway.sign_in("alice", ANOTHER)


def test_a_key_works_and_its_secret_is_shown_once(gateway: Gateway) -> None:
    robot = gateway.new_key("robot", "engineer", expires_in_days=1)

    me = gateway.client.get("/v1/auth/me", headers=robot).json()
    listed = gateway.client.get("/v1/auth/keys", headers=gateway.admin).json()

    assert (me["subject"], me["role"], me["kind"]) == ("key:robot", "engineer", "key")
    assert datetime.fromisoformat(me["expires_at"]) <= datetime.now(UTC) + timedelta(days=1)
    assert [key["name"] for key in listed] == ["robot"]
    assert robot["Authorization"].removeprefix("Bearer ") not in str(listed)
    assert "key" not in listed[0]


def key_named(gateway: Gateway, name: str) -> dict[str, Any]:
    keys = gateway.client.get("/v1/auth/keys", headers=gateway.admin).json()
    found: dict[str, Any] = next(key for key in keys if key["name"] == name)
    return found


def claims(gateway: Gateway, processor: FakeProcessor, headers: dict[str, str]) -> dict[str, Any]:
    """Return what the processor is told about a caller."""
    gateway.client.get("/v1/models", headers=headers)
    told = processor.calls[-1].caller
    assert told is not None
    return told


def test_the_labels_of_a_key_are_trusted_only_if_somebody_says_so(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    plain, vouched = gateway.new_key("plain"), gateway.new_key("vouched", trusted=True)

    assert [key_named(gateway, name)["trusted"] for name in ("plain", "vouched")] == [False, True]
    assert "trusted" not in claims(gateway, processor, plain)
    assert claims(gateway, processor, vouched)["trusted"] is True
    trusted = [gateway.client.get("/v1/auth/me", headers=one).json()["trusted"] for one in (plain, vouched)]
    assert trusted == [False, True]


def test_an_engineer_trusts_a_key_and_takes_that_back_at_once(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    robot, erik = gateway.new_key("robot"), gateway.new_user("erik", "engineer")
    path = f"/v1/auth/keys/{key_named(gateway, 'robot')['id']}"
    assert "trusted" not in claims(gateway, processor, robot)

    for trusted in (True, False):
        answer = gateway.client.patch(path, json={"trusted": trusted}, headers=erik)

        assert (answer.status_code, answer.json()["trusted"]) == (200, trusted)
        assert ("trusted" in claims(gateway, processor, robot)) is trusted


def test_no_user_and_no_key_of_a_user_trusts_a_key(gateway: Gateway) -> None:
    robot, alice = gateway.new_key("robot"), gateway.new_user("alice")
    path = f"/v1/auth/keys/{key_named(gateway, 'robot')['id']}"

    for headers in (robot, alice):
        assert gateway.client.patch(path, json={"trusted": True}, headers=headers).status_code == 403
    assert gateway.client.patch(path, json={"trusted": True}).status_code == 401
    assert not key_named(gateway, "robot")["trusted"]


def test_the_labels_of_an_engineers_key_are_always_trusted(gateway: Gateway) -> None:
    gateway.new_key("robot", "engineer")
    key = key_named(gateway, "robot")

    answer = gateway.client.patch(
        f"/v1/auth/keys/{key['id']}", json={"trusted": False}, headers=gateway.admin
    )

    assert (key["trusted"], answer.status_code) == (True, 409)
    assert "create a key with the role 'user' instead" in answer.json()["detail"]


def test_an_unknown_key_cannot_be_trusted(gateway: Gateway) -> None:
    path = "/v1/auth/keys/0123456789abcdef"
    assert gateway.client.patch(path, json={"trusted": True}, headers=gateway.admin).status_code == 404


def test_a_revoked_key_is_dead_at_once_and_its_name_is_free(gateway: Gateway) -> None:
    robot = gateway.new_key("robot")
    assert status(gateway, robot) == 200
    (key,) = gateway.client.get("/v1/auth/keys", headers=gateway.admin).json()

    assert gateway.client.delete(f"/v1/auth/keys/{key['id']}", headers=gateway.admin).status_code == 204

    assert status(gateway, robot) == 401
    assert status(gateway, gateway.new_key("robot")) == 200


def test_a_key_name_is_given_once(gateway: Gateway) -> None:
    gateway.new_key("robot")

    assert (
        gateway.client.post("/v1/auth/keys", json={"name": "robot"}, headers=gateway.admin).status_code == 409
    )


def test_an_unknown_key_cannot_be_revoked(gateway: Gateway) -> None:
    assert gateway.client.delete("/v1/auth/keys/0123456789abcdef", headers=gateway.admin).status_code == 404


@pytest.mark.parametrize(("with_keys", "left"), [("false", 200), ("true", 401)])
def test_a_key_outlives_who_made_it_unless_asked(gateway: Gateway, with_keys: str, left: int) -> None:
    mary = gateway.new_user("mary", "maintainer")
    made = gateway.client.post("/v1/auth/keys", json={"name": "robot"}, headers=mary).json()
    robot = {"Authorization": f"Bearer {made['key']}"}
    assert status(gateway, robot) == 200

    gateway.client.delete(f"/v1/auth/users/mary?with_keys={with_keys}", headers=gateway.admin)

    assert status(gateway, robot) == left


def test_a_key_has_the_rate_it_was_given(gateway: Gateway) -> None:
    slow = gateway.new_key("slow", requests_per_second=1)

    answers = [gateway.client.get("/v1/auth/me", headers=slow) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert status(gateway, gateway.new_key("other")) == 200


def test_a_role_has_the_rate_of_the_settings(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    del processor
    gateway = open_gateway(user_requests_per_second=1, burst_seconds=1)
    alice = gateway.new_user("alice")

    assert [status(gateway, alice) for _ in range(3)] == [200, 429, 429]
    assert [status(gateway, gateway.admin) for _ in range(3)] == [200] * 3


def test_forgetting_what_was_cached_gives_nobody_a_new_burst(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    del processor
    gateway = open_gateway(user_requests_per_second=0.01, burst_seconds=200)
    alice = gateway.new_user("alice")
    assert [status(gateway, alice) for _ in range(3)] == [200, 200, 429]

    gateway.client.delete("/v1/auth/token", headers=gateway.sign_in("admin", PASSWORD))

    assert status(gateway, alice) == 429
