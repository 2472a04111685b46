"""The chat, driven as a visitor does."""

from playwright.sync_api import Locator, Page, expect

TEXTBOX = "#vb-invoer textarea"
ANSWERS = "#vb-gesprek .bot-row"


def open_chat(page: Page, address: str, fragment: str = "") -> None:
    """Open the chat and wait until it can be used."""
    page.goto(f"{address}/{fragment}")
    expect(page.locator(TEXTBOX)).to_be_visible()
    expect(page.locator(ANSWERS).first).to_be_visible()


def ask(page: Page, question: str) -> Locator:
    """Type a question, press Enter, and give the message that comes."""
    before = page.locator(ANSWERS).count()
    page.fill(TEXTBOX, question)
    page.press(TEXTBOX, "Enter")
    newest = page.locator(ANSWERS).nth(before)
    expect(newest.locator(".vb-antwoord")).to_be_visible()
    return newest
