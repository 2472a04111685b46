"""What the command line prints of an index, a reply and a measurement: lines and tables, or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.building import BuildReport
    from retrieval.checking import Check
    from retrieval.evaluation import Evaluation, Measure
    from retrieval.explanation import Explanation
    from retrieval.generations import KeptGeneration
    from retrieval.records import Abstention, Answer, Reply

MOST_NAMED = 10
"""Documents of one kind of change that the report names; its JSON names all."""


def report_json(report: BuildReport) -> dict[str, Any]:
    """What a build did, ready for ``json.dumps``."""
    changes = report.changes
    return {
        **{
            name: getattr(report, name)
            for name in ("documents", "passages", "embedded", "reused", "removed", "seconds")
        },
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
        "unchanged": report.unchanged,
        "new": list(changes.new),
        "changed": list(changes.changed),
        "renamed": [{"from": before, "to": after} for before, after in changes.renamed],
        "gone": list(changes.gone),
    }


def report_table(report: BuildReport) -> str:
    """Counts, one a line; below them what was left out and why, and the names of what changed, if few."""
    changes = report.changes
    counts = {
        "documents": report.documents,
        "unchanged": report.unchanged,
        "new": len(changes.new),
        "changed": len(changes.changed),
        "renamed": len(changes.renamed),
        "removed": report.removed,
        "left out": len(report.skipped),
        "passages": report.passages,
        "embedded": report.embedded,
        "reused": report.reused,
    }
    lines = [f"{name:<10} {count:>8}" for name, count in counts.items()]
    lines.append(f"{'seconds':<10} {report.seconds:>8.1f}")
    renamed = [f"{before} to {after}" for before, after in changes.renamed]
    for what, names in (("changed", changes.changed), ("renamed", renamed), ("removed", changes.gone)):
        lines += [f"{what}: {name}" for name in names[:MOST_NAMED]]
        if len(names) > MOST_NAMED:
            lines.append(f"{what}: and {len(names) - MOST_NAMED} more")
    lines += [f"left out: {skipped.path}: {skipped.reason}" for skipped in report.skipped]
    return "\n".join(map(visible, lines))


def generation_json(kept: KeptGeneration) -> dict[str, Any]:
    """What is known of a generation, ready for ``json.dumps``."""
    return {
        "name": kept.name,
        "made": kept.made.isoformat(timespec="seconds"),
        "documents": kept.documents,
        "passages": kept.passages,
        "bytes": kept.size,
        "serves": kept.serves,
        "problem": kept.problem,
    }


def generations_table(kept: Sequence[KeptGeneration]) -> str:
    """A line for each generation, the newest first; below them what is wrong with which."""
    head = f"  {'name':<31} {'made (UTC)':<19} {'documents':>9} {'passages':>9} {'MB':>8}"
    rows = [
        f"{'*' if one.serves else ' '} {one.name:<31} {one.made:%Y-%m-%d %H:%M:%S} {one.documents:>9} "
        f"{one.passages:>9} {one.size / 1e6:>8.1f}"
        for one in kept
    ]
    problems = [f"cannot serve: {one.name}: {one.problem}" for one in kept if one.problem]
    return "\n".join((head, *rows, "* serves", *problems))


def check_json(check: Check) -> dict[str, Any]:
    """What a check found, ready for ``json.dumps``."""
    return {
        "generation": check.generation,
        "files": check.files,
        "bytes": check.size,
        "documents": check.documents,
        "passages": check.passages,
        "problems": list(check.problems),
        "advice": check.advice,
        "notes": list(check.notes),
    }


def check_table(check: Check) -> str:
    """The same as lines; last what to do."""
    told = check_json(check)
    lines = [f"{name:<10} {told[name]}" for name in ("generation", "files", "bytes", "documents", "passages")]
    notes = [f"note: {' '.join(note.splitlines())}" for note in check.notes]
    problems = [f"wrong: {' '.join(problem.splitlines())}" for problem in check.problems]
    verdict = f"to do: {check.advice}" if problems else "all as it was made"
    return "\n".join(map(visible, [*lines, *notes, *problems, verdict]))


def readable_reply(reply: Reply) -> str:
    """A reply as text: quotes or passages with where they stand, then what can be asked."""
    from retrieval.records import SmallTalk

    if isinstance(reply, SmallTalk):
        return reply.text
    text = _with_places(reply)
    if not reply.suggestions:
        return text
    return text + "\n\nU kunt bijvoorbeeld vragen:\n" + "\n".join(f"- {one}" for one in reply.suggestions)


def _with_places(reply: Answer | Abstention) -> str:
    """The reply's text; below each source the file, where in it the words stand, and what is known of it."""
    from retrieval.provenance_text import origin
    from retrieval.records import Answer

    shown = (
        [(quote.text, quote.span, reply.citations[quote.citation - 1]) for quote in reply.quotes]
        if isinstance(reply, Answer)
        else [(citation.text, citation.span, citation) for citation in reply.citations]
    )
    text, end = reply.text, 0
    for words, span, citation in shown:
        above = f"“{words}”\nBron: "
        start = text.index(above, end) + len(above)
        line_end = text.find("\n", start)
        end = line_end if line_end >= 0 else len(text)
        name = " ".join(citation.document_id.splitlines())  # names of files may hold line ends
        address = f" ({citation.url})" if citation.url else ""
        told = " ".join(", ".join(origin(citation.provenance)).split())
        place = f"\n  {name}, teken {span.start} tot {span.end}{address}" + (f"\n  {told}" if told else "")
        if others := citation.other_places:
            named = ", ".join(" ".join(other.document_id.splitlines()) for other in others)
            rest = citation.other_place_count - len(others)
            place += f"\n  ook in: {named}" + (f" en {rest} andere" if rest else "")
        text = text[:end] + place + text[end:]
        end += len(place)
    return text


