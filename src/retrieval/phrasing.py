"""Questions in Dutch that a passage may answer, made from its headings and its sentences by rules.

Few and sure: a rule makes a question only from words that stand together in the text, with the article that
the text itself shows. Whether a question is really answered is found out by asking it (rehearsing.py).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.records import Passage, Span

MOST_HEADING_WORDS = 6
"""A longer heading is a sentence rather than the name of a subject."""

_ARTICLES = ("de", "het", "een")

# Parts of the patterns: a word of a noun phrase is none that could be its sentence's verb or subject
_NEVER = (
    "die|dat|deze|dit|zo'n|wie|wat|welke?|als|of|om|te|niet|ook|er|daar|dan|al|nog|alleen|meestal|vaak|"
    "u|uw|je|jij|jouw|ik|mijn|wij|we|ons|onze|hij|zij|ze|hun|haar|zijn|is|was|waren|wordt|worden|werd|"
    "heeft|hebben|kan|kunt|kunnen|mag|mogen|moet|moeten|zal|zullen|wil|willen|staat|staan|geldt|gelden|"
    "komt|komen|gaat|gaan|blijft|krijgt|krijgen|ligt|zit|zitten|doet|doen|hoeft"
)
_PREPOSITIONS = "van|voor|op|in|aan|bij|over|met|naar|per|uit|zonder|binnen|buiten|tot|tegen|tussen"
_WORD = rf"(?!(?:{_NEVER}|{_PREPOSITIONS})\b)[\w'’-]+"
_PHRASE = rf"{_WORD}(?: {_WORD}){{0,2}}(?: (?:{_PREPOSITIONS}) {_WORD}(?: {_WORD}){{0,3}}){{0,2}}"
_BRACKETS = r"(?: \([^()]{1,20}\))?"
_SUBJECT = rf"(?P<article>De|Het|Een) (?P<phrase>{_PHRASE}){_BRACKETS}"

_DOING = (
    "adviseert|behandelt|beheert|beheerst|begeleidt|beoordeelt|beschermt|beslist|bespreekt|bestrijdt|bevordert|"
    "bewaakt|bewaart|bezoekt|bundelt|controleert|coördineert|deelt|doet|draagt|financiert|geeft|handhaaft|"
    "haalt|helpt|houdt|inspecteert|int|keurt|leidt|let|levert|maakt|neemt|onderhoudt|ondersteunt|onderzoekt|"
    "opereert|organiseert|overlegt|regelt|registreert|rijdt|spoort|steunt|stelt|stemt|stuurt|test|toetst|"
    "traint|treedt|vaart|verdeelt|vergadert|verleent|verstrekt|vervolgt|verzamelt|verzorgt|voert|volgt|"
    "voorkomt|voorziet|waarschuwt|wijst|wisselt|ziet|zoekt|zorgt"
)
"""Verbs of which "Wat doet …?" asks; each can be nothing else than a verb in the third person."""

_DOER = re.compile(
    r"(?:\w*(?:politie|dienst|inspectie|commissie|brandweer|douane|recherche|wacht|team|raad|bestuur|overleg|"
    r"beraad|netwerk|platform|meldkamer|ombudsman|coördinator)|gemeente|provincie|burgemeester|wijkagent|"
    r"waterschap|rijksoverheid|minister|ministerie|rechter|archivaris|officier van justitie|dijkleger)\b"
)
"""Common nouns for who does something; a name does too."""

_VAGUE = frozenset(
    """aanvraag afdeling bedrag besluit bestuur boete brief brigade bureau centrale college commissie contract
    cursus dienst document dossier formulier gesprek groep heffing instelling korting kring leiding meldpunt
    netwerk onderzoek opleiding organisatie overleg panel pas post prijs project raad rit samenwerking
    stichting stuk tarief team termijn training vereniging vergoeding verslag verzoek voorzitter
    voorzitterschap werkgroep""".split()
)
"""Common nouns that say nothing by themselves: another sentence tells which "commissie" it is."""

_NO_KIND = r"(?!uur|jaar|week|maand|dag|keer|paar|half|kwart|beetje|deel|van\b|aantal)"
_PEOPLE = (
    "mensen|inwoners|kinderen|leerlingen|ouders|studenten|jongeren|bewoners|huishoudens|iedereen|wie|"
    "ondernemers|bedrijven|patiënten|leden|bezoekers|ouderen|particulieren|eigenaren|huurders|burgers"
)
_AMOUNTS = {
    "tarief": "Welk tarief", "bedrag": "Welk bedrag", "maximum": "Welk maximum", "minimum": "Welk minimum",
    "termijn": "Welke termijn", "boete": "Welke boete", "leeftijd": "Welke leeftijd", "prijs": "Welke prijs",
}  # fmt: skip
_NUMBER = (
    r"(?:€ ?)?\d|(?:een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|twaalf|"
    r"hoogstens|maximaal|minimaal)\b"
)
_MEASURED = re.compile(r"\w*(?:termijn|tarief|boete|bedrag|bijdrage|prijs|leeftijd|maximum|minimum|duur)\b")

_Maker = Callable[[re.Match[str]], str | None]

_ABBREVIATED = re.compile(
    r"(?P<article>[Dd]e|[Hh]et) (?P<full>[\w'’-]+(?: (?!de\b|het\b)[\w'’-]+){0,6}) "
    r"\((?P<short>[A-Z][A-Za-z]*[A-Z])\)"
)
"""A name behind the article that is nearest to it, and its abbreviation."""
_ABBREVIATED_PLURAL = re.compile(r"[\w'’-]+(?:en|s) \((?P<short>[A-Z]{1,6}'s)\)")

_ASKING = re.compile(
    r"(?:(?:met|voor|aan|van|bij|door|over|uit|op|in|naar|tegen|tot) )?"
    r"(?:wat|wie|hoe|hoeveel|wanneer|waarom|welke?|waar\w*)\b"
    r"|(?:kan|mag|moet|heb|krijg|is|zijn|wordt|worden|geldt|gelden|bestaat) (?:ik|er|de|het|een|mijn)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = {
    "kunt u": "kan ik", "moet u": "moet ik", "mag u": "mag ik", "wilt u": "wil ik", "hebt u": "heb ik",
    "heeft u": "heb ik", "krijgt u": "krijg ik", "betaalt u": "betaal ik", "vraagt u": "vraag ik",
    "neemt u": "neem ik", "meldt u": "meld ik", "maakt u": "maak ik", "doet u": "doe ik", "gaat u": "ga ik",
    "vindt u": "vind ik", "belt u": "bel ik", "hoort u": "hoor ik", "kun je": "kan ik", "moet je": "moet ik",
    "mag je": "mag ik", "wil je": "wil ik", "heb je": "heb ik", "krijg je": "krijg ik",
    "betaal je": "betaal ik", "vraag je": "vraag ik", "neem je": "neem ik", "maak je": "maak ik",
}  # fmt: skip
"""What a page asks of its reader, as that reader asks it."""

_OF_THE_WRITER = re.compile(
    r"\b(?:wij|we|ons|onze|u|uw|je|jij|jouw|jullie|dit|deze|die|dat|hier)\b", re.IGNORECASE
)
"""Words that mean another thing to who asks than to who wrote them."""

_PLURAL_SUBJECTS = frozenset(
    "kosten openingstijden openingsdagen prijzen regels taken tarieven voorwaarden bezoektijden".split()
)
"""Headings of which "Wat zijn de …?" asks."""

_SAYS_NOTHING = frozenset(
    """achtergrond achtergronden adres algemeen bereikbaarheid bijlage bijlagen bron bronnen colofon conclusie
    contact definities disclaimer downloads introductie inhoud inleiding links meer nieuws over overig overige
    samenvatting slot toelichting uitleg vragen zie""".split()
)
"""Headings that name no subject."""

_SINGULAR_IN_EN = frozenset(
    """binnen boven buiten eigen examen gegeven gesloten haven kenteken kwijt leven open regen samen teken
    tegen tussen verdwenen verleden vertrouwen verboden vervallen wagen zeven""".split()
)
"""Words that end as plurals and infinitives do, and are neither."""

_BEFORE_BARE = frozenset("van voor over met zonder door tegen via".split())

_INFINITIVES = (
    "aanvragen|afsluiten|bekijken|bestellen|doorgeven|huren|indienen|inzien|kopen|lenen|maken|melden|opzeggen|"
    "regelen|reserveren|verlengen|wijzigen|zoeken"
)
_OBJECT_AND_INFINITIVE = re.compile(rf"(?P<object>[\w-]+) (?P<verb>{_INFINITIVES})")


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A question, and what it was made from: a sentence, or the whole passage below a heading."""

    text: str
    source: Span


