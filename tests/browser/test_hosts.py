"""The watch over what every page of these tests asks (conftest.py)."""

import pytest
from playwright.sync_api import Browser


@pytest.mark.parametrize(
    "html",
    [
        "<img src=http://buiten.example/a.png>",
        "<link rel=stylesheet href=http://buiten.example/a.css>",
        "<iframe src=http://buiten.example/></iframe>",
        "<script>fetch('http://buiten.example/').catch(() => 0)</script>",
        "<script>new WebSocket('ws://buiten.example/')</script>",
    ],
)
def test_another_host_is_noted_however_it_is_asked(browser: Browser, hosts: set[str], html: str) -> None:
    page = browser.new_page()
    page.set_content(html, wait_until="commit")
    page.wait_for_timeout(300)
    page.close()
    assert "buiten.example" in hosts
    hosts.remove("buiten.example")  # at the end it would be an error, as it should
