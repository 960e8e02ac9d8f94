"""Pictures of the pages for the docs, of an instance that the loop was played on: all they show happened."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, expect

from compose_stack.client import Client
from compose_stack.traffic import MODEL

EVENTS = ["score.fell", "run.opened", "version.promoted", "drift.found"]
RUN_MS = 300_000
DRAWN_MS = 1500
"""A chart draws itself in."""


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the name is the standard library's
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def notify_somebody(admin: Client) -> None:
    """Receive from now on what the platform notifies of."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/loopkeeper"
    asked = {"name": "On call", "kind": "webhook", "address": address, "events": EVENTS}
    admin.call("POST", "/v1/notifications/destinations", json=asked)


def take_pictures(page: Page, folder: Path) -> None:
    """Keep a picture of each page that the docs show; whoever is signed in may see them all."""
    page.set_viewport_size({"width": 1280, "height": 1220})
    page.get_by_test_id("stSidebar").get_by_role("link", name="Models", exact=True).click()
    page.get_by_test_id("stMain").locator(f'a[href$="model?model={MODEL}"]').click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    _keep(page, folder / "ui.png")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Monitoring", exact=True).click()
    expect(page.get_by_role("heading", name="Monitoring", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Drift").click()
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("Recent inputs are being compared")).to_be_visible()
    expect(page.get_by_role("button", name="Compare now")).to_be_enabled(timeout=RUN_MS)
    _keep(page, folder / "monitoring.png")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Notifications", exact=True).click()
    page.get_by_text("Last deliveries").first.click()
    expect(page.get_by_text("Delivered").nth(1)).to_be_visible()
    _keep(page, folder / "notifications.png")


def take_picture_of_faces(page: Page, folder: Path) -> None:
    """Keep a picture of the page Faces as it is, from its heading down to the feedback."""
    before = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 1100})
    page.get_by_role("heading", name="Faces", exact=True).scroll_into_view_if_needed()
    _keep(page, folder / "faces.png")
    if before is not None:
        page.set_viewport_size(before)


def take_picture_of_curves(page: Page, folder: Path) -> None:
    """Keep a picture of the page Live as it is: a run, the fork of it, and the forks' leaderboard."""
    before = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 1320})
    page.get_by_role("heading", name="Live", exact=True).scroll_into_view_if_needed()
    _keep(page, folder / "live.png")
    if before is not None:
        page.set_viewport_size(before)


def _keep(page: Page, path: Path) -> None:
    page.wait_for_timeout(DRAWN_MS)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
