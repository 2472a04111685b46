"""The command line: ``vraagbaak index | check | ask | serve | evaluate | calibrate``.

Exit status: 0 done, 1 failed with one clear line, 2 wrong usage, 3 done but files were left out.

Each command imports what it needs, when it needs it: imports are the larger part of the time that
``vraagbaak ask`` takes, and the default model is loaded beside them.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import BrokenVerdictError, CorpusError, JudgmentsError, OutputError, VraagbaakError
from retrieval.printing import (
    calibration_table,
    check_json,
    check_table,
    comparison_table,
    explained,
    generation_json,
    generations_table,
    measures_table,
    readable_reply,
    report_json,
    report_table,
    visible,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from retrieval.answerability import Answerability
    from retrieval.building import BuildReport
    from retrieval.bundled import BundledModel
    from retrieval.chatbot import Chatbot
    from retrieval.embedding import Embedder
    from retrieval.evaluation import BeirSet, Evaluation, Judgment
    from retrieval.fusion import Ranking
    from retrieval.index import Index
    from retrieval.reranking import Reranker
    from retrieval.settings import Settings

DONE, FAILED, LEFT_OUT = 0, 1, 3
"""Exit statuses; argparse itself ends with 2 where the command line cannot be understood."""

M_ARENA_MAX = -8
"""The number of that parameter of mallopt, in glibc's malloc.h."""

QUIET, MOST_DEBOUNCED = 500, 10_000
"""Milliseconds: a build waits until nothing was written for so long, and at most so long in all."""

DELAY = 1.0
"""Seconds of reading files before a bar appears: most corpora are read sooner."""

