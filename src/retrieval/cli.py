"""The command line: ``vraagbaak index | ask | serve | evaluate``.

Exit status: 0 done, 1 failed with one clear line, 2 wrong usage, 3 done but files were left out.

Each command imports what it needs, when it needs it: imports are the larger part of the time that
``vraagbaak ask`` takes, and the default model is loaded beside them.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import VraagbaakError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from retrieval.bundled import BundledModel
    from retrieval.chatbot import Chatbot
    from retrieval.embedding import Embedder
    from retrieval.evaluation import Evaluation
    from retrieval.index import BuildReport
    from retrieval.records import Reply
    from retrieval.retriever import Search
    from retrieval.settings import Settings

DONE, FAILED, LEFT_OUT = 0, 1, 3
"""Exit statuses; argparse itself ends with 2 where the command line cannot be understood."""

BEIR_DEPTH = 100
"""Passages ranked for a question of a BEIR folder, so that ten documents are found among them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except VraagbaakError as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        _say("stopped")
        return FAILED


def _index(options: argparse.Namespace) -> int:
    settings = _settings(options)
    report = bring_up_to_date(settings, _open_embedder(settings), progress=not options.json)
    if options.json:
        print(json.dumps(_report_json(report), ensure_ascii=False))
    else:
        print(_report_table(report))
    return LEFT_OUT if report.skipped else DONE


def _ask(options: argparse.Namespace) -> int:
    with _starting():
        model = _begin_model()
        from retrieval.serialization import reply_to_json

        settings = _settings(options)
        bot = _open_chatbot(settings, lambda: _open_embedder(settings, model))
    with bot:
        reply = bot.reply(options.question, options.history)
    print(json.dumps(reply_to_json(reply), ensure_ascii=False) if options.json else _readable(reply))
    return DONE


def _serve(options: argparse.Namespace) -> int:
    with _starting():
        model = _begin_model()
        from retrieval.web.server import serve

        settings = _settings(options)
        embedder = _open_embedder(settings, model)
        _bring_up_to_date_or_serve_on(settings, embedder)
        bot = _open_chatbot(settings, lambda: embedder)
    with bot:
        serve(bot, settings)
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from retrieval.evaluation import evaluate_judgments, read_judgments

    settings = _settings(options)
    embedder = _open_embedder(settings)
    if options.path.is_dir():
        evaluation = evaluate_beir_folder(options.path, embedder, settings)
    else:
        judgments = read_judgments(options.path)
        with _open_chatbot(settings, lambda: embedder) as bot:
            evaluation = evaluate_judgments(bot, judgments, options.path.stem)
    print(
        json.dumps(evaluation.to_json(), ensure_ascii=False) if options.json else _measures_table(evaluation)
    )
    return DONE


def bring_up_to_date(settings: Settings, embedder: Embedder, *, progress: bool) -> BuildReport:
    """Make the index that of the corpus as it is now, with a progress bar on stderr if asked for."""
    from retrieval.corpus import read_corpus
    from retrieval.index import update_index

    reading = read_corpus(settings.corpus)
    with _ProgressBar(shown=progress) as bar:
        return update_index(
            reading,
            settings.index,
            lambda: _corpus_embedder(settings, embedder),
            embedder.fingerprint,
            bar.show,
        )


def evaluate_beir_folder(folder: Path, embedder: Embedder, settings: Settings) -> Evaluation:
    """Index the folder's corpus aside, one document a line, and rank its documents for its questions."""
    from tempfile import TemporaryDirectory

    from retrieval.corpus import Reading, text_document
    from retrieval.evaluation import evaluate_beir, read_beir
    from retrieval.index import Index, update_index
    from retrieval.records import Query
    from retrieval.retriever import Retriever

    beir = read_beir(folder)
    reading = Reading(tuple(text_document(key, *texts) for key, texts in beir.texts.items()), ())
    with TemporaryDirectory(prefix="vraagbaak-") as aside:
        with _ProgressBar(shown=True) as bar:
            update_index(
                reading,
                Path(aside),
                lambda: _corpus_embedder(settings, embedder),
                embedder.fingerprint,
                bar.show,
            )
        with Index.open(Path(aside), embedder.fingerprint) as index:
            retriever = Retriever(index, embedder)
            return evaluate_beir(
                beir, lambda text: _ranked_documents(retriever.search(Query(text, text), BEIR_DEPTH))
            )


def _ranked_documents(search: Search) -> list[str]:
    """The documents of the hits, each at the place of its best passage."""
    return list(dict.fromkeys(hit.passage.document_id for hit in search.hits))


def _bring_up_to_date_or_serve_on(settings: Settings, embedder: Embedder) -> None:
    """Update the index, unless that fails and there is an old one to serve with."""
    try:
        report = bring_up_to_date(settings, embedder, progress=True)
        for skipped in report.skipped:
            _say(f"left out: {skipped.path}: {skipped.reason}")
    except VraagbaakError as error:
        if not (settings.index / "CURRENT").is_file():
            raise
        _say(f"the index was not brought up to date, the old one serves on: {error}")


