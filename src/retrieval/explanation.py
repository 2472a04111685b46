"""Why a question got the reply it got, in plain Dutch for the editors of the sources.

Nothing is decided here: what the reply was made from is taken apart and told.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from retrieval.answerability import (
    Answerability,
    Features,
    Regression,
    Verdict,
    missing_kinds,
)
from retrieval.conversation import SmallTalkKind
from retrieval.expectations import expectations_of
from retrieval.records import Citation, Hit, Query, Span
from retrieval.retriever import Search
from retrieval.sentences import sentence_scores
from retrieval.synonyms import replaced_words

MOST_FIRST_CHARACTERS = 80
"""Of a passage, to recognise it by: less than a line of the command line."""

PART_NAMES: Mapping[str, str] = {
    "passage": "passage lijkt op de vraag",
    "sentence": "beste zin lijkt op de vraag",
    "context": "tekst eromheen lijkt op de vraag",
    "words": "woorden van de vraag in de passage",
    "letters": "stukjes van die woorden in de passage",
    "document": "woorden van de vraag in het document",
}
"""The parts of a passage's score (retriever.Search), as an editor reads them."""

FEATURE_NAMES: Mapping[str, str] = {
    "sentence": "beste zin lijkt op de vraag",
    "letters": "stukjes van woorden in de passage",
    "length": "lengte van de vraag",
    "words": "woorden van de vraag in de passage",
    "unmet": "soort antwoord ontbreekt in de beste zin",
}
"""What the verdict looks at (answerability.Features), as an editor reads it."""

JUDGEMENT_NAMES: Mapping[str, str] = {
    "subject": "Gaat de passage over het onderwerp van de vraag?",
    "answer": "Staat het antwoord in de passage?",
}

KIND_WORDS: Mapping[str, str] = {
    "telefoonnummer of adres op internet": "om een telefoonnummer of internetadres",
    "bedrag": "om een bedrag",
    "jaar": "om een jaartal",
    "aantal": "om een aantal",
    "hoe vaak": "hoe vaak iets gebeurt",
    "maat": "om een maat",
    "duur": "hoe lang iets duurt",
    "tijdstip": "om een tijdstip",
    "moment": "wanneer iets gebeurt",
    "plaats": "om een plaats",
    "land": "om een land",
    "wet": "om een wet of regel",
    "reden": "om een reden",
    "wie de leiding heeft": "wie de leiding heeft",
    "wat u moet doen": "wat u moet doen",
    "hoe u zich aanmeldt": "hoe u zich aanmeldt",
    "opsomming": "om een opsomming",
}
"""The kinds of answer of expectations.py, as they follow "De vraag vraagt"."""

