"""What axe-core finds wrong on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPTIONS = {"runOnly": list(TAGS), "rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
"""Every rule of WCAG 2.0 to 2.2, A and AA, and of its best practices; none is off. It leaves target-size
(2.5.8, AA of 2.2) off by itself."""


def violations(page: Page) -> list[str]:
    """The rule that is broken and the element that breaks it.

    axe is put into the page as an inline script: where its own policy would refuse that, with ``bypass_csp``.
    """
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