@contextmanager
def _starting() -> Iterator[None]:
    """Look for no garbage while modules are made, nor ever again among what they made: it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _settings(options: argparse.Namespace) -> Settings:
    """The settings, overruled by the options of the command line."""
    from retrieval.settings import load_settings

    return load_settings(
        {
            name: value
            for name in ("host", "port", "corpus", "index")
            if (value := getattr(options, name, None)) is not None
        }
    )


def _begin_model() -> Future[BundledModel]:
    """Begin to load the default model: before the settings, which may name another, are known.

    The compiler works beside the imports; where another model is set, it has worked for nothing.
    """
    from retrieval.bundled import BundledModel

    return BundledModel.begin()


def _open_embedder(settings: Settings, begun: Future[BundledModel] | None = None) -> Embedder:
    from retrieval.bundled import BundledModel
    from retrieval.embedding import open_query_embedder

    default_model = begun.result if begun else BundledModel.open
    return open_query_embedder(
        settings.embedder, settings.query_prompt, settings.passage_prompt, default_model
    )


def _corpus_embedder(settings: Settings, opened: Embedder) -> Embedder:
    from retrieval.embedding import open_corpus_embedder
    from retrieval.settings import DEFAULT_EMBEDDER

    if settings.embedder != DEFAULT_EMBEDDER:
        return opened
    return open_corpus_embedder(settings.embedder, settings.query_prompt, settings.passage_prompt)


def _open_chatbot(settings: Settings, open_embedder: Callable[[], Embedder]) -> Chatbot:
    from retrieval.answerability import Answerability
    from retrieval.chatbot import Chatbot
    from retrieval.index import Index

    embedder = open_embedder()  # only now: this may wait for what is done beside the imports
    return Chatbot(
        Index.open(settings.index, embedder.fingerprint), embedder, Answerability.load(), settings.contact
    )


class _ProgressBar:
    """A bar on stderr that appears with the first text that is embedded."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> _ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int) -> None:
        if not self._shown:
            return
        if self._bar is None:
            from tqdm import tqdm  # type: ignore[import-untyped]

            self._bar = tqdm(total=total, desc="embedding", unit="text", file=sys.stderr)
        self._bar.update(done - self._bar.n)


def _report_json(report: BuildReport) -> dict[str, Any]:
    return {
        **{
            name: getattr(report, name)
            for name in ("documents", "passages", "embedded", "reused", "removed", "seconds")
        },
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
    }


def _report_table(report: BuildReport) -> str:
    rows = [
        (name, str(getattr(report, name)))
        for name in ("documents", "passages", "embedded", "reused", "removed")
    ]
    rows.append(("seconds", f"{report.seconds:.1f}"))
    rows.append(("left out", str(len(report.skipped))))
    lines = [f"{name:<10} {value:>8}" for name, value in rows]
    return "\n".join(lines + [f"left out: {skipped.path}: {skipped.reason}" for skipped in report.skipped])


def _readable(reply: Reply) -> str:
    from retrieval.records import SmallTalk

    if isinstance(reply, SmallTalk) or not reply.suggestions:
        return reply.text
    return (
        reply.text + "\n\nU kunt bijvoorbeeld vragen:\n" + "\n".join(f"- {one}" for one in reply.suggestions)
    )


def _measures_table(evaluation: Evaluation) -> str:
    """A Markdown table: a line for each measure, with its interval and its value by kind."""
    kinds = list(evaluation.kinds)
    head = ["measure", "all", "95 % interval", *kinds]
    rows = [
        [name, f"{measure.value:.3f}", f"{measure.low:.3f} - {measure.high:.3f}"]
        + [f"{evaluation.kinds[kind][name]:.3f}" if name in evaluation.kinds[kind] else "" for kind in kinds]
        for name, measure in evaluation.measures.items()
    ]
    lines = [head, ["---"] * len(head), *rows]
    return f"{evaluation.set}: {evaluation.questions} questions\n\n" + "\n".join(
        "| " + " | ".join(cells) + " |" for cells in lines
    )


def _say(message: str) -> None:
    one_line = " ".join(message.splitlines())  # names of files may hold line ends
    print(f"vraagbaak: {one_line}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vraagbaak",
        description="Ask a body of Dutch texts a question; see docs/settings.md for settings.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    index = commands.add_parser("index", help="build or update the index of a corpus")
    index.add_argument("--corpus", type=Path, help="folder with the texts (default: corpus)")
    index.set_defaults(command=_index)
    ask = commands.add_parser("ask", help="ask one question")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument(
        "--history",
        metavar="Q",
        action="append",
        default=[],
        help="an earlier question; give the oldest first",
    )
    ask.set_defaults(command=_ask)
    serve = commands.add_parser("serve", help="serve the chat, the HTTP interface and the sources")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 7860)")
    serve.set_defaults(command=_serve)
    evaluate = commands.add_parser(
        "evaluate", help="measure answers on judged questions, or ranking on a BEIR folder"
    )
    evaluate.add_argument("path", type=Path, metavar="PATH")
    evaluate.set_defaults(command=_evaluate)
    for command in (index, ask, serve, evaluate):
        command.add_argument("--index", type=Path, help="folder of the index (default: index)")
    for command in (index, ask, evaluate):
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