SMALL_TALK_NAMES: Mapping[SmallTalkKind, str] = {
    SmallTalkKind.GREETING: "een begroeting",
    SmallTalkKind.WELLBEING: "vragen hoe het gaat",
    SmallTalkKind.THANKS: "een bedankje",
    SmallTalkKind.GOODBYE: "een afscheid",
    SmallTalkKind.ASSENT: "een instemming",
    SmallTalkKind.ABILITIES: "een vraag naar wat Vraagbaak kan",
    SmallTalkKind.IDENTITY: "een vraag naar wie Vraagbaak is",
}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a reply was made from: the query before misspelt words were corrected, and all that followed.

    ``features`` are those of the first hit; none where there is no hit.
    """

    query: Query
    search: Search
    features: Sequence[Features]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Correction:
    """Words of the question that were searched as other words."""

    typed: str
    searched: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """A value, its weight, and by its name what it is; ``label`` is that name in Dutch."""

    name: str
    label: str
    value: float
    weight: float

    @property
    def points(self) -> float:
        """What it adds."""
        return self.value * self.weight


@dataclass(frozen=True, slots=True)
class Ahead:
    """How many points a part gives the first candidate more than the second; below 0 it gives less."""

    name: str
    label: str
    points: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found, and the parts of its score as the ranking weighs them.

    No parts where the ranking is not a weighted sum of them.
    """

    citation: Citation
    parts: tuple[Contribution, ...]

    @property
    def points(self) -> float:
        """The sum by which candidates are ordered."""
        return sum(part.points for part in self.parts)

    @property
    def first_words(self) -> str:
        """The start of the passage, whole words, on one line."""
        text = " ".join(self.citation.text.split())
        if len(text) <= MOST_FIRST_CHARACTERS:
            return text
        start = text[:MOST_FIRST_CHARACTERS]
        return (start.rpartition(" ")[0] or start) + " …"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One of the two yes-or-no judgements of the first candidate.

    ``counts`` is false where it made no difference any more: the judgement before it was no.
    """

    name: str
    label: str
    features: tuple[Contribution, ...]
    intercept: float
    probability: float
    yes_from: float
    counts: bool

    @property
    def yes(self) -> bool:
        """Whether the probability is high enough."""
        return self.probability >= self.yes_from


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the passage that is quoted first; ``score`` is what it was chosen or passed over by."""

    text: str
    span: Span
    nearness: float
    words: float
    known: float
    missing: tuple[str, ...]
    meaning: bool
    score: float
    quoted: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a question got its reply; ``decision`` says it in a sentence or two.

    ``outcome`` is a Verdict's value or "smalltalk"; then nothing was searched, ``searched`` is None and
    the rest is empty. ``joined`` tells that earlier questions are part of what was searched.
    ``sentences`` are there where something is quoted.
    """

    outcome: str
    decision: str
    searched: str | None = None
    joined: bool = False
    corrections: tuple[Correction, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    sentences: tuple[Sentence, ...] = ()

    @property
    def ahead(self) -> tuple[Ahead, ...]:
        """By what the first candidate stands before the second, if there is one."""
        if len(self.candidates) < 2:
            return ()
        first, second = self.candidates[:2]
        return tuple(
            Ahead(own.name, own.label, own.points - other.points)
            for own, other in zip(first.parts, second.parts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Explainer:
    """Tells replies of one chatbot: what judges, the weights of its ranking, and how rare a term is."""

    judge: Answerability
    weights: Mapping[str, float]
    rarity: Callable[[str], float]

    def explain(self, grounds: Grounds, citations: Sequence[Citation]) -> Explanation:
        """The explanation of a reply; ``citations`` are those of all hits, highlighted where quoted."""
        query, hits = grounds.search.query, grounds.search.hits
        answered = grounds.verdict is Verdict.ANSWERED
        return Explanation(
            outcome=grounds.verdict.value,
            decision=self._decision(grounds),
            searched=query.text,
            joined=query.leans_back,
            corrections=tuple(Correction(*pair) for pair in replaced_words(grounds.query.text, query.text)),
            candidates=tuple(
                Candidate(citation, _contributions(hit.parts, self.weights, PART_NAMES))
                for hit, citation in zip(hits, citations, strict=True)
            ),
            judgements=self._judgements(grounds.features[0]) if grounds.features else (),
            sentences=tuple(self._sentences(query, hits[0], citations[0])) if answered else (),
        )

    def _judgements(self, features: Features) -> tuple[Judgement, ...]:
        subject = _judgement("subject", self.judge.subject, features, counts=True)
        return subject, _judgement("answer", self.judge.answer, features, counts=subject.yes)

    def _sentences(self, query: Query, hit: Hit, citation: Citation) -> Iterator[Sentence]:
        passage = hit.passage
        quoted = [place.shifted(citation.span.start) for place in citation.highlights]
        for number, score in enumerate(sentence_scores(hit, query, self.rarity)):
            span = passage.sentences[number]
            yield Sentence(
                passage.sentence_text(number),
                span,
                score.nearness,
                score.words,
                score.known,
                score.missing,
                score.meaning,
                score.total,
                any(place.start <= span.start and span.end <= place.end for place in quoted),
            )

    def _decision(self, grounds: Grounds) -> str:
        if not grounds.search.hits:
            return "Er is geen enkele passage gevonden."
        query, hit, features = grounds.search.query, grounds.search.hits[0], grounds.features[0]
        match grounds.verdict:
            case Verdict.UNRELATED:
                return _too_far(self.judge.subject, features)
            case Verdict.RELATED:
                missing = missing_kinds(query, hit, self.rarity)
                return _not_answered(self.judge.answer, features, missing)
            case Verdict.ANSWERED:
                return _answered(self.judge, features, query)


def explain_small_talk(kind: SmallTalkKind) -> Explanation:
    """The explanation of a reply to small talk."""
    return Explanation(
        "smalltalk", f"Als praatje herkend ({SMALL_TALK_NAMES[kind]}): er is niet in de bronnen gezocht."
    )


def value_needed(regression: Regression, features: Features, name: str) -> float:
    """From which value of one feature the regression says yes, the others left as they are.

    Infinite where more of that feature never makes it a yes.
    """
    weight = regression.weights.get(name, 0.0)
    if weight <= 0 or not 0 < regression.yes_from < 1:
        return math.inf
    total = regression.intercept + sum(regression.contributions(features).values())
    bar = math.log(regression.yes_from / (1 - regression.yes_from))
    value: float = getattr(features, name)
    return value + (bar - total) / weight


def number(value: float, decimals: int = 2) -> str:
    """A number as Dutch readers write it: with a comma, and no minus before a zero."""
    return f"{value:z.{decimals}f}".replace(".", ",")


def _contributions(
    values: Mapping[str, float], weights: Mapping[str, float], names: Mapping[str, str]
) -> tuple[Contribution, ...]:
    return tuple(Contribution(name, names[name], values[name], weight) for name, weight in weights.items())


def _judgement(name: str, regression: Regression, features: Features, *, counts: bool) -> Judgement:
    values = {feature: getattr(features, feature) for feature in regression.weights}
    return Judgement(
        name,
        JUDGEMENT_NAMES[name],
        _contributions(values, regression.weights, FEATURE_NAMES),
        regression.intercept,
        regression.probability(features),
        regression.yes_from,
        counts,
    )


def _too_far(subject: Regression, features: Features) -> str:
    needed = value_needed(subject, features, "sentence")
    if needed == math.inf:
        return "De passage die het beste past, gaat niet over het onderwerp van de vraag."
    return (
        "Geen zin ligt dicht genoeg bij de vraag: de beste zin haalt "
        f"{number(features.sentence)}, en {number(needed)} was nodig."
    )


def _not_answered(answer: Regression, features: Features, missing: Sequence[str]) -> str:
    lacking = _kinds_sentence(missing, "niet in de zin die er het beste bij past") if missing else ""
    if lacking and answer.says_yes(replace(features, unmet=0.0)):
        return lacking
    needed = value_needed(answer, features, "words")
    # "1 %, en 1 % was nodig" explains nothing
    decimals = 1 if _percent(features.words) == _percent(needed) else 0
    few = f"Van de woorden van de vraag staat te weinig in deze passage: {_percent(features.words, decimals)}"
    few += f", en {_percent(needed, decimals)} was nodig." if needed <= 1 else "."
    return f"{few} {lacking}".rstrip()


def _answered(judge: Answerability, features: Features, query: Query) -> str:
    told = ["Beide oordelen zijn ja: de passage gaat over het onderwerp, en het antwoord staat erin."]
    expected = [one.name for one in expectations_of(query.own)]
    if expected and not features.unmet:
        told.append(_kinds_sentence(expected, "in de zin die er het beste bij past"))
    indispensable = dict.fromkeys(
        FEATURE_NAMES[name]
        for regression in (judge.subject, judge.answer)
        for name, points in regression.contributions(features).items()
        if name != "length" and points > 0 and not regression.says_yes(replace(features, **{name: 0.0}))
    )
    decisive = ", ".join(indispensable) or "niets alleen; ook zonder een van de onderdelen was het ja"
    return " ".join((*told, f"Wat de doorslag gaf: {decisive}."))


def _kinds_sentence(kinds: Sequence[str], where: str) -> str:
    return f"De vraag vraagt {' en '.join(KIND_WORDS[kind] for kind in kinds)}, en dat staat {where}."


def _percent(share: float, decimals: int = 0) -> str:
    return f"{number(100 * share, decimals)} %"