USUAL_RANKING = "fused"
"""The name of the ranking that everything else uses."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # as stderr does
        options = _parser().parse_args(arguments)
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
    if options.list:
        return _list_generations(settings, options.json)
    embedder = _open_embedder(settings)
    if options.rollback is not None:
        return _roll_back(settings, embedder.fingerprint, options)
    _tell_of_foreign_verdict(settings, embedder.fingerprint)
    if options.watch:
        return _watch(settings, embedder, options.json)
    report = bring_up_to_date(settings, embedder)
    _tell_report(report, options.json)
    return LEFT_OUT if report.skipped else DONE


def _watch(settings: Settings, embedder: Embedder, as_json: bool) -> int:
    """Bring the index up to date now and at each change, one build after another, until Ctrl-C."""
    if not settings.corpus.is_dir():
        raise CorpusError(f"corpus folder {settings.corpus} does not exist: make it and put texts in it")
    corpus_embedder = cache(lambda: _corpus_embedder(settings, embedder))
    try:
        for _ in _changes(settings):
            _build_watched(settings, embedder, corpus_embedder, as_json)
    except KeyboardInterrupt:
        _say("stopped")
    return DONE


def _changes(settings: Settings) -> Iterator[None]:
    """Comes when watching has begun, and after each change: nothing that is written in between is missed."""
    from watchfiles import DefaultFilter, watch

    while True:
        watched = _identity(settings.corpus)
        changes = watch(
            settings.corpus,
            watch_filter=DefaultFilter(ignore_paths=(settings.index.resolve(),)),
            debounce=MOST_DEBOUNCED,
            step=QUIET,
            rust_timeout=QUIET,
            yield_on_timeout=True,
        )
        try:
            for number, changed in enumerate(changes):
                # the system follows the folder itself, wherever that is moved: another may stand there now
                if _identity(settings.corpus) != watched:
                    break
                if changed or number == 0:
                    yield
        except FileNotFoundError:  # it went before watching could begin
            pass
        yield from _gone(settings.corpus)


def _gone(corpus: Path) -> Iterator[None]:
    """Wait until there is a folder; comes once where there is none at first."""
    if not corpus.is_dir():
        yield
    while not corpus.is_dir():
        time.sleep(QUIET / 1000)


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another of the same name; None where there is none."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _build_watched(
    settings: Settings, embedder: Embedder, corpus_embedder: Callable[[], Embedder], as_json: bool
) -> None:
    try:
        _tell_report(bring_up_to_date(settings, embedder, corpus_embedder), as_json)
    except VraagbaakError as error:
        _say(f"the index was not brought up to date, the old one serves on: {error}")


def _tell_report(report: BuildReport, as_json: bool) -> None:
    _say_unanswered(report)
    _print(_json_text(report_json(report)) if as_json else report_table(report))


def _check(options: argparse.Namespace) -> int:
    from retrieval.checking import check_index

    check = check_index(_settings(options).index)
    _print(_json_text(check_json(check)) if options.json else check_table(check))
    return FAILED if check.problems else DONE


def _list_generations(settings: Settings, as_json: bool) -> int:
    from retrieval.embedding import known_fingerprint
    from retrieval.generations import list_generations

    fingerprint = known_fingerprint(settings.embedder, settings.query_prompt, settings.passage_prompt)
    kept = list_generations(settings.index, fingerprint)
    _print(_json_text([generation_json(one) for one in kept]) if as_json else generations_table(kept))
    return DONE


def _roll_back(settings: Settings, fingerprint: str, options: argparse.Namespace) -> int:
    from retrieval.generations import roll_back

    name = roll_back(settings.index, fingerprint, options.rollback or None).name
    told = f"{name} serves again; the next vraagbaak index or serve follows the corpus again"
    _print(_json_text({"generation": name}) if options.json else told)
    return DONE


def _ask(options: argparse.Namespace) -> int:
    with _starting():
        model = _begin_model()
        from retrieval.records import SourceFilter
        from retrieval.serialization import explained_reply_to_json, reply_to_json

        settings = _settings(options)
        source_filter = SourceFilter(
            tuple(options.source),
            tuple(options.publisher),
            tuple(options.language),
            tuple(options.licence),
            options.since,
            options.valid_on,
        )
        _refuse_index_of_default_embedder(settings)
        bot = _open_chatbot(settings, lambda: _open_embedder(settings, model))
    with bot:
        if options.explain:
            reply, explanation = bot.reply_explained(options.question, options.history, source_filter)
            content = explained_reply_to_json(reply, explanation)
            shown = f"{readable_reply(reply)}\n\n{explained(explanation)}"
        else:
            reply = bot.reply(options.question, options.history, source_filter)
            content, shown = reply_to_json(reply), readable_reply(reply)
    _print(_json_text(content) if options.json else shown)
    return DONE


def _serve(options: argparse.Namespace) -> int:
    share_memory_between_threads()
    with _starting():
        model = _begin_model()
        from retrieval.serving import Following, LiveChatbot, followed
        from retrieval.web.server import serve

        settings = _settings(options)
        embedder = _open_embedder(settings, model)
        _verdict(settings, embedder.fingerprint)  # with an error in it there is no serving on
        _tell_of_foreign_verdict(settings, embedder.fingerprint)
        _bring_up_to_date_or_serve_on(settings, embedder)
        reopen = _chatbot_opener(settings, embedder)
        bot = reopen()
        live = LiveChatbot(bot)
    try:
        with followed(Following(live, settings.index, bot.index.generation, reopen)):
            serve(live, settings, _print)
    finally:
        live.close()
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from retrieval.evaluation import QUERIES, comparison_to_json, read_beir, read_judgments

    settings = _settings(options)
    rankings = _named(options.ranking or [USUAL_RANKING])
    if options.path.is_dir():
        beir = read_beir(options.path, options.queries or QUERIES)
        evaluations = evaluate_beir_set(beir, _open_embedder(settings), settings, rankings)
    elif options.queries:
        raise JudgmentsError(f"{options.path} is no folder: --queries names a file in a BEIR folder")
    else:
        evaluations = _evaluate_judgments(read_judgments(options.path), options.path.stem, settings, rankings)
    if len(evaluations) > 1:
        several = comparison_to_json(evaluations)
        _print(_json_text(several) if options.json else comparison_table(evaluations))
    else:
        (evaluation,) = evaluations.values()
        _print(_json_text(evaluation.to_json()) if options.json else measures_table(evaluation))
    return DONE


def _calibrate(options: argparse.Namespace) -> int:
    from retrieval.answerability import Answerability
    from retrieval.calibration import (
        asked,
        calibrate,
        margins_of,
        measures_of,
        measures_to_json,
        priors_from,
        warnings_of,
    )
    from retrieval.evaluation import read_judgments
    from retrieval.index import Index
    from retrieval.retriever import Retriever

    settings = _settings(options)
    judgments = {str(path): read_judgments(path) for path in options.questions}
    _refuse_index_of_default_embedder(settings)
    embedder = _open_embedder(settings)
    with Index.open(settings.index, embedder.fingerprint) as index:
        _refuse_questions_about_other_texts([one for own in judgments.values() for one in own], index)
        retriever = Retriever(index, embedder, reranker=_open_reranker(settings))
        rows = [row for name, own in judgments.items() for row in asked(retriever, own, name)]
    calibration = calibrate(rows, priors_from(Answerability.load(), embedder.fingerprint))
    in_use = measures_of(rows, margins_of(_verdict_to_compare(settings, embedder.fingerprint), rows))
    for warning in warnings_of(calibration.questions):
        _say(warning)
    _write(options.output, json.dumps(calibration.to_json(), indent=2) + "\n")
    if options.json:
        told = calibration.to_json() | {"in_use": measures_to_json(in_use), "output": str(options.output)}
        _print(_json_text(told))
    else:
        counts = ", ".join(f"{count} {kind}" for kind, count in calibration.questions.items())
        table = calibration_table(calibration.estimate, in_use)
        use = f"written to {options.output}; use it with VRAAGBAAK_VERDICT={options.output}"
        _print(f"{counts}\n\n{table}\n\n{use}")
    return DONE


def bring_up_to_date(
    settings: Settings, embedder: Embedder, corpus_embedder: Callable[[], Embedder] | None = None
) -> BuildReport:
    """Make the index that of the corpus as it is now, with a progress bar on stderr.

    ``corpus_embedder`` is called when texts are to be embedded; without it, that of the settings is opened.
    Raises BrokenVerdictError where the weights that are set are not whole, or another embedder's.
    """
    from retrieval.building import update_index
    from retrieval.corpus import read_corpus
    from retrieval.layout import CACHE_FOLDER
    from retrieval.parsing import Parser
    from retrieval.rehearsing import Rehearsal

    judge = _verdict(settings, embedder.fingerprint)  # its errors before the work
    start = time.perf_counter()
    with Parser(settings.index / CACHE_FOLDER) as parser, _ProgressBar("reading", "file", DELAY) as bar:
        reading = read_corpus(settings.corpus, parser, bar.show)
    with _ProgressBar() as bar:
        report = update_index(
            reading,
            settings.index,
            corpus_embedder or (lambda: _corpus_embedder(settings, embedder)),
            embedder.fingerprint,
            bar.show,
            rehearse=Rehearsal(embedder, judge),
            keep=settings.keep_generations,
            keep_texts=settings.keep_texts,
        )
    return replace(report, seconds=time.perf_counter() - start)


def evaluate_beir_set(
    beir: BeirSet, embedder: Embedder, settings: Settings, rankings: Mapping[str, Ranking]
) -> dict[str, Evaluation]:
    """Index the set's texts aside, one document a text, and ask its questions with each of the rankings.

    Raises RerankerError where a reranker is set that cannot be loaded, BrokenVerdictError where the weights
    that are set are not whole, or another embedder's.
    """
    from tempfile import TemporaryDirectory

    from retrieval.building import update_index
    from retrieval.corpus import Reading, text_document
    from retrieval.evaluation import Finder, evaluate_beir
    from retrieval.index import Index
    from retrieval.retriever import Retriever

    judge = _verdict(settings, embedder.fingerprint)
    reranker = _open_reranker(settings)
    reading = Reading(tuple(text_document(key, *texts) for key, texts in beir.texts.items()), ())
    with TemporaryDirectory(prefix="vraagbaak-") as aside:
        with _ProgressBar() as bar:
            update_index(
                reading,
                Path(aside),
                lambda: _corpus_embedder(settings, embedder),
                embedder.fingerprint,
                bar.show,
            )
        with Index.open(Path(aside), embedder.fingerprint) as index:
            return {
                name: evaluate_beir(beir, Finder(Retriever(index, embedder, ranking, reranker), judge).find)
                for name, ranking in rankings.items()
            }


def share_memory_between_threads() -> bool:
    """Let glibc keep two arenas instead of eight a core: what one thread gives back, another takes.

    To be called before there are threads; False where there is no glibc.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, 2) == 1


