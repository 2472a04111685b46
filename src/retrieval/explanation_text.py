"""An explanation as lines and tables of text, in Dutch, for the command line.

No line is wider than WIDTH, but for a word or an address that is.
"""

import textwrap
from collections.abc import Iterator, Sequence

from retrieval.explanation import Candidate, Explanation, Judgement, Sentence, number
from retrieval.sentences import KIND_WEIGHT, KNOWN_WEIGHT, MEANING_WEIGHT, WORDS_WEIGHT

WIDTH = 100
LABEL, CELL = 40, 8
"""Characters of the first column, as the longest name needs, and of the others: seven fit beside it."""


def explanation_text(explanation: Explanation) -> str:
    """All of the explanation, its parts under headings; what has no content is left out."""
    parts = [
        ("Waarom", [explanation.decision, *_search(explanation)]),
        ("Gevonden passages", _places(explanation.candidates)),
        ("Rangorde: punten = waarde × gewicht", _ranking(explanation)),
        *((f"Oordeel: {one.label}", _judgement(one)) for one in explanation.judgements),
        ("Citaat: de zinnen van passage 1", _sentences(explanation.sentences)),
    ]
    told = [(heading, [_wrapped(line) for line in lines]) for heading, lines in parts]
    return "\n\n".join("\n".join((heading, "-" * len(heading), *lines)) for heading, lines in told if lines)


def _search(explanation: Explanation) -> Iterator[str]:
    if explanation.searched is None:
        return
    joined = " (aangevuld met wat eerder gevraagd is)" if explanation.joined else ""
    yield f"Gezocht is{joined}: {' '.join(explanation.searched.split())}"
    for one in explanation.corrections:
        yield f"Vervangen: {one.typed} → {one.searched}"


def _places(candidates: Sequence[Candidate]) -> Iterator[str]:
    for candidate in candidates:
        citation = candidate.citation
        quoted = " (geciteerd)" if citation.highlights else ""
        yield f"{citation.number}. {citation.place}{quoted}"
        yield f"   {candidate.first_words}"
        yield f"   teken {citation.span.start} tot {citation.span.end}: {citation.source_url}"


def _ranking(explanation: Explanation) -> Iterator[str]:
    candidates = [one for one in explanation.candidates if one.parts]
    if not candidates:
        return
    numbers = [f"nr {candidate.citation.number}" for candidate in candidates]
    yield _row("waarde", ["gewicht", *numbers])
    for parts in zip(*(candidate.parts for candidate in candidates), strict=True):
        values = [number(part.value) for part in parts]
        yield _row(parts[0].label, [number(parts[0].weight), *values])
    yield ""
    ahead = [number(one.points) for one in explanation.ahead]
    yield _row("punten", ["", *numbers, *(["nr 1−2"] if ahead else [])])
    rows = zip(*(candidate.parts for candidate in candidates), strict=True)
    for place, parts in enumerate(rows):
        yield _row(parts[0].label, ["", *(number(part.points) for part in parts), *ahead[place : place + 1]])
    total = [number(candidate.points) for candidate in candidates]
    in_all = [number(sum(one.points for one in explanation.ahead))] if ahead else []
    yield _row("samen", ["", *total, *in_all])


def _judgement(judgement: Judgement) -> Iterator[str]:
    yield _row("", ["waarde", "gewicht", "punten"])
    for feature in judgement.features:
        yield _row(feature.label, [number(one) for one in (feature.value, feature.weight, feature.points)])
    yield _row("waarmee begonnen wordt", ["", "", number(judgement.intercept)])
    points = judgement.intercept + sum(feature.points for feature in judgement.features)
    yield _row("samen", ["", "", number(points)])
    chance, bar = number(judgement.probability, 3), number(judgement.yes_from, 3)
    yield f"Dat is een kans van {chance}; ja vanaf {bar}: {'ja' if judgement.yes else 'nee'}."
    if not judgement.counts:
        yield "Dit oordeel telde niet meer: het vorige was al nee."


def _sentences(sentences: Sequence[Sentence]) -> Iterator[str]:
    if not sentences:
        return
    weights = WORDS_WEIGHT, KNOWN_WEIGHT, KIND_WEIGHT, MEANING_WEIGHT
    words, known, kind, meaning = map(number, weights)
    yield f"score = nabij + {words} × woorden + {known} × bekend"
    yield f"   − {kind} als het gevraagde soort antwoord ontbreekt"
    yield f"   + {meaning} als er staat wat het gevraagde is"
    yield _row("", ["nabij", "woorden", "bekend", "score"])
    best = max(range(len(sentences)), key=lambda place: sentences[place].score)
    for place, sentence in enumerate(sentences):
        start = textwrap.shorten(sentence.text, LABEL - 2, placeholder=" …")
        numbers = [
            number(one, 3) for one in (sentence.nearness, sentence.words, sentence.known, sentence.score)
        ]
        # of a long list whose introduction scores best an item is quoted
        rank = ["beste"] if place == best else ["hoort erbij"] if sentences[best].quoted else []
        notes = [*rank, "geciteerd"] if sentence.quoted else rank if place == best else []
        notes += ["zegt wat het is"] if sentence.meaning else []
        notes += [f"mist: {kind}" for kind in sentence.missing]
        yield _row(f"{'*' if sentence.quoted else ' '} {start}", numbers) + "  " + ", ".join(notes)


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{LABEL}}" + "".join(f"{cell:>{CELL}}" for cell in cells)


def _wrapped(line: str) -> str:
    if len(line) <= WIDTH:
        return line.rstrip()
    return textwrap.fill(line, WIDTH, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
