"""The part of the fake gateway that knows people and programs."""

from typing import Any

import canned
from fake_http import Answer, Handlers, Refused, find


class FakePeople:
    """Who may sign in, with which password, and which keys and devices there are."""

    def __init__(self) -> None:
        self.passwords = {"maya": "m", "erin": "e", "uma": "u"}
        self.users = [dict(user) for user in canned.USERS]
        self.keys = [dict(key) for key in canned.KEYS]
        self.devices = [dict(device) for device in canned.DEVICES]
        self.tokens: dict[str, str] = {}
        self.expires_in = 3600

    def people_handlers(self) -> Handlers:
        return {
            "POST /v1/auth/token": self.sign_in,
            "DELETE /v1/auth/token": self.sign_out,
            "GET /v1/auth/users": lambda **_: (200, self.users),
            "POST /v1/auth/users": self.create_user,
            "PATCH /v1/auth/users/{username}": self.change_user,
            "DELETE /v1/auth/users/{username}": self.delete_user,
            "GET /v1/auth/keys": lambda **_: (200, self.keys),
            "POST /v1/auth/keys": self.create_key,
            "PATCH /v1/auth/keys/{key_id}": self.change_key,
            "DELETE /v1/auth/keys/{key_id}": self.delete_key,
            "GET /v1/auth/devices": lambda **_: (200, self.devices),
            "POST /v1/auth/devices": self.create_device,
            "DELETE /v1/auth/devices/{device_id}": self.delete_device,
        }

    def signed_in(self, headers: dict[str, str]) -> dict[str, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refused(401, "Sign in first.")
        return find(self.users, "username", self.tokens[token])

    def sign_in(self, given: Any, **_: Any) -> Answer:
        if self.passwords.get(given["username"]) != given["password"]:
            raise Refused(401, "Wrong username or password.")
        token = f"token-{len(self.tokens)}-of-{given['username']}"
        self.tokens[token] = given["username"]
        role = find(self.users, "username", given["username"])["role"]
        return 200, {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "role": role,
        }

    def sign_out(self, headers: dict[str, str], **_: Any) -> Answer:
        del self.tokens[headers["authorization"].removeprefix("Bearer ")]
        return 204, None

    def create_user(self, given: Any, **_: Any) -> Answer:
        if any(user["username"] == given["username"] for user in self.users):
            raise Refused(409, f"There is a user {given['username']!r} already.")
        made = canned.user(given["username"], given["role"], 0)
        self.users.append(made)
        self.passwords[given["username"]] = given["password"]
        return 201, made

    def change_user(self, username: str, given: Any, **_: Any) -> Answer:
        user = find(self.users, "username", username)
        user.update({key: value for key, value in given.items() if key == "role"})
        return 200, user

    def delete_user(self, username: str, **_: Any) -> Answer:
        self.users.remove(find(self.users, "username", username))
        return 204, None

    def create_key(self, given: Any, **_: Any) -> Answer:
        made = {
            **canned.KEYS[0],
            "id": f"key-{len(self.keys) + 2}",
            "name": given["name"],
            "role": given["role"],
            "trusted": given["trusted"] or given["role"] != "user",
            "created_at": canned.ago(),
        }
        self.keys.append(made)
        return 201, {**made, "key": "lk_only-shown-once"}

    def change_key(self, key_id: str, given: Any, **_: Any) -> Answer:
        key = find(self.keys, "id", key_id)
        key["trusted"] = given["trusted"]
        return 200, key

    def delete_key(self, key_id: str, **_: Any) -> Answer:
        self.keys.remove(find(self.keys, "id", key_id))
        return 204, None

    def create_device(self, given: Any, **_: Any) -> Answer:
        made = {**canned.DEVICES[0], **given, "id": f"device-{len(self.devices) + 2}"}
        self.devices.append(made)
        return 201, {**made, "password": "lkd_only-shown-once"}

    def delete_device(self, device_id: str, **_: Any) -> Answer:
        self.devices.remove(find(self.devices, "id", device_id))
        return 204, None