def _evaluate_judgments(
    judgments: Sequence[Judgment], name: str, settings: Settings, rankings: Mapping[str, Ranking]
) -> dict[str, Evaluation]:
    """Ask the index that is set the judged questions, with each of the rankings."""
    from retrieval.evaluation import evaluate_judgments
    from retrieval.index import Index

    _refuse_index_of_default_embedder(settings)
    embedder = _open_embedder(settings)
    with Index.open(settings.index, embedder.fingerprint) as index:
        _refuse_questions_about_other_texts(judgments, index)
    evaluations = {}
    for label, ranking in rankings.items():
        with _open_chatbot(settings, lambda: embedder, ranking) as bot:
            evaluations[label] = evaluate_judgments(bot, judgments, name)
    return evaluations


def _refuse_questions_about_other_texts(judgments: Sequence[Judgment], index: Index) -> None:
    """Say how many sentences that are to answer stand in no text of the index.

    Raises JudgmentsError where all of them do.
    """
    from retrieval.evaluation import unknown_gold

    documents = filter(None, (index.document(entry.id) for entry in index.documents()))
    unknown = unknown_gold(judgments, [document.text for document in documents])
    if not unknown:
        return
    total = sum(len(judgment.gold) for judgment in judgments)
    id_, sentence = unknown[0]
    if len(unknown) == total:
        raise JudgmentsError(
            f"none of {total} sentences that are to answer stands in the texts of the index, as "
            f"{sentence[:60]!r}; ask an index of the texts that the questions are about, with --index"
        )
    _say(
        f"{len(unknown)} of {total} sentences that are to answer stand in no text of the index, first one of "
        f"question {id_!r}: {sentence[:60]!r}; write it as it stands there, or index the text that holds it"
    )


