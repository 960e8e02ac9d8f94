"""The way into a stage from this machine: HTTPS to its host name, which no name server need know."""

import ssl

import httpx

from compose_stack.client import Client
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import Layout, Stage, read_env

AUTHORITY = "/var/lib/caddy/data/caddy/pki/authorities/local/root.crt"
"""The certificate of Caddy's own authority, in its container."""


class Door(httpx.BaseTransport):
    """Connects to this machine, whatever host is asked for, and insists on a certificate of that host."""

    def __init__(self, context: ssl.SSLContext, address: str = "127.0.0.1") -> None:
        """Trust what the context trusts."""
        self._transport = httpx.HTTPTransport(verify=context)
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its `Host` header stays the host that was asked for."""
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=self._address)
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def door_of(layout: Layout, platform: Compose) -> Door:
    """Return the door of a platform that runs; with `CADDY_TLS=internal` its own authority is trusted."""
    context = ssl.create_default_context()
    if layout.setting("CADDY_TLS") == "internal":
        context.load_verify_locations(cadata=platform("exec", "-T", "caddy", "cat", AUTHORITY).stdout)
    return Door(context)


def sign_in(layout: Layout, platform: Compose, stage: Stage) -> Client:
    """Return a connection of the stage's user `admin`."""
    password = read_env(layout.secrets(stage))["ADMIN_PASSWORD"]
    return Client.sign_in(layout.url(stage), "admin", password, transport=door_of(layout, platform))
