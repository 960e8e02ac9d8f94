"""A real browser: an installed Chromium, else Playwright's own download."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = {"width": 1280, "height": 900}
PATIENCE_MS = 60_000


@contextmanager
def browser_page(*, any_authority: bool = False, camera: Path | None = None) -> Iterator[Page]:
    """Yield an empty page; fail, saying what to install, if there is no browser at all.

    `any_authority`: also where a certificate is of an authority that the browser was not told of.
    `camera`: what its camera sees, an MJPEG file, which is read whenever a page opens the camera.
    """
    installed = next(filter(None, map(shutil.which, INSTALLED)), None)
    arguments = ["--no-sandbox", "--disable-gpu"]
    if camera is not None:
        arguments += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=installed, args=arguments)
        except Error as error:
            pytest.fail(
                "There is no browser to test the pages with. Install Chromium (`apt-get install chromium`), "
                f"or let Playwright fetch its own (`uv run playwright install chromium`). {error.message}"
            )
        with browser.new_context(
            viewport=SIZE,  # type: ignore[arg-type]  # a TypedDict
            ignore_https_errors=any_authority,
        ) as context:
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            yield page
        browser.close()