def _bring_up_to_date_or_serve_on(settings: Settings, embedder: Embedder) -> None:
    """Update the index, unless that fails and there is an old one to serve with."""
    try:
        report = bring_up_to_date(settings, embedder)
        for skipped in report.skipped:
            _say(f"left out: {skipped.path}: {skipped.reason}")
        _say_unanswered(report)
    except VraagbaakError as error:
        if not (settings.index / "CURRENT").is_file():
            raise
        _say(f"the index was not brought up to date, the old one serves on: {error}")


def _say_unanswered(report: BuildReport) -> None:
    for question in report.unanswered:
        _say(f"not answered, so not suggested: {question} (a question of bronnen.toml)")
    for question in report.unclear:
        _say(
            f"not to be understood by itself, so not suggested: {question} (a question of bronnen.toml; "
            "name in it what it is about)"
        )


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


def _refuse_index_of_default_embedder(settings: Settings) -> None:
    """Raise BrokenIndexError where another embedder is asked for than the default, which made the index.

    That is known before the other is loaded: without a network its name on the hub is tried for a minute.
    """
    from retrieval.embedding import known_fingerprint
    from retrieval.generations import check_embedder, current_generation, read_manifest
    from retrieval.settings import DEFAULT_EMBEDDER

    if settings.embedder == DEFAULT_EMBEDDER or not (settings.index / "CURRENT").is_file():
        return
    generation = current_generation(settings.index)
    manifest = read_manifest(generation)
    if manifest.embedder == known_fingerprint(DEFAULT_EMBEDDER, None, None):
        check_embedder(generation, manifest, settings.embedder)


def _corpus_embedder(settings: Settings, opened: Embedder) -> Embedder:
    from retrieval.embedding import BundledEmbedder, SparingEmbedder, open_corpus_embedder

    if not isinstance(opened, BundledEmbedder):
        return opened
    prompts = settings.query_prompt, settings.passage_prompt
    return SparingEmbedder(
        opened, lambda: open_corpus_embedder(settings.embedder, *prompts, lambda: opened.model)
    )


