"""The Firefox that the tests drive, over WebDriver BiDi: Playwright cannot drive the one that Debian has."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import websocket

FIREFOX_NAMES = ("firefox-esr", "firefox")
PATIENCE = 20
"""Seconds that something may take on a busy machine; reached only where it fails."""

QUIET: dict[str, Any] = {
    "app.normandy.enabled": False,  # experiments
    "app.update.disabledForTesting": True,  # updates of Firefox
    "browser.chrome.site_icons": False,  # icons of pages, which a strict policy refuses
    "browser.newtabpage.enabled": False,  # stories and shortcuts of the first tab
    "browser.safebrowsing.downloads.remote.enabled": False,  # lists of dangerous sites, here and two lines on
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,  # search engines
    "browser.region.network.url": "",  # the country that the address is in
    "datareporting.policy.dataSubmissionEnabled": False,  # telemetry, and the page that tells of it
    "dom.push.connection.enabled": False,  # the server of push messages
    "extensions.getAddons.cache.enabled": False,  # what the add-on site says of installed add-ons
    "extensions.systemAddon.update.enabled": False,  # add-ons that are parts of Firefox
    "extensions.update.enabled": False,  # other add-ons
    "media.gmp-manager.updateEnabled": False,  # video codecs
    "network.captive-portal-service.enabled": False,  # is this a hotel's network?
    "network.connectivity-service.enabled": False,  # is there a network at all?
    "network.dns.disablePrefetch": True,  # names of links that nobody followed
    "network.prefetch-next": False,  # pages that nobody followed
    "services.settings.server": "data:,#no-remote-settings/v1",  # lists that Mozilla keeps up to date
    "toolkit.telemetry.server": "",  # where telemetry would go
}
"""Preferences that keep Firefox from asking anything itself; what each would have asked for."""

EVENTS = ("network.beforeRequestSent", "network.responseCompleted", "log.entryAdded")


def firefox_path() -> str:
    """The Firefox to drive: FIREFOX_PATH, or one of the machine."""
    candidates = [os.environ.get("FIREFOX_PATH"), *map(shutil.which, FIREFOX_NAMES)]
    found = [path for path in candidates if path and Path(path).is_file()]
    assert found, "no Firefox to test with: set FIREFOX_PATH to one, or run 'apt-get install firefox-esr'"
    return found[0]


class Firefox:
    """A Firefox that is running: commands go in, and events are noted as they come."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._last = 0
        self.events: list[dict[str, Any]] = []
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=EVENTS)

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What Firefox gives back for a command of WebDriver BiDi (w3.org/TR/webdriver-bidi)."""
        self._last += 1
        self._connection.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while (message := json.loads(self._connection.recv())).get("id") != self._last:
            self.events.append(message)
        assert message["type"] == "success", f"{method}: {message['error']}: {message['message']}"
        return dict(message["result"])

    def noted(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of one kind so far."""
        self.command("session.status")  # events come in order: those before it are in by then
        return [event["params"] for event in self.events if event["method"] == method]

    def requests(self) -> list[tuple[str, str]]:
        """Method and address of every request so far."""
        asked = [event["request"] for event in self.noted("network.beforeRequestSent")]
        return [(request["method"], request["url"]) for request in asked]

    def cookies(self) -> list[str]:
        """The names of the cookies that are kept."""
        return [cookie["name"] for cookie in self.command("storage.getCookies")["cookies"]]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console (breaches of a policy too) and responses that say no, so far."""
        entries = self.noted("log.entryAdded")
        answers = [event["response"] for event in self.noted("network.responseCompleted")]
        return [
            *(str(entry["text"]) for entry in entries if entry["level"] in ("error", "warn")),
            *(f"{answer['status']} {answer['url']}" for answer in answers if answer["status"] >= 400),
        ]


class Tab:
    """A tab of a Firefox."""

    def __init__(self, firefox: Firefox) -> None:
        self.firefox = firefox
        self._context = firefox.command("browsingContext.create", type="tab")["context"]

    def goto(self, address: str) -> None:
        """Open a page and wait until it has loaded."""
        self.firefox.command("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, or what its promise gives."""
        text = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        target = {"context": self._context}
        done = self.firefox.command("script.evaluate", expression=text, target=target, awaitPromise=True)
        assert done["type"] == "success", done["exceptionDetails"]["text"]
        return json.loads(done["result"]["value"])

    def until(self, expression: str, expected: object = True) -> None:
        """Wait until an expression has a value."""
        deadline = time.monotonic() + PATIENCE
        while (value := self.evaluate(expression)) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert value == expected, expression

    def press(self, keys: str) -> None:
        """Press keys one by one; those without a sign have one in w3.org/TR/webdriver2/#keyboard-actions."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.firefox.command("input.performActions", context=self._context, actions=[source])

    def close(self) -> None:
        """Close the tab."""
        self.firefox.command("browsingContext.close", context=self._context)


@contextmanager
def outside_world() -> Iterator[tuple[int, list[str]]]:
    """The port of a proxy that lets nothing through, and what it was asked for."""
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_error(403)

        do_CONNECT = do_GET = do_HEAD = do_POST = refuse  # noqa: N815 - http.server calls these names

        def log_message(self, *_: object) -> None:
            """Nothing: pytest's output is for its own lines."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


@contextmanager
def running_firefox(
    profile: Path, proxy_port: int, preferences: Mapping[str, Any] | None = None
) -> Iterator[Firefox]:
    """A Firefox with a new profile, whose every request to another machine goes to a proxy."""
    proxy = {
        "network.proxy.type": 1,  # as set by hand; this machine itself is asked without it
        "network.proxy.failover_direct": False,  # else Firefox's own requests go round a proxy that refuses
        **{f"network.proxy.{kind}": "127.0.0.1" for kind in ("http", "ssl")},
        **{f"network.proxy.{kind}_port": proxy_port for kind in ("http", "ssl")},
    }
    chosen = {**QUIET, **proxy, **(preferences or {})}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items()]
    (profile / "user.js").write_text("".join(lines))
    environment = os.environ | {
        "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"
    }  # else services.settings.server is no use
    command = (firefox_path(), "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile)
    with (
        (profile / "said.txt").open("w") as said,
        subprocess.Popen(command, stdout=said, stderr=said, env=environment) as process,
    ):
        try:
            address = f"ws://127.0.0.1:{_bidi_port(profile, process)}/session"
            # without an Origin: to Firefox that is a program of this machine, not a page
            with closing(websocket.create_connection(address, PATIENCE, suppress_origin=True)) as connection:
                firefox = Firefox(connection)
                yield firefox
                firefox.command("browser.close")
            process.wait(timeout=PATIENCE)
        finally:
            process.kill()


def _bidi_port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    file = profile / "WebDriverBiDiServer.json"
    deadline = time.monotonic() + 2 * PATIENCE
    while not (file.exists() and (text := file.read_text()).endswith("}")):
        waiting = process.poll() is None and time.monotonic() < deadline
        assert waiting, f"Firefox did not start: {(profile / 'said.txt').read_text()}"
        time.sleep(0.05)
    return int(json.loads(text)["ws_port"])
