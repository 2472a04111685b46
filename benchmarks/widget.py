"""How soon a visitor can type in the widget, and what it weighs, beside an empty page, the chat and others.

    python benchmarks/widget.py [ROUNDS]

Each page in turn, ROUNDS times, in a Chromium that keeps nothing: a launcher is clicked as soon as it is
there, and the page counts as usable when its text box takes a letter; medians, and ratios to the empty page.
Once more with the browser's processor slowed down, about to a phone's. Requests and bytes, as transferred,
are those of what was asked for until then, the page included; gzip and brotli are of the scripts and styles.

Then each once under the strictest policy that the widget is promised to work under, and under the same
without Trusted Types: whether its text box takes a letter, and which directives were violated how often.

The others come from npm into a temporary folder, as their publishers made them, and are served with gzip by
a small server that also stands for the server each of them wants. Without npm they are left out.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as TimedOut

from retrieval.web.assets import assemble_widget, static_folder
from start import cpu_name

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path += [str(TESTS / "browser"), str(TESTS / "web")]

from chromium import FLAGS, chromium_path  # noqa: E402
from host_sites import page_of, strict_policy  # noqa: E402
from web_serving import THREE_SENTENCES, served  # noqa: E402

NOT_OUTSIDE = "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""Chromium finds no other host; what is asked of one is noted all the same."""

HERE = ("localhost", "127.0.0.1")
SLOWER = 4
"""Times that the processor is slowed down for the second column, as browsers' own tools do for a phone."""
PATIENCE = 20_000
"""Milliseconds until a page is taken to be unusable."""
PATIENCE_UNDER_POLICY = 5_000
"""The same where it is likely: more than any of them takes without a policy."""
AFTERWARDS = 1_000
"""Milliseconds in which requests end that were under way, and others to outside hosts may follow."""

USE = """([launcher, box]) => {
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (violation) => {
    window.refused.push(violation.effectiveDirective);
  });
  const shown = (path) => {
    let found = document;
    for (const part of path.split(" >> ")) {
      found = (found.shadowRoot ?? found).querySelector(part);
      if (!found) return null;
    }
    return found.getClientRects().length ? found : null;
  };
  let clicked = !launcher;
  const look = () => {
    if (!clicked) {
      const button = shown(launcher);
      button?.click();
      clicked = Boolean(button);
    }
    const field = clicked && shown(box);
    field?.focus?.();
    if (field && document.execCommand("insertText", false, "a") && field.value === "a") {
      console.info(`usable ${performance.now()} ${performance.timeOrigin + performance.now()}`);
    } else {
      setTimeout(look);
    }
  };
  look();
}"""
"""Clicks and types as soon as that is possible; a path leads through shadow roots, set apart by >>."""


@dataclass(frozen=True)
class Peer:
    """A chat widget on npm: how its guide says it is put in a page, and where its launcher and box are."""

    package: str
    version: str
    head: str
    start: str
    """The module that starts it; ADDRESS stands for where it is served."""
    launcher: str
    box: str
    answers: Mapping[str, object]
    """What its server would say, by the start of the path."""

    @property
    def name(self) -> str:
        """As npm calls it."""
        return f"{self.package} {self.version}"

    @property
    def path(self) -> str:
        """Where its files are served."""
        return f"/{self.package}"


PEERS = (
    Peer(
        "flowise-embed",
        "3.1.6",
        "",
        'import Chatbot from "ADDRESS/flowise-embed/web.js";\n'
        'Chatbot.init({ chatflowid: "1", apiHost: "ADDRESS" });',
        "flowise-chatbot >> button",
        "flowise-chatbot >> textarea",
        {"/api/v1/chatflows-streaming": {"isStreaming": False}, "/api/v1/public-chatbotConfig": {}},
    ),
    Peer(
        "@n8n/chat",
        "1.37.0",
        '<link href="ADDRESS/@n8n/chat/style.css" rel="stylesheet">',
        'import { createChat } from "ADDRESS/@n8n/chat/chat.bundle.es.js";\n'
        'createChat({ webhookUrl: "ADDRESS/webhook" });',
        ".chat-window-toggle",
        "#n8n-chat textarea",
        {"/webhook": {"data": []}},
    ),
    Peer(
        "@typebot.io/js",
        "0.10.7",
        "",
        'import Typebot from "ADDRESS/@typebot.io/js/web.js";\n'
        'Typebot.initBubble({ typebot: "1", apiHost: "ADDRESS" });',
        "typebot-bubble >> button",
        "typebot-bubble >> input, textarea",
        {
            "/api/v1/typebots": {
                "sessionId": "1",
                "typebot": {"id": "1", "version": "6.1", "theme": {}, "settings": {}},
                "messages": [],
                "input": {"id": "1", "type": "text input"},
            }
        },
    ),
)


