"""The bodies of requests and responses of the HTTP interface, as pydantic and the OpenAPI document know them.

Requests are taken strictly: nothing is coerced, and unknown fields are refused.
"""

import re
from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict, JsonValue
from pydantic.json_schema import SkipJsonSchema

from retrieval.questions import (
    MOST_CHARACTERS,
    MOST_EARLIER,
    earlier_question_problem,
    is_text,
    question_problem,
)
from retrieval.readers.content import is_date
from retrieval.records import SourceFilter

FieldError = dict[str, str]
"""What is wrong with one field: its name as ``field``, and ``detail`` in Dutch."""


ANSWER_ID = "[A-Za-z0-9_-]{1,64}"
"""The form of an answer's id."""

MOST_CHOICES, MOST_OF_CHOICE = 20, 300
"""Choices of one field of a filter, and characters of each."""

MOST_OF_REASON = 100
MOST_OF_COMMENT = 1_000
"""Characters of a reason and of a comment, after trimming."""

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
ANY_TEXT = f"^[^{_CONTROLS}]*$"
"""What ``is_text`` takes, as a pattern of JSON Schema, which knows no half surrogate pairs."""

SOME_TEXT = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
"""The same, with something in it that is not blank."""

_CHOICES: JsonDict = {
    "maxItems": MOST_CHOICES,
    "items": {"type": "string", "minLength": 1, "maxLength": MOST_OF_CHOICE, "pattern": SOME_TEXT},
}

_NO_ID = "Het veld 'answer_id' moet de id van een antwoord zijn: 1 tot 64 letters, cijfers, - of _."


def _text_problem(field: str, text: str, least: int, most: int) -> str | None:
    """What is wrong with a text after trimming, in Dutch; None where nothing is."""
    length = len(text.strip())
    if not least <= length <= most:
        return f"Het veld {field!r} is {length} tekens lang; het moeten er {least} tot {most} zijn."
    if not is_text(text):
        return f"Het veld {field!r} bevat tekens die geen tekst zijn."
    return None


def _when_given(**limits: JsonValue) -> Callable[[JsonDict], None]:
    """The limits of a field that may be left out, and has no default to send."""

    def change(schema: JsonDict) -> None:
        _without_default(schema)
        schema.update(limits)

    return change


