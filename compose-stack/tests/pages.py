"""What a person does on the pages."""

from playwright.sync_api import Page, expect


def sign_in(page: Page, password: str) -> None:
    """Sign in as `admin` on the page that asks for it."""
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()


def call_an_answer_wrong(page: Page) -> None:
    """Request a prediction for what the form shows, and give the feedback that it is wrong."""
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="Answer")).to_be_visible()
    page.get_by_role("button", name="Wrong").click()
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_text("Thank you. You said")).to_be_visible()
    expect(page.get_by_role("heading", name="Answer")).to_be_visible()  # the answer stays