def questions_of(passages: Sequence[Passage]) -> list[tuple[MadeQuestion, ...]]:
    """For each passage of one document the questions that it may answer, the best first; or none."""
    wording = _Wording(passages)
    firsts = [
        not number or passages[number - 1].headings != passage.headings
        for number, passage in enumerate(passages)
    ]
    return [
        tuple({made.text: made for made in reversed([*_questions(passage, first, wording)])}.values())[::-1]
        for passage, first in zip(passages, firsts, strict=True)
    ]


def _questions(passage: Passage, first: bool, wording: "_Wording") -> Iterator[MadeQuestion]:
    heading = passage.headings[-1].strip() if first and passage.headings else ""
    if heading.endswith("?"):
        yield from (MadeQuestion(text, passage.span) for text in _from_asking_heading(heading))
    sentences = [
        (" ".join(passage.sentence_text(number).split()), span)
        for number, span in enumerate(passage.sentences)
    ]
    for pattern, make in _MAKERS:
        for sentence, span in sentences:
            if (match := pattern.match(sentence)) and (question := make(match)):
                yield MadeQuestion(question, span)
    for sentence, span in sentences:
        yield from (MadeQuestion(text, span) for text in _from_abbreviations(sentence, wording))
    if heading and not heading.endswith("?"):
        yield from (MadeQuestion(text, passage.span) for text in _from_heading(heading, wording))


