"""The page around the chat: Gradio's, in Dutch, with a head of its own and a strict policy for scripts.

Gradio serves ``lang="en"``, cards for social media that name outside hosts, and inline scripts; this
wraps its application and rewrites that one page.
"""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.web.assets import static_url

_SOCIAL_META = re.compile(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*')
_MANIFEST = re.compile(r'<link rel="manifest"[^>]*>')

_HEAD = """<title>Vraagbaak</title>
		<meta name="description" content="Stel een vraag en lees de zinnen die hem beantwoorden." />
		<link rel="icon" href="{icon}" type="image/svg+xml" />
		<link rel="stylesheet" href="{colours}" />
		<link rel="stylesheet" href="{style}" />
		<script src="{language}"></script>
		<script src="{check}" defer></script>
		<script src="{script}" defer></script>"""

_TOP = """<header id="vb-kop"><div>
			<h1><img src="{icon}" alt="" />Vraagbaak</h1>
			<nav aria-label="Pagina’s"><a href="/">Nieuw gesprek</a><a href="/bronnen">Bronnen</a></nav>
		</div></header>
		<noscript>
			<p>Zet JavaScript aan om vragen te stellen, of lees <a href="/bronnen">de bronnen zelf</a>.</p>
		</noscript>
		"""

_BOTTOM = """<section id="vb-waarschuwing" aria-label="Waarschuwing" hidden>
			<p role="alert"></p>
			<button type="button" id="vb-aanpassen">Aanpassen</button>
			<button type="button" id="vb-toch">Toch versturen</button>
		</section>
		<footer id="vb-voet">
			<p id="vb-status" role="status"></p>
			<p id="vb-voorgelezen" role="status"></p>
			<p>Elk citaat staat letterlijk in de bron. <a href="/toegankelijkheid">Toegankelijkheid</a></p>
		</footer>
		"""


def rewrite_page(html: str, nonce: str) -> str:
    """Gradio's page in Dutch, with our head, and with ``nonce`` on the scripts that it came with."""
    links = {
        "icon": static_url("icoon.svg"),
        "colours": static_url("kleuren.css"),
        "style": static_url("chat.css"),
        "language": static_url("taal.js"),
        "check": static_url("persoonsgegevens.js"),
        "script": static_url("chat.js"),
    }
    html = _SOCIAL_META.sub("", html)
    html = _MANIFEST.sub(_HEAD.format(**links), html, count=1)
    html = html.replace('lang="en"', 'lang="nl"', 1)
    html = html.replace("<script", f'<script nonce="{nonce}"')
    html = html.replace("<gradio-app", _TOP.format(**links) + "<gradio-app", 1)
    return html.replace("</gradio-app>", "</gradio-app>" + _BOTTOM, 1)


def page_policy(nonce: str, frame_ancestors: str) -> str:
    """The Content-Security-Policy of the chat: Gradio styles its elements; scripts come from here alone."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {frame_ancestors}",
        )
    )


class ChatPage:
    """Rewrites the page at ``/`` of the application that it wraps."""

    def __init__(self, app: ASGIApp, frame_ancestors: str):
        self._app = app
        self._frame_ancestors = frame_ancestors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, but for the page itself."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        # asked for uncompressed, since it is read here
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        rewriter = _Rewriter(send, self._frame_ancestors)
        await self._app({**scope, "headers": plain}, receive, rewriter)


class _Rewriter:
    """Holds the page back until it is whole, and sends it on rewritten."""

    def __init__(self, send: Send, frame_ancestors: str):
        self._send = send
        self._frame_ancestors = frame_ancestors
        self._start: Message = {}
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        headers = MutableHeaders(scope=self._start)
        if headers.get("content-type", "").startswith("text/html"):
            nonce = secrets.token_urlsafe(16)
            self._body = bytearray(rewrite_page(self._body.decode(), nonce).encode())
            headers["content-length"] = str(len(self._body))
            headers["content-security-policy"] = page_policy(nonce, self._frame_ancestors)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})
