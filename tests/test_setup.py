"""What setting up promises: exact versions of everything, and documents that agree with them."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from retrieval.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
BROUGHT_ALONG = "# Brought along by these; written by `make pins`."

PYTHON_STAND_IN = """#!/bin/sh
case "$*" in
    "-m venv .venv" | "-m venv --without-pip .venv") mkdir .venv/bin && ln -s "{self}" .venv/bin/python ;;
    "-c import ensurepip, venv") exit {status} ;;
    "-m pip --quiet --python .venv/bin/python install pip") ;;
    *) exec "{real}" "$@" ;;
esac
"""


def requirements(text: str) -> list[Requirement]:
    """The lines of a requirements file that name a package."""
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith(("#", "-r "))]


def chosen(file: str) -> list[str]:
    """The packages of a requirements file that are direct, in its order."""
    direct, mark, _ = (ROOT / file).read_text(encoding="utf-8").partition(BROUGHT_ALONG)
    assert mark == BROUGHT_ALONG
    return [requirement.name for requirement in requirements(direct)]


def pinned() -> dict[str, Requirement]:
    """Every package of both files."""
    both = [one for file in FILES for one in requirements((ROOT / file).read_text(encoding="utf-8"))]
    return {canonicalize_name(one.name): one for one in both}


def holds(requirement: Requirement) -> bool:
    """Whether a requirement is meant for this machine and this Python."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


@pytest.mark.parametrize("requirement", pinned().values(), ids=str)
def test_a_version_is_exact_and_is_the_one_installed(requirement: Requirement) -> None:
    assert [specifier.operator for specifier in requirement.specifier] == ["=="]
    if holds(requirement):
        assert Version(metadata.version(requirement.name)).public in requirement.specifier


def test_whatever_comes_along_is_pinned_too() -> None:
    """Walked from the packages that are chosen, through what each one says that it needs here."""
    pins = pinned()
    walked: set[str] = set()
    waiting = [name for file in FILES for name in chosen(file) if holds(pins[canonicalize_name(name)])]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in walked:
            continue
        walked.add(name)
        needs = map(Requirement, metadata.requires(name) or [])
        waiting.extend(need.name for need in needs if holds(need))
    assert walked - pins.keys() == set()


@pytest.mark.parametrize(("file", "heading"), [(FILES[0], "To run"), (FILES[1], "To test")])
def test_the_list_of_dependencies_gives_a_reason_for_each_and_no_other(file: str, heading: str) -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\w-]+) \| (.+?) \|", section, re.MULTILINE)[1:]
    assert sorted(canonicalize_name(name) for name, _ in rows) == sorted(map(canonicalize_name, chosen(file)))