def _open_chatbot(
    settings: Settings, open_embedder: Callable[[], Embedder], ranking: Ranking | None = None
) -> Chatbot:
    from retrieval.chatbot import Chatbot  # noqa: F401 - its imports, beside the loading of the model

    # only now: this may wait for what is done beside the imports
    return _chatbot_opener(settings, open_embedder(), ranking)()


def _chatbot_opener(
    settings: Settings, embedder: Embedder, ranking: Ranking | None = None
) -> Callable[[], Chatbot]:
    """What opens a chatbot over the generation that serves by then, with the models loaded once."""
    from retrieval.chatbot import Chatbot
    from retrieval.fusion import fused
    from retrieval.index import Index
    from retrieval.retriever import Retriever

    judge = _verdict(settings, embedder.fingerprint)
    reranker = _open_reranker(settings)

    def open_chatbot() -> Chatbot:
        index = Index.open(settings.index, embedder.fingerprint)
        retriever = Retriever(index, embedder, ranking or fused, reranker)
        return Chatbot(retriever, judge, settings.contact, settings.outdated == "leave_out")

    return open_chatbot


def _open_reranker(settings: Settings) -> Reranker | None:
    from retrieval.reranking import open_reranker

    return open_reranker(settings.reranker) if settings.reranker else None


def _verdict(settings: Settings, embedder: str) -> Answerability:
    from retrieval.answerability import Answerability

    return Answerability.of_settings(settings.verdict, embedder)


def _tell_of_foreign_verdict(settings: Settings, embedder: str) -> None:
    """Say where no weights are set, and those of the package are of another embedder."""
    from retrieval.answerability import Answerability

    if settings.verdict is None and Answerability.load().embedder != embedder:
        _say(
            "the verdict (answer or not) was calibrated for another model than this one; "
            "run: vraagbaak calibrate QUESTIONS, and set VRAAGBAAK_VERDICT"
        )


def _verdict_to_compare(settings: Settings, embedder: str) -> Answerability:
    """The verdict in use; that of the package where the file that is set is yet to be made, or made again."""
    from retrieval.answerability import Answerability

    try:
        return _verdict(settings, embedder)
    except BrokenVerdictError as error:
        _say(f"compared with the verdict of the package: {error}")
        return Answerability.load()


class _ProgressBar:
    """A bar on stderr, with the time that is left; it appears with what is done after ``delay`` seconds."""

    def __init__(self, what: str = "embedding", unit: str = "text", delay: float = 0) -> None:
        self._what = what
        self._unit = unit
        self._appears = time.monotonic() + delay
        self._bar: Any = None

    def __enter__(self) -> _ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int) -> None:
        if time.monotonic() < self._appears:
            return
        if self._bar is None:
            from tqdm import tqdm  # type: ignore[import-untyped]

            self._bar = tqdm(total=total, desc=self._what, unit=self._unit, file=sys.stderr)
        self._bar.update(done - self._bar.n)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OutputError where it cannot be written."""
    from retrieval.files import replace_text

    try:
        replace_text(path, text)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): make room or give access, or choose "
            "another --output"
        ) from error


def _words(text: str) -> str:
    """Something that is not blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError("found nothing but blanks; expected words, or leave the option out")
    return text.strip()