@dataclass(frozen=True)
class Case:
    """A page to open, and the ways to its launcher (none: "") and its text box."""

    name: str
    address: str
    launcher: str
    box: str


@dataclass(frozen=True)
class Visit:
    """What one visit took until usable, in milliseconds and bytes, and the hosts outside that were asked."""

    milliseconds: float
    paths: tuple[str, ...]
    transferred: int
    outside: frozenset[str]


@dataclass(frozen=True)
class File:
    """A file as it is served, compressed before anyone asks."""

    media_type: str
    content: bytes
    policy: str = ""


def main() -> None:
    """Serve, visit, and tell."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with (
        TemporaryDirectory(prefix="vraagbaak-") as folder,
        served(*THREE_SENTENCES) as own,
        sync_playwright() as playwright,
    ):
        files = dict(downloaded(Path(folder)))
        peers = [peer for peer in PEERS if any(path.startswith(f"{peer.path}/") for path in files)]
        browser = playwright.chromium.launch(
            executable_path=chromium_path(playwright.chromium.executable_path),
            args=[*(flag for flag in FLAGS if "host-resolver-rules" not in flag), NOT_OUTSIDE],
        )
        answers = {path: answer for peer in peers for path, answer in peer.answers.items()}
        with serving(files, answers) as port:
            site, other = f"http://localhost:{port}", f"http://127.0.0.1:{port}"
            files |= host_pages(own, peers, other)  # they name the port, which is known only now
            # served by the chat itself; here to be weighed as the others are
            files["/widget.js"] = File(
                "text/javascript", assemble_widget(static_folder(), takes_feedback=True).asset.content
            )
            cases = cases_of(site, own, peers)
            print(f"CPU: {cpu_name()}; Chromium {browser.version}; {rounds} rounds\n")
            normal, slowed = visit_all(browser, cases, rounds)
            policies = {
                case.name: [under_policy(browser, case, suffix) for suffix in POLICIES]
                for case in cases
                if f"{urlsplit(case.address).path}{next(iter(POLICIES))}" in files
            }
        tell(normal, slowed, files, policies)
        browser.close()


def downloaded(folder: Path) -> Iterator[tuple[str, File]]:
    """The files of the peers by the path at which they are served; none where npm is not there.

    Their packages alone: what these require stands in their bundles already.
    """
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not installed: without the others\n")
        return
    for peer in PEERS:
        command = [npm, "pack", "--ignore-scripts", f"{peer.package}@{peer.version}"]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"npm could not get {peer.name}: {done.stderr.strip().splitlines()[-1:]}\n")
            continue
        archive = folder / f"{peer.package.removeprefix('@').replace('/', '-')}-{peer.version}.tgz"
        target = folder / peer.package
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
        root = target / "package" / "dist"
        for path in root.rglob("*"):
            kind = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}.get(path.suffix)
            if kind is not None:
                yield f"{peer.path}/{path.relative_to(root).as_posix()}", File(kind, path.read_bytes())


@contextmanager
def serving(files: Mapping[str, File], answers: Mapping[str, object]) -> Iterator[int]:
    """The port of a server of the files, all with gzip, and of what the peers' servers would answer."""
    compressed: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:  # the name that http.server calls
            path = urlsplit(self.path).path
            found = files.get(path)
            if found is None:
                said = [answer for start, answer in answers.items() if path.startswith(start)]
                body = json.dumps(said[0]).encode() if said else b""
                self._send(200 if said else 404, File("application/json", body), gzip.compress(body))
            else:
                if path not in compressed:
                    compressed[path] = gzip.compress(found.content)
                self._send(200, found, compressed[path])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_OPTIONS(self) -> None:
            self._send(200, File("text/plain", b""), gzip.compress(b""))

        def _send(self, status: int, file: File, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{file.media_type}; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            for name in ("Origin", "Headers", "Methods"):
                self.send_header(f"Access-Control-Allow-{name}", "*")
            if file.policy:
                self.send_header("Content-Security-Policy", file.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the table alone is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def without_trusted_types(policy: str) -> str:
    """The policy, less what it says of Trusted Types."""
    return "; ".join(part for part in policy.split("; ") if "trusted-types" not in part)


POLICIES: Mapping[str, Callable[[str], str]] = {
    "-strict": strict_policy,
    "-untyped": lambda address: without_trusted_types(strict_policy(address)),
}
"""The policies by the end of the path of the pages that are sent with them."""


def host_pages(own: str, peers: Sequence[Peer], other: str) -> dict[str, File]:
    """The pages of a site that embeds, by path: without a policy, and with each.

    With one the module that starts a peer is a file, as an inline one may not run.
    """
    script = f'<script src="{own}/widget.js" async></script>'
    files = {"/empty": html_file(page_of("<textarea></textarea>"))}
    for path, body in (("/button", script), ("/inline", f"<vraagbaak-chat></vraagbaak-chat>{script}")):
        files[path] = html_file(page_of(body))
        files |= {f"{path}{end}": html_file(page_of(body), policy(own)) for end, policy in POLICIES.items()}
    for peer in peers:
        start, head = (text.replace("ADDRESS", other) for text in (peer.start, peer.head))
        linked = page_of(f'<script type="module" src="{other}/start{peer.path}.js"></script>', head)
        files[f"/start{peer.path}.js"] = File("text/javascript", start.encode())
        files[f"/host{peer.path}"] = html_file(page_of(f'<script type="module">{start}</script>', head))
        for end, policy in POLICIES.items():
            files[f"/host{peer.path}{end}"] = html_file(linked, policy(other))
    return files


def html_file(page: str, policy: str = "") -> File:
    """A page as it is served."""
    return File("text/html", page.encode(), policy)


def cases_of(site: str, own: str, peers: Sequence[Peer]) -> list[Case]:
    """What is measured, the empty page first."""
    widget_box = "vraagbaak-chat >> textarea"
    return [
        Case("empty page with a textarea", f"{site}/empty", "", "textarea"),
        Case("widget, button", f"{site}/button", "vraagbaak-chat >> .launcher", widget_box),
        Case("widget, inline", f"{site}/inline", "", widget_box),
        Case("chat (Gradio), `/`", f"{own}/", "", "textarea"),
        *(Case(peer.name, f"{site}/host{peer.path}", peer.launcher, peer.box) for peer in peers),
    ]


def visit_all(
    browser: Browser, cases: Sequence[Case], rounds: int
) -> tuple[dict[str, list[Visit]], dict[str, list[Visit]]]:
    """Each case in turn, round after round, as fast as this machine is and slowed down.

    Each round begins with another case. A first round, in which servers warm up, is not counted.
    """
    normal: dict[str, list[Visit]] = {case.name: [] for case in cases}
    slowed: dict[str, list[Visit]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        for seen, slower in ((normal, 1), (slowed, SLOWER)):
            first = number % len(cases)
            for case in (*cases[first:], *cases[:first]):
                visited = visit(browser, case, slower)
                if number > 0:
                    seen[case.name].append(visited)
    return normal, slowed


def visit(browser: Browser, case: Case, slower: int) -> Visit:
    """Open the page in a context of its own, use it, and see what it asked for.

    Raises:
        TimedOut: its text box took no letter.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    asked: dict[str, tuple[float, str]] = {}
    ended: dict[str, int] = {}

    def note(event: dict[str, Any]) -> None:
        asked[event["requestId"]] = (event["wallTime"], event["request"]["url"])

    def count(event: dict[str, Any]) -> None:
        ended[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", note)
    session.on("Network.loadingFinished", count)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    milliseconds, moment = use(page, case, PATIENCE)
    page.keyboard.type("b")
    page.wait_for_timeout(AFTERWARDS)
    assert typed(page, case) == "ab", f"{case.name}: the text box holds {typed(page, case)!r}, not 'ab'"
    context.close()
    web = {key: (at, url) for key, (at, url) in asked.items() if url.startswith("http")}
    before = [key for key, (at, _) in web.items() if at * 1000 <= moment]
    hosts = {urlsplit(url).hostname or "" for _, url in web.values()}
    return Visit(
        milliseconds,
        tuple(urlsplit(web[key][1]).path for key in before),
        sum(ended.get(key, 0) for key in before),
        frozenset(hosts - set(HERE)),
    )


def use(page: Page, case: Case, patience: int) -> tuple[float, float]:
    """Milliseconds from the start of navigation until the text box took a letter, and when that was."""
    page.add_init_script(f"({USE})({json.dumps([case.launcher, case.box])})")
    with page.expect_console_message(lambda said: said.text.startswith("usable "), timeout=patience) as said:
        page.goto(case.address, wait_until="commit")
    _, milliseconds, moment = said.value.text.split()
    return float(milliseconds), float(moment)


def typed(page: Page, case: Case) -> str:
    """What the text box holds; Playwright finds it through shadow roots by itself."""
    return page.locator(case.box.replace(" >> ", " ")).first.input_value()


def under_policy(browser: Browser, case: Case, suffix: str) -> str:
    """Whether it is usable under the policy of that suffix, and which directives were violated how often."""
    context = browser.new_context()
    page = context.new_page()
    try:
        use(page, replace(case, address=case.address + suffix), PATIENCE_UNDER_POLICY)
        usable = "yes"
    except TimedOut:
        usable = "no"
    refused = Counter(page.evaluate("() => window.refused"))
    context.close()
    return ", ".join([usable, *(f"{directive} {count}" for directive, count in refused.items())])


def tell(
    normal: Mapping[str, Sequence[Visit]],
    slowed: Mapping[str, Sequence[Visit]],
    files: Mapping[str, File],
    policies: Mapping[str, Sequence[str]],
) -> None:
    """Print the table."""
    print("| | gzip, kB | brotli, kB | requests | transferred, kB | usable, ms | ratio |", end="")
    print(f" {SLOWER}× slower, ms | ratio | asks outside | strict policy | without Trusted Types |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    empty, *_ = normal
    for name, visits in normal.items():
        cells = [
            name,
            *weights([files[path].content for path in visits[0].paths if is_code(path, files)]),
            f"{median(len(visit.paths) for visit in visits):g}",
            f"{median(visit.transferred for visit in visits) / 1000:.1f}",
        ]
        for seen in (normal, slowed):
            taken = milliseconds(seen[name])
            cells += [f"{taken:.0f}", f"{taken / milliseconds(seen[empty]):.1f}"]
        outside = sorted({host for visit in visits for host in visit.outside})
        cells += [", ".join(outside) or "none", *policies.get(name, ("–", "–"))]
        print(f"| {' | '.join(cells)} |")


def is_code(path: str, files: Mapping[str, File]) -> bool:
    """Whether it is a script or a style of what is embedded."""
    return path in files and files[path].media_type != "text/html"


def weights(contents: Sequence[bytes]) -> tuple[str, str]:
    """Kilobytes (of 1,000) with gzip and with brotli, each file at its best."""
    if not contents:
        return "–", "–"
    by_gzip = sum(len(gzip.compress(content)) for content in contents)
    by_brotli = sum(len(brotli.compress(content)) for content in contents)
    return f"{by_gzip / 1000:.1f}", f"{by_brotli / 1000:.1f}"


def milliseconds(visits: Sequence[Visit]) -> float:
    """The median until usable."""
    return median(visit.milliseconds for visit in visits)


if __name__ == "__main__":
    main()
