"""Requests from this machine to a stage's edge: HTTPS to its host name, without any DNS entry for it."""

import ssl

import httpx

from compose_stack.client import Client
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import Layout, Stage, read_env

AUTHORITY = "/var/lib/caddy/data/caddy/pki/authorities/local/root.crt"
"""The certificate of Caddy's internal authority, in its container."""


class EdgeTransport(httpx.BaseTransport):
    """Connect to this machine whatever the host, and verify the certificate for that host."""

    def __init__(self, context: ssl.SSLContext, address: str = "127.0.0.1") -> None:
        """Verify certificates with `context`."""
        self._transport = httpx.HTTPTransport(verify=context)
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its `Host` header stays as it is."""
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=self._address)
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def edge_transport(layout: Layout, platform: Compose) -> EdgeTransport:
    """Return the transport to a running platform; with `CADDY_TLS=internal` it trusts Caddy's authority."""
    context = ssl.create_default_context()
    if layout.setting("CADDY_TLS") == "internal":
        context.load_verify_locations(cadata=platform("exec", "-T", "caddy", "cat", AUTHORITY).stdout)
    return EdgeTransport(context)


def sign_in(layout: Layout, platform: Compose, stage: Stage) -> Client:
    """Return a client that is signed in to a stage as `admin`."""
    password = read_env(layout.secrets(stage))["ADMIN_PASSWORD"]
    return Client.sign_in(layout.url(stage), "admin", password, transport=edge_transport(layout, platform))
