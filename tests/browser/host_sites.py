"""A site of another organisation that embeds: pages, a port and a policy of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


def strict_policy(address: str) -> str:
    """The strictest Content-Security-Policy that the widget of ``address`` is promised to work under."""
    return (
        f"default-src 'none'; script-src {address}; connect-src {address}; style-src {address}; "
        "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'"
    )


def page_of(body: str, head: str = "") -> str:
    """A page in Dutch with a heading and this body."""
    return (
        '<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Gemeente Voorbeeld</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head}</head><body><main><h1>Gemeente Voorbeeld</h1>{body}</main></body></html>"
    )


@contextmanager
def host_site(pages: Mapping[str, str], policy: str = "", host: str = "localhost") -> Iterator[str]:
    """The address of a site of these pages by path, each sent with ``policy``."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            page = pages.get(self.path.partition("?")[0])
            self.send_response(204 if self.path == "/favicon.ico" else 404 if page is None else 200)
            kind = "text/css" if self.path.endswith(".css") else "text/html"
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            """Nothing: pytest's output is for its own lines."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://{host}:{server.server_port}"
        server.shutdown()
        thread.join()