def settings_table() -> list[list[str]]:
    """The rows of docs/settings.md: environment, key, default, meaning, index."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith(f"| `{PREFIX}")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


def shown_default(default: object) -> str:
    """A default as it would be written in vraagbaak.toml; none where there is no value."""
    if isinstance(default, bool):
        return str(default).lower()
    return "none" if default in (None, ()) else str(default)


def test_the_table_of_settings_has_each_setting_with_its_default() -> None:
    shown = {key: (variable, default) for variable, key, default, _, _ in settings_table()}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert shown == {
        name: (f"{PREFIX}{name.upper()}", shown_default(default)) for name, default in defaults.items()
    }


def test_the_example_of_a_settings_file_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "vraagbaak.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environment={})
    assert settings.allowed_origins == ("https://www.example.nl",)
    assert settings.contact_url == "tel:14010"


def test_what_must_pass_is_what_make_test_checks_from_any_folder(tmp_path: Path) -> None:
    """With a `make` that only says how it was called, and reads what it is given to read."""
    stand_in = tmp_path / "make"
    stand_in.write_text('#!/bin/sh\necho "$PWD: $*"\ncat\n', encoding="utf-8")
    stand_in.chmod(0o755)
    done = subprocess.run(
        [ROOT / ".ci" / "run"],
        cwd=tmp_path, check=True, capture_output=True, text=True, input="typed\n",
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout == f"{ROOT}: test\n"


def test_a_python_that_is_too_old_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = setup("python", tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert done.stderr == f"setup: PYTHON={old} does not run, or is older than 3.11; name another.\n"


@pytest.mark.parametrize("has_ensurepip", [True, False])
def test_an_environment_is_made_kept_and_made_anew_where_it_was_cut_short(
    has_ensurepip: bool, tmp_path: Path
) -> None:
    """With a Python that makes an environment out of links to itself, so that nothing is installed."""
    python = tmp_path / "a python"
    python.write_text(PYTHON_STAND_IN.format(self=python, real=sys.executable, status=int(not has_ensurepip)))
    python.chmod(0o755)
    clone = tmp_path / "een kloon"
    clone.mkdir()
    made = setup("python", clone, PYTHON=str(python))
    version = f"Python {platform.python_version()}"
    assert (made.returncode, made.stdout) == (0, f"Making .venv with {version}.\n"), made.stderr
    (clone / ".venv" / "of the first").touch()
    kept = setup("python", clone, PYTHON=str(python))
    assert (kept.returncode, kept.stdout) == (0, "")
    assert (clone / ".venv" / "of the first").exists()
    (clone / ".venv" / "unfinished").touch()
    healed = setup("python", clone, PYTHON=str(python))
    assert (healed.returncode, healed.stdout) == (0, made.stdout)
    assert sorted(path.name for path in (clone / ".venv").iterdir()) == ["bin"]


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_the_browser_named_is_the_one_linked_to_and_one_that_does_not_run_is_refused(
    name: str, tmp_path: Path
) -> None:
    browser = program(tmp_path / "een browser", "echo 1.0")
    program(tmp_path / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    variable = f"{name.upper()}_PATH"
    done = setup(name, tmp_path, "link", **{variable: str(browser)})
    assert (done.returncode, (tmp_path / "link").readlink()) == (0, browser)
    browser.chmod(0o644)
    refused = setup(name, tmp_path, "link", **{variable: str(browser)})
    assert refused.returncode == 1
    assert refused.stderr == f"setup: {variable}={browser} does not run; name another, or unset it.\n"


@pytest.mark.parametrize(("name", "package"), [("chromium", "chromium"), ("firefox", "firefox-esr")])
def test_a_browser_that_is_missing_is_installed_and_found(name: str, package: str, tmp_path: Path) -> None:
    """With an `apt-get` that notes what it is asked, and brings a program of the package's name."""
    clone = tmp_path / "een kloon"
    program(clone / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    commands = tmp_path / "commands"
    noted = tmp_path / "noted"
    commands.mkdir()
    for command in ("bash", "env", "id", "ln", "chmod"):
        (commands / command).symlink_to(shutil.which(command) or "")
    brought = f"printf '#!/bin/sh\\necho 1.0\\n' > '{commands / package}'; chmod 755 '{commands / package}'"
    program(commands / "apt-get", f'echo "$*" >> "{noted}"; case "$*" in *install*) {brought} ;; esac')
    program(commands / "sudo", 'shift; exec "$@"')
    here = {"PATH": str(commands), "CHROMIUM_PATH": "", "FIREFOX_PATH": ""}
    done = setup(name, clone, "link", **here)
    assert done.returncode == 0, done.stderr
    assert (clone / "link").readlink() == commands / package
    assert noted.read_text().splitlines() == [
        "--quiet update", f"--quiet --yes install --no-install-recommends {package}",
    ]  # fmt: skip
    again = setup(name, clone, "link", **here)
    assert again.stdout == f"The browser tests use {commands / package}.\n"


def test_a_firefox_that_cannot_be_brought_is_told_with_what_to_do(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    program(commands / "apt-get", "exit 100")
    program(commands / "sudo", "exit 1")
    for command in ("bash", "env", "id"):
        (commands / command).symlink_to(shutil.which(command) or "")
    done = setup("firefox", tmp_path, "link", PATH=str(commands), FIREFOX_PATH="")
    assert done.returncode == 1
    assert "sudo apt install firefox-esr" in done.stderr
    assert "FIREFOX_PATH=/path/to/firefox" in done.stderr
    assert not (tmp_path / "link").is_symlink()


def program(path: Path, body: str) -> Path:
    """A program of the shell, made where it is to stand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def setup(what: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script that `make setup` calls, in a folder of its own."""
    return subprocess.run(
        ["bash", ROOT / ".ci" / "environment", what, *arguments],
        cwd=folder, check=False, capture_output=True, text=True, env=os.environ | environment,
    )  # fmt: skip


def test_the_program_runs_where_the_requirements_alone_are_installed() -> None:
    """Without the path that installing the project itself adds."""
    program = (
        "import runpy, sys\n"
        f"sys.path = [path for path in sys.path if path != {str(ROOT / 'src')!r}]\n"
        "sys.argv = ['app.py', '--help']\n"
        f"runpy.run_path({str(ROOT / 'app.py')!r}, run_name='__main__')\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False, capture_output=True, text=True, cwd=ROOT / "docs", env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")