# Sentences


def _subject(match: re.Match[str]) -> str | None:
    """The noun phrase as it stands within a question; None where it ends as no noun phrase does."""
    phrase = match["phrase"]
    last = phrase.rsplit(" ", 1)[-1].lower()
    if last in ("en", *_ARTICLES) or phrase in _VAGUE or _OF_THE_WRITER.search(phrase):
        return None
    return f"{match['article'].lower()} {phrase}"


def _asks(form: str) -> _Maker:
    """A maker that puts the noun phrase into ``form``."""

    def made(match: re.Match[str]) -> str | None:
        subject = _subject(match)
        return subject and form.format(subject)

    return made


def _what_it_does(match: re.Match[str]) -> str | None:
    phrase = match["phrase"]
    is_name = phrase[0].isupper() and match["article"] != "Een"
    is_doer = match["article"] != "Een" and _DOER.fullmatch(phrase) is not None
    denies = re.search(r"\b(?:geen|niet|nooit|zelden)\b", match.string)
    return _asks("Wat doet {}?")(match) if (is_name or is_doer) and not denies else None


def _whom_it_is_for(match: re.Match[str]) -> str | None:
    of_people = re.match(rf"(?:(?:de|alle) )?(?:{_PEOPLE})\b", match["for"])
    return _asks("Voor wie is {} bedoeld?" if of_people else "Waarvoor is {} bedoeld?")(match)


def _which_amount(match: re.Match[str]) -> str | None:
    phrase = match["phrase"]
    if _OF_THE_WRITER.search(phrase) or phrase.endswith((" en", " de", " het", " een")):
        return None
    return f"{_AMOUNTS[match['amount']]} geldt voor {phrase}?"


def _how_much(match: re.Match[str]) -> str | None:
    return _asks("Wat is {}?")(match) if _MEASURED.match(match["phrase"]) else None


_MAKERS: tuple[tuple[re.Pattern[str], _Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (rf"{_SUBJECT} is een {_NO_KIND}(?<!Een )", _asks("Wat is {}?")),
        (rf"{_SUBJECT} kost (?:{_NUMBER}|niets)", _asks("Wat kost {}?")),
        (rf"{_SUBJECT} duurt ", _asks("Hoe lang duurt {}?")),
        (rf"{_SUBJECT} is (?:elke \w+ )?open (?:van|op|:)", _asks("Wanneer is {} open?")),
        (rf"{_SUBJECT} werkt (?:\w+ )?samen met ", _asks("Met wie werkt {} samen?")),
        (rf"{_SUBJECT} (?:{_DOING}) ", _what_it_does),
        (rf"{_SUBJECT} is bedoeld voor (?P<for>.+)", _whom_it_is_for),
        (rf"{_SUBJECT} bestaat uit ", _asks("Waaruit bestaat {}?")),
        (rf"{_SUBJECT} is (?:{_NUMBER})", _how_much),
        (
            rf"Voor (?P<phrase>(?:(?:de|het|een) )?{_PHRASE}) geldt een "
            rf"(?P<amount>{'|'.join(_AMOUNTS)}) van ",
            _which_amount,
        ),
        (rf"In (?P<article>de|het) (?P<phrase>{_PHRASE}){_BRACKETS} zitten ", _asks("Wie zitten er in {}?")),
        (
            rf"(?:U|Je) vraagt (?P<article>een|de|het) (?P<phrase>{_WORD}) .*\baan\b",
            _asks("Hoe vraag ik {} aan?"),
        ),
        (r"(?:U|Je) maakt (?P<article>een) (?P<phrase>afspraak) ", _asks("Hoe maak ik {}?")),
        (
            rf"(?:U kunt|Je kunt) (?P<article>een) (?P<phrase>{_WORD}) krijgen als ",
            _asks("Wanneer kan ik {} krijgen?"),
        ),
    )
)