def _day(text: str) -> str:
    """A day."""
    from retrieval.readers.content import is_date

    if not is_date(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no day; expected one as 2025-05-03")
    return text


def _ranking(name: str) -> str:
    """The name of a ranking."""
    from retrieval.fusion import rankings

    if name not in rankings():
        raise argparse.ArgumentTypeError(f"no ranking {name!r}; expected one of {', '.join(rankings())}")
    return name


def _named(names: Sequence[str]) -> dict[str, Ranking]:
    """The rankings of these names, each once."""
    from retrieval.fusion import rankings

    every = rankings()
    return {name: every[name] for name in names}


def _json_text(content: dict[str, Any] | list[dict[str, Any]]) -> str:
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(content)
    return text


def _print(text: str) -> None:
    """Write ``text`` to stdout at once; in silence where its reader has gone.

    Raises OutputError where it cannot be written.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _leave_stdout()
    except OSError as error:
        _leave_stdout()
        raise OutputError(
            f"stdout cannot be written ({error.strerror}): make room, or send it elsewhere"
        ) from error


def _leave_stdout() -> None:
    # what is left in the buffer would fail once more when Python ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    print(f"vraagbaak: {visible(' '.join(message.splitlines()))}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Prints help and version as everything else is printed."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            _print(message.rstrip("\n"))
        else:
            super()._print_message(message, file)


def _version() -> str:
    try:
        return metadata.version("vraagbaak")
    except metadata.PackageNotFoundError:  # app.py runs where the requirements alone are installed
        return "not installed"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vraagbaak",
        description="Ask a body of Dutch texts a question; see docs/settings.md for settings.",
    )
    parser.add_argument("--version", action="version", version=f"vraagbaak {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    index = commands.add_parser("index", help="build or update the index of a corpus")
    doing = index.add_mutually_exclusive_group()
    doing.add_argument(
        "--watch", action="store_true", help="follow the corpus: update at each change, until Ctrl-C"
    )
    doing.add_argument("--list", action="store_true", help="list the generations that are kept")
    doing.add_argument(
        "--rollback",
        nargs="?",
        const="",
        metavar="NAME",
        help="let an older generation serve again (default: the one before that which serves)",
    )
    index.set_defaults(command=_index)
    check = commands.add_parser("check", help="compare the index with its manifest, and passages with texts")
    check.set_defaults(command=_check)
    ask = commands.add_parser("ask", help="ask one question")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument(
        "--history",
        metavar="Q",
        action="append",
        default=[],
        help="an earlier question; give the oldest first",
    )
    for name, what in (
        ("source", "this document, or the folder of them that ends in /"),
        ("publisher", "this publisher"),
        ("language", "this language, as nl"),
        ("licence", "this licence"),
    ):
        ask.add_argument(
            f"--{name}",
            metavar=name[0].upper(),
            type=_words,
            action="append",
            default=[],
            help=f"ask only sources of {what}; may be given again",
        )
    ask.add_argument(
        "--since", type=_day, metavar="DAY", help="ask only sources published or changed since (2025-05-03)"
    )
    ask.add_argument("--valid-on", type=_day, metavar="DAY", help="ask only sources that hold on that day")
    ask.add_argument("--explain", action="store_true", help="tell why, in Dutch: scores and verdict")
    ask.set_defaults(command=_ask)
    serve = commands.add_parser("serve", help="serve the chat, the HTTP interface and the sources")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 7860)")
    serve.set_defaults(command=_serve)
    evaluate = commands.add_parser(
        "evaluate", help="measure answers on judged questions, or ranking on a BEIR folder"
    )
    evaluate.add_argument("path", type=Path, metavar="PATH")
    evaluate.add_argument(
        "--ranking",
        type=_ranking,
        action="append",
        metavar="NAME",
        help="how candidates are ordered (default: fused); given again, the rankings are compared",
    )
    evaluate.add_argument(
        "--queries", metavar="FILE", help="the questions of a BEIR folder (default: queries.jsonl)"
    )
    evaluate.set_defaults(command=_evaluate)
    calibrate = commands.add_parser(
        "calibrate", help="fit what decides between answer and silence to judged questions of your own"
    )
    calibrate.add_argument("questions", type=Path, nargs="+", metavar="QUESTIONS")
    calibrate.add_argument(
        "--output", type=Path, default=Path("verdict.json"), help="file to write (default: verdict.json)"
    )
    calibrate.set_defaults(command=_calibrate)
    for command in (index, serve):
        command.add_argument("--corpus", type=Path, help="folder with the texts (default: corpus)")
    for command in (index, check, ask, serve, evaluate, calibrate):
        command.add_argument("--index", type=Path, help="folder of the index (default: index)")
    for command in (index, check, ask, evaluate, calibrate):
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