def _without_default(schema: JsonDict) -> None:
    """Leave out the default of a field that is left out itself."""
    del schema["default"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RequestBody(_Strict):
    """What is sent: besides its types, it has limits that are told in words."""

    @abstractmethod
    def limits_passed(self) -> list[FieldError]:
        """What is too long, too short or no text, by field; empty where all is well."""


class FilterBody(_Strict):
    """Welke bronnen mogen antwoorden: een bron voldoet als ze bij elk veld hoort dat u meestuurt."""

    sources: list[str] = Field(
        default_factory=list,
        description="Bronnen (hun `document_id`), of mappen ervan, die eindigen op een schuine streep.",
        json_schema_extra=_CHOICES,
        examples=[["reisdocumenten/"]],
    )
    publishers: list[str] = Field(
        default_factory=list, description="Wie de bron uitgaf.", json_schema_extra=_CHOICES
    )
    languages: list[str] = Field(
        default_factory=list,
        description="De taal, zoals nl; een bron waarvan die niet bekend is, is Nederlands.",
        json_schema_extra=_CHOICES,
    )
    licences: list[str] = Field(default_factory=list, description="De licentie.", json_schema_extra=_CHOICES)
    since: str = Field(
        default="",
        description="De dag vanaf wanneer de bron verscheen of is bijgewerkt, zoals 2025-05-03.",
        json_schema_extra=_when_given(format="date"),
    )
    valid_on: str = Field(
        default="",
        description="De dag waarop de bron geldt, zoals 2025-05-03.",
        json_schema_extra=_when_given(format="date"),
    )

    def limits_passed(self) -> list[FieldError]:
        """The lists that are too long, and the texts and days that are none."""
        problems = []
        for field in ("sources", "publishers", "languages", "licences"):
            choices: list[str] = getattr(self, field)
            name = f"filter.{field}"
            if len(choices) > MOST_CHOICES:
                detail = f"Het veld {name!r} heeft {len(choices)} keuzes; het mogen er {MOST_CHOICES} zijn."
                problems.append({"field": name, "detail": detail})
            for choice in choices[:MOST_CHOICES]:
                if (problem := _text_problem(name, choice, 1, MOST_OF_CHOICE)) is not None:
                    problems.append({"field": name, "detail": problem})
        for field in ("since", "valid_on"):
            if field in self.model_fields_set and not is_date(getattr(self, field)):
                detail = f"Het veld 'filter.{field}' moet een dag zijn, zoals 2025-05-03."
                problems.append({"field": f"filter.{field}", "detail": detail})
        return problems

    def source_filter(self) -> SourceFilter:
        """The same as a record."""
        return SourceFilter(
            tuple(choice.strip() for choice in self.sources),
            tuple(choice.strip() for choice in self.publishers),
            tuple(choice.strip() for choice in self.languages),
            tuple(choice.strip() for choice in self.licences),
            self.since or None,
            self.valid_on or None,
        )


class AnswerRequest(RequestBody):
    """Een vraag, met de vragen ervoor."""

    question: str = Field(
        description="De vraag, in gewone taal.",
        json_schema_extra={"minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": SOME_TEXT},
        examples=["wie krijgt informatie van de AIVD?"],
    )
    history: list[str] = Field(
        default_factory=list,
        description="Eerdere vragen, de oudste eerst.",
        json_schema_extra={
            "maxItems": MOST_EARLIER,
            "items": {"type": "string", "maxLength": MOST_CHARACTERS, "pattern": ANY_TEXT},
        },
    )

    explain: bool = Field(default=False, description="Of er ook uitleg bij het antwoord moet.")
    filter: FilterBody = Field(default_factory=FilterBody, description="Welke bronnen mogen antwoorden.")

    def limits_passed(self) -> list[FieldError]:
        """The question and the earlier ones that are none."""
        problems = []
        if (problem := question_problem(self.question)) is not None:
            problems.append({"field": "question", "detail": problem})
        if len(self.history) > MOST_EARLIER:
            detail = f"Stuur hooguit {MOST_EARLIER} eerdere vragen mee; dit zijn er {len(self.history)}."
            problems.append({"field": "history", "detail": detail})
        for number, earlier in enumerate(self.history[:MOST_EARLIER]):
            if (problem := earlier_question_problem(earlier)) is not None:
                problems.append({"field": f"history.{number}", "detail": problem})
        return problems + self.filter.limits_passed()


class FeedbackRequest(RequestBody):
    """Of een antwoord hielp, en waarom."""

    question: str = Field(
        description="De vraag, zoals die gesteld is.",
        json_schema_extra={"minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": SOME_TEXT},
        examples=["wie krijgt informatie van de AIVD?"],
    )
    answer_id: str = Field(
        description="De `id` van het antwoord.",
        json_schema_extra={"pattern": f"^{ANSWER_ID}$"},
        examples=["61e26858c0bb2028"],
    )
    helpful: bool = Field(description="Of het antwoord hielp.", examples=[False])
    reason: str = Field(
        default="",
        description="De reden, in een paar woorden.",
        json_schema_extra=_when_given(minLength=1, maxLength=MOST_OF_REASON, pattern=SOME_TEXT),
        examples=["te oud"],
    )
    comment: str = Field(
        default="",
        description="Een toelichting.",
        json_schema_extra=_when_given(maxLength=MOST_OF_COMMENT, pattern=ANY_TEXT),
        examples=["Het adres is sinds mei anders."],
    )

    def limits_passed(self) -> list[FieldError]:
        """The fields that are no question, no id, or no text of the right length."""
        reason = self.reason if "reason" in self.model_fields_set else None
        problems = {
            "question": question_problem(self.question),
            "answer_id": None if re.fullmatch(ANSWER_ID, self.answer_id) else _NO_ID,
            "reason": None if reason is None else _text_problem("reason", reason, 1, MOST_OF_REASON),
            "comment": _text_problem("comment", self.comment, 0, MOST_OF_COMMENT),
        }
        return [{"field": field, "detail": detail} for field, detail in problems.items() if detail]


class FeedbackBody(_Strict):
    """Het bewijs dat de beoordeling bewaard is."""

    id: str = Field(description="Van deze beoordeling.", examples=["l4mDpSbNlWk2qVtE"])


class LeadBody(_Strict):
    """De aanloop van een lijst, of de kop van een tabel, letterlijk uit een bron."""

    text: str = Field(description="De tekst, letterlijk.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")


class QuoteBody(_Strict):
    """Letterlijk uit een bron: een of twee zinnen, of een hele lijst of tabel van hoogstens 500 tekens.

    Ook een punt van een lijst of een regel van een tabel is zo'n zin.
    """

    text: str = Field(description="De tekst, letterlijk.")
    citation: int = Field(description="Het nummer van de vindplaats.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")
    lead: LeadBody | None = Field(
        description="Wat u erbij moet lezen als het een regel uit een lijst of tabel is; het kan hoger staan."
    )


class OtherPlaceBody(_Strict):
    """Een andere plek waar hetzelfde staat, letterlijk of bijna."""

    document_id: str = Field(description="Het pad van het document in de map met bronnen.")
    title: str = Field(description="De titel van het document.")
    headings: list[str] = Field(description="De koppen erboven, de hoogste eerst.")
    url: str | None = Field(description="Het adres van de oorspronkelijke bron.")
    source_url: str = Field(description="De bron op deze server, met de plek gemarkeerd.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")


class CitationBody(_Strict):
    """Een passage, met de plek waar die staat."""

    number: int = Field(description="Het volgnummer, vanaf 1.")
    document_id: str = Field(description="Het pad van het document in de map met bronnen.")
    title: str = Field(description="De titel van het document.")
    headings: list[str] = Field(description="De koppen erboven, de hoogste eerst.")
    page: int | None = Field(
        ge=1, description="De pagina waarop het citaat begint, of de passage; alleen bij een pdf."
    )
    date: str | None = Field(description="De datum van de bron, zoals 2024-03-09.")
    modified: str | None = Field(description="De datum waarop de bron het laatst is bijgewerkt.")
    valid_from: str | None = Field(description="De eerste dag waarop de bron geldt.")
    valid_until: str | None = Field(description="De laatste dag waarop de bron geldt.")
    version: str | None = Field(description="De versie van de bron, zoals de bron die noemt.")
    publisher: str | None = Field(description="Wie de bron uitgaf.")
    licence: str | None = Field(description="De licentie van de bron.")
    language: str | None = Field(description="De taal van de bron, zoals nl.")
    outdated: bool = Field(description="Of de bron vandaag niet meer geldt, of nog niet.")
    identifier: str | None = Field(
        description="Het kenmerk van het wetsartikel (Juriconnect), als de bron dat noemt."
    )
    url: str | None = Field(description="Het adres van de oorspronkelijke bron.")
    original_url: str | None = Field(
        description="Dat adres met een tekstfragment: naar het citaat, of het begin van de passage. "
        "Bij een pdf met de pagina."
    )
    source_url: str = Field(description="De bron op deze server, met de plek gemarkeerd.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")
    text: str = Field(description="De tekst, letterlijk.")
    sha256: str = Field(description="Van de tekst van het document, in UTF-8.")
    highlights: list[tuple[int, int]] = Field(description="Plekken in `text` die geciteerd worden.")
    score: float = Field(
        ge=0, le=1, description="Ordent de vindplaatsen van één antwoord; zegt verder niets."
    )
    other_places: list[OtherPlaceBody] = Field(
        max_length=10, description="Andere plekken waar hetzelfde staat; hooguit de eerste tien."
    )
    other_place_count: int = Field(ge=0, description="Hoeveel andere plekken er in totaal zijn.")


class ContactBody(_Strict):
    """Waar een vraag naartoe kan die de bronnen niet beantwoorden."""

    text: str = Field(description="De tekst, letterlijk.")
    url: str | None = Field(description="Een adres om naartoe te gaan.")


class CorrectionBody(_Strict):
    """Woorden van de vraag die als andere woorden gezocht zijn."""

    typed: str = Field(description="Wat er stond.")
    searched: str = Field(description="Wat er gezocht is.")


class ContributionBody(_Strict):
    """Een waarde met haar gewicht, en wat ze samen bijdragen."""

    name: str = Field(description="Het onderdeel.")
    label: str = Field(description="De naam in het Nederlands.")
    value: float = Field(description="De waarde.")
    weight: float = Field(description="Het gewicht van die waarde.")
    points: float = Field(description="Waarde maal gewicht.")


class AheadBody(_Strict):
    """Hoeveel punten de eerste kandidaat op één onderdeel voorligt op de tweede."""

    name: str = Field(description="Het onderdeel.")
    label: str = Field(description="De naam in het Nederlands.")
    points: float = Field(description="Het verschil in punten.")


class CandidateBody(_Strict):
    """Een passage die gevonden is, met de onderdelen van haar score."""

    number: int = Field(description="Het volgnummer, vanaf 1.")
    document_id: str = Field(description="Het pad van het document in de map met bronnen.")
    title: str = Field(description="De titel van het document.")
    headings: list[str] = Field(description="De koppen erboven, de hoogste eerst.")
    source_url: str = Field(description="De bron op deze server, met de plek gemarkeerd.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")
    first_words: str = Field(description="Het begin van de passage.")
    quoted: bool = Field(description="Of eruit geciteerd is.")
    points: float = Field(description="De som van de onderdelen; daarop zijn de kandidaten geordend.")
    parts: list[ContributionBody] = Field(description="De onderdelen van de score.")


class JudgementBody(_Strict):
    """Een oordeel over de eerste kandidaat: ja vanaf `yes_from`."""

    name: Literal["subject", "answer"] = Field(description="Gaat het erover, en is het een antwoord?")
    label: str = Field(description="De naam in het Nederlands.")
    features: list[ContributionBody] = Field(description="Waarop het oordeel rust.")
    intercept: float = Field(description="De punten waarmee begonnen wordt.")
    probability: float = Field(ge=0, le=1, description="De kans dat het ja is.")
    yes_from: float = Field(ge=0, le=1, description="De kans vanaf waar het ja is.")
    yes: bool = Field(description="Het oordeel.")
    counts: bool = Field(description="Onwaar als een eerder oordeel al nee was.")


class SentenceBody(_Strict):
    """Een zin van de passage waaruit het eerst geciteerd is."""

    text: str = Field(description="De tekst, letterlijk.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int = Field(description="Einde daarvan; het eerste teken dat er niet meer bij hoort.")
    nearness: float = Field(description="Hoe dicht de zin bij de vraag ligt.")
    words: float = Field(description="Het deel van de woorden van de vraag dat erin staat.")
    known: float = Field(description="Hetzelfde, met de zinnen ervoor en de koppen erbij.")
    missing: list[str] = Field(description="Soorten antwoord die gevraagd zijn en er niet in staan.")
    meaning: bool = Field(description="Of de zin zegt wat het gevraagde is: de volle naam van een afkorting.")
    score: float = Field(description="Daarop zijn de zinnen gekozen.")
    quoted: bool = Field(description="Of de zin geciteerd is.")


class ExplanationBody(_Strict):
    """Waarom het antwoord is wat het is."""

    outcome: Literal["answered", "related", "unrelated", "smalltalk"] = Field(
        description="Beantwoord; wel erover maar geen antwoord; iets anders; een praatje."
    )
    decision: str = Field(description="In één of twee zinnen.")
    searched: str | None = Field(description="De vraag zoals die gezocht is; null bij een praatje.")
    joined: bool = Field(description="Of er eerdere vragen bij genomen zijn.")
    corrections: list[CorrectionBody] = Field(description="Woorden die anders gezocht zijn.")
    candidates: list[CandidateBody] = Field(max_length=5, description="De beste eerst.")
    ahead: list[AheadBody] = Field(description="Waarin de eerste kandidaat voorligt op de tweede.")
    judgements: list[JudgementBody] = Field(max_length=2, description="In de volgorde van oordelen.")
    sentences: list[SentenceBody] = Field(description="De zinnen waaruit gekozen is.")


class ReplyBody(_Strict):
    """Een antwoord zonder uitleg. Elke sleutel staat in elk antwoord; lijsten kunnen leeg zijn."""

    id: str = Field(description="Van dit antwoord; stuur het mee bij een beoordeling.")
    status: Literal["answered", "abstained", "smalltalk"] = Field(
        description="Beantwoord, niet beantwoord, of een praatje."
    )
    text: str = Field(description="Alles wat te tonen is, als gewone tekst.")
    quotes: list[QuoteBody] = Field(max_length=3, description="Citaten, het beste eerst.")
    citations: list[CitationBody] = Field(
        max_length=5, description="Vindplaatsen; die van het eerste citaat eerst."
    )
    suggestions: list[str] = Field(max_length=3, description="Vragen die de bronnen beantwoorden.")
    contact: ContactBody | None = Field(description="Waar een vraag naartoe kan, als dat is ingesteld.")
    notice: str | None = Field(
        description="Waarop gezocht is in plaats van op wat er stond, of wat misschien bedoeld is. "
        "Staat ook aan het begin van `text`."
    )


class AnswerBody(ReplyBody):
    """Een antwoord. Elke sleutel staat in elk antwoord, op `explanation` na; lijsten kunnen leeg zijn."""

    explanation: ExplanationBody | SkipJsonSchema[None] = Field(
        default=None,
        description="Alleen als de aanvraag `explain` heeft.",
        json_schema_extra=_without_default,
    )


class FieldProblem(_Strict):
    """Wat er mis is met één veld."""

    field: str = Field(description="Het veld; leeg als het om het geheel gaat.")
    detail: str = Field(description="Wat er mis is, in het Nederlands.")


class ProblemBody(_Strict):
    """Een fout, naar RFC 9457."""

    type: str = Field(description="Altijd `about:blank`.")
    title: str = Field(description="De soort fout, in een paar woorden.")
    status: int = Field(ge=400, le=599, description="De statuscode van het antwoord.")
    detail: str = Field(description="Wat er mis is en wat u kunt doen, in het Nederlands.")
    errors: list[FieldProblem] = Field(default_factory=list, description="Alle velden die niet kloppen.")