def _from_abbreviations(sentence: str, wording: "_Wording") -> Iterator[str]:
    """What is that, where a text says "de Counter Terrorism Group (CTG)"?"""
    for match in _ABBREVIATED.finditer(sentence):
        short = match["short"]
        if short[0].lower() != match["full"][0].lower():
            continue
        article = wording.definite(short) or match["article"].lower()
        yield f"Wat is {short}?" if wording.stands_bare(short) else f"Wat is {article} {short}?"
    for match in _ABBREVIATED_PLURAL.finditer(sentence):
        yield f"Wat zijn {match['short']}?"


# Headings


def _from_asking_heading(heading: str) -> Iterator[str]:
    if not _ASKING.match(heading) or len(heading.split()) < 3:  # "En dan?" asks nothing
        return
    for theirs, ours in _FIRST_PERSON.items():
        heading = re.sub(rf"\b{theirs}\b", ours, heading, count=1)
    if not _OF_THE_WRITER.search(heading):
        yield heading


def _from_heading(heading: str, wording: "_Wording") -> Iterator[str]:
    words = heading.split()
    if len(words) > MOST_HEADING_WORDS or _OF_THE_WRITER.search(heading) or not _is_plain(heading):
        return
    subject = wording.as_within_a_sentence(heading)
    if subject is None or words[0].lower() in _SAYS_NOTHING:
        return
    if subject.lower() in _PLURAL_SUBJECTS:
        yield f"Wat zijn de {subject.lower()}?"
        return
    if (match := _OBJECT_AND_INFINITIVE.fullmatch(subject)) and wording.article(match["object"]) == "een":
        yield f"Hoe kan ik een {match['object']} {match['verb']}?"
        return
    if article := wording.article(subject):
        yield f"Wat staat er over {article} {subject}?"
    elif wording.needs_no_article(subject):
        yield f"Wat staat er over {subject}?"


def _is_plain(heading: str) -> bool:
    return re.fullmatch(r"[\w'’ -]+", heading) is not None and heading[0].isupper()


class _Wording:
    """How words stand in the running text of one document."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        # a full stop between passages, and each mark a word of its own
        tokens = re.findall(r"[\w'’-]+|[^\w\s]", " . ".join(passage.text for passage in passages))
        self._text = f" {' '.join(tokens)} "
        # what begins a sentence has its capital from there
        self._within = {word for before, word in pairwise(tokens) if before not in ".!?:“”\"'"}
        self._before: dict[str, Counter[str]] = {}
        for before, word in pairwise(tokens):
            self._before.setdefault(word, Counter())[before.lower()] += 1

    def as_within_a_sentence(self, heading: str) -> str | None:
        """The heading without a capital that it has from being a heading; None where that cannot be told."""
        first = heading.split(maxsplit=1)[0]
        lowered = heading[0].lower() + heading[1:]
        if f" {lowered.split(maxsplit=1)[0]} " in self._text:
            return lowered
        return heading if first in self._within else None

    def article(self, phrase: str) -> str | None:
        """The article that stands before the phrase most often, "een" only where no other does."""
        return self.definite(phrase) or ("een" if self._count("een", phrase) else None)

    def definite(self, phrase: str) -> str | None:
        """The one of "de" and "het" that stands before the phrase; None where neither or both alike."""
        de, het = self._count("de", phrase), self._count("het", phrase)
        if de == het:
            return None
        return "de" if de > het else "het"

    def stands_bare(self, name: str) -> bool:
        """Whether the name stands in a sentence, and never behind an article ("bij GRIP 1")."""
        before = self._before.get(name, Counter())
        return before.keys().isdisjoint(_ARTICLES) and not before.keys() <= {"("}

    def needs_no_article(self, phrase: str) -> bool:
        """Whether the phrase is shown to be a plural, a substance or an activity."""
        parts = phrase.split(" en ")
        return len(parts) <= 2 and all(self._is_bare(part, len(parts) > 1) for part in parts)

    def _is_bare(self, word: str, beside_another: bool) -> bool:
        if " " in word or not self._before.get(word):
            return False
        before = self._before[word]
        if not before.keys().isdisjoint(_BEFORE_BARE):
            return True
        if beside_another and not before.keys().isdisjoint(_ARTICLES):
            return True  # "over bus en trein"
        singular = before["het"] + before["een"] + before["één"]
        return word.endswith("en") and not singular and word not in _SINGULAR_IN_EN

    def _count(self, article: str, phrase: str) -> int:
        return sum(self._text.count(f" {form} {phrase} ") for form in (article, article.capitalize()))