def explained(explanation: Explanation) -> str:
    """Why a reply is what it is, as text."""
    from retrieval.explanation_text import explanation_text

    return explanation_text(explanation)


def measures_table(evaluation: Evaluation) -> str:
    """A Markdown table: a line for each measure, with its interval and its value by kind."""
    rows = [
        [name, f"{measure.value:.3f}", _interval(measure), *_by_kind(evaluation, name)]
        for name, measure in evaluation.measures.items()
    ]
    return _titled_table(evaluation, ["measure", "all", "95 % interval", *evaluation.kinds], rows)


def comparison_table(evaluations: Mapping[str, Evaluation]) -> str:
    """The same with a line for each measure and ranking, and how much it is above the first ranking."""
    from retrieval.evaluation import differences

    named = list(evaluations)
    first = evaluations[named[0]]
    above = {name: differences(evaluations[name], first) for name in named[1:]}
    rows = [
        [measure, name, f"{evaluation.measures[measure].value:.3f}", _interval(evaluation.measures[measure])]
        + (_difference(above[name][measure]) if name in above else ["", ""])
        + _by_kind(evaluation, measure)
        for measure in first.measures
        for name, evaluation in evaluations.items()
    ]
    head = ["measure", "ranking", "all", "95 % interval", f"less {named[0]}", "95 % interval", *first.kinds]
    return _titled_table(first, head, rows)


def _titled_table(evaluation: Evaluation, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return f"{evaluation.set}: {evaluation.questions} questions\n\n" + "\n".join(
        "| " + " | ".join(cells) + " |" for cells in lines
    )


def _interval(measure: Measure) -> str:
    return f"{measure.low:.3f} - {measure.high:.3f}"


def _difference(measure: Measure) -> list[str]:
    return [f"{measure.value:+.3f}", f"{measure.low:+.3f} to {measure.high:+.3f}"]


def _by_kind(evaluation: Evaluation, measure: str) -> list[str]:
    return [f"{values[measure]:.3f}" if measure in values else "" for values in evaluation.kinds.values()]


def calibration_table(calibrated: Mapping[str, Measure], in_use: Mapping[str, Measure]) -> str:
    """A Markdown table: what the new weights reach on questions not fitted on, and those in use."""
    head = ["measure", "calibrated", "95 % interval", "in use", "95 % interval"]
    rows = [
        [name.replace("_", " ")]
        + [cell for one in (new, in_use[name]) for cell in (f"{one.value:.3f}", _interval(one))]
        for name, new in calibrated.items()
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


def visible(line: str) -> str:
    """A line with what is not printed escaped: a name of a file may hold what moves a terminal's cursor."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line
    )
