"""What kind of answer a question expects (a year, an address, a reason …), and whether a text holds one.

A text can be about every word of a question and still not answer it: "In welk jaar is de dienst
opgericht?" wants a year. The kinds are rules over Dutch words, so that an editor can read why a
question was not answered. They look at form alone: that the year is the right one, they can't tell.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.lexical import analyse, folded


@dataclass(frozen=True, slots=True)
class Expectation:
    """A kind of answer: ``asked`` finds it in a question, ``told`` says whether a text holds one for it."""

    name: str
    asked: re.Pattern[str]
    told: Callable[[str, str], bool]


def expectations_of(question: str) -> tuple[Expectation, ...]:
    """The kinds of answer that a question expects; none where any sentence might do."""
    return tuple(expected for expected in EXPECTATIONS if expected.asked.search(question))


def unmet(question: str, text: str) -> tuple[str, ...]:
    """The names of the kinds that the question expects and the text does not hold."""
    return tuple(expected.name for expected in expectations_of(question) if not expected.told(question, text))


_NUMBER = (
    r"(?:\d+(?:[.,]\d+)*|een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|dertien|veertien"
    r"|(?:vijf|zes|zeven|acht|negen)tien|\w*(?:twin|der|veer|vijf|zes|zeven|tach|negen)tig\w*|\w*honderd\w*"
    r"|\w*duizend\w*|miljoen|miljard|halve?|helft|dubbele?|(?:een|één|twee|drie|vier|vijf)maal|geen|alle"
    r"|tientallen)"
)
_UNIT = (
    r"(?:second\w+|minuut|minuten|kwartier|uur|uren|\w*dag(?:en)?|week|weken|maand(?:en)?|kwartaal|kwartalen"
    r"|\w*jaar|\w*jaren|eeuw\w*)"
)
_MONTH = r"(?:januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december)"
_DAY = r"(?:(?:maan|dins|woens|donder|vrij|zater|zon|werk|feest)dag\w*|weekend\w*)"
_CLOCK = r"(?:\d{1,2}[.:]\d{2}|\d{1,2} uur)"
_OFTEN = (
    r"(?:dagelijks|wekelijks|maandelijks|jaarlijks|regelmatig|altijd|nooit|continu|voortdurend|doorlopend"
    r"|meteen|direct|onmiddellijk|vooraf|zodra|tijdens|zomer\w*|winter\w*|najaar|voorjaar|overdag"
    r"|['’]s (?:avonds|nachts|ochtends)|dag en nacht|(?:per|elke?|iedere?|om de) \w+|(?:keer|maal) per \w+)"
)
_MONEY = (
    r"€|\beuro\b|\bcent\b|\bgratis\b|\bkosteloos\b|\bprocent\b|\bniets\b|\bgeen (?:kosten|geld)\b|\bvergoed\b"
)
_DURATION = (
    rf"\b{_NUMBER} (?:\w+ )?{_UNIT}\b|\b(?:half|anderhalf) {_UNIT}\b|\bdirect\b|\bmeteen\b|\bonbeperkt\b"
)
_COUNTRY = (
    r"(?:(?!Nederland)[A-Z]\w*(?:land|rijk|ië|stan)|Noorwegen|Zweden|Denemarken|Spanje|Portugal|Luxemburg|Polen"
    r"|Hongarije|Cyprus|Malta|Turkije|Oekraïne|Wit-Rusland|Israël|Libanon|Irak|Iran|China|Japan|Canada|Amerika"
    r"|Mexico|Cuba|Peru|Chili|Marokko|Egypte|Congo|Suriname|Aruba|Curaçao|Sint[ -]Maarten|Vietnam"
    r"|(?:de )?V(?:erenigde )?S(?:taten)?|VK|EU-landen|lidstaten|buurlanden"
    r"|(?:diverse|verschillende|vele|alle|meerdere|enkele) landen)"
)
_OFFICE = (
    r"(?:baas|directeur|voorzitter|hoofd|leider|chef|commandant|minister|bestuurder|secretaris|wethouder"
    r"|burgemeester|dijkgraaf|manager|woordvoerder|contactpersoon|korpschef|inspecteur-generaal)"
)

_COUNTED = re.compile(
    r"\bhoe ?veel\s+(?:(?:verschillende|soorten|andere|nieuwe|gratis) )?([\w'’-]+)|\baantal ([\w'’-]+)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)*(?:['’]s)?")
_WHOLE_NUMBER = re.compile(_NUMBER, re.IGNORECASE)
_MONEY_WORD = re.compile(
    r"kost|kosten|betaal|betaalt|betalen|geld|euro|subsidie|budget|rente|bedraagt|vermogen|krijg|krijgt"
)
_TIME_WORD = re.compile(rf"tijd|{_UNIT}")
_PERSON_WORD = re.compile(
    r"mens|mensen|persoon|personen|leden|lid|\w*medewerkers?|werknemers|personeel|vrijwilligers?|agenten|burgers"
    r"|ouders|mannen|vrouwen|\w*(?:aars|eurs|agenten|docenten|studenten|isten|anten)|collega['’]?s"
)
_WINDOW = 4
"""Words after a number within which the thing stands that it counts: "twaalf burgers en deskundigen"."""


def _holds_count(question: str, text: str) -> bool:
    """Whether the text has a number of what the question asks "hoeveel" of."""
    match = _COUNTED.search(question)
    asked = folded(next(filter(None, match.groups()))) if match else ""
    if _MONEY_WORD.fullmatch(asked):
        return re.search(_MONEY, text) is not None
    if _TIME_WORD.fullmatch(asked):
        return re.search(_DURATION, text) is not None
    tokens = _TOKEN.findall(text)
    numbers = [place for place, token in enumerate(tokens) if _WHOLE_NUMBER.fullmatch(token)]
    if not analyse(asked):
        return bool(numbers)
    return any(_is_of(asked, tokens[place + 1 : place + 1 + _WINDOW]) for place in numbers)


def _is_of(asked: str, words: Sequence[str]) -> bool:
    stems = set(analyse(asked))
    for word in map(folded, words):
        if _PERSON_WORD.fullmatch(asked) and _PERSON_WORD.fullmatch(word):
            return True
        if any(_alike(stem, other) for stem in stems for other in analyse(word)):
            return True
    return False


def _alike(one: str, other: str) -> bool:
    """The same stem, or a compound and a part of it."""
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (
        len(shorter) >= 4 and (longer.endswith(shorter) or longer.startswith(shorter))
    )


def _matches(pattern: str) -> Callable[[str, str], bool]:
    compiled = re.compile(pattern)
    return lambda _, text: compiled.search(text) is not None


def _expectation(name: str, asked: str, told: str | Callable[[str, str], bool]) -> Expectation:
    holds = _matches(told) if isinstance(told, str) else told
    return Expectation(name, re.compile(asked, re.IGNORECASE), holds)


EXPECTATIONS: Sequence[Expectation] = (
    _expectation(
        "telefoonnummer of adres op internet",
        r"\btelefoonnummer|\b(?:e-?)?mailadres|\bcontactgegevens|\b(?:welk|wat is het|het) (?:\w+ )?nummer\b"
        r"|\bhoe (?:bereik|bel|mail)\b|\bwebadres",
        r"\d{3,4}\s?[-–]\s?\d{2}|\b0\d{3}\s\d{2}|\b14 ?0\d\d|\b112\b|\b0[89]00\b|\b06\b"
        r"|@|www\.|\b[\w-]+\.nl\b",
    ),
    _expectation(
        "bedrag",
        r"\bkost(?:en)?\b(?! van)|\bprijs\b|\btarie[fv]\w*|\bbudget\w*|\bhoe duur|\bbegroting|\bsalaris"
        r"|\bverdien(?:t|en)\b|\bwelk bedrag|\bboete op\b"
        r"|\b(?:hoe hoog is|hoogte van) (?:de|het) "
        r"(?:boete|bedrag|subsidie|vergoeding|uitkering|heffing|bijdrage)",
        rf"{_MONEY}|\d,\d\d|\bbelkosten\b",
    ),
    _expectation(
        "jaar",
        r"\bwelk jaar|\bopgericht\b|\bsinds (?:wanneer|welk)|\bhoe ?lang bestaa|\bontstaan\b"
        r"|\bwanneer (?:is|zijn|werd|werden) .*"
        r"(?:begonnen|gestart|gebouwd|opgericht|gemaakt|ingevoerd|ingegaan|geopend)",
        r"\b(?:1[5-9]|20)\d\d\b|\b\d+ jaar (?:geleden|oud)|\beeuw\b|\b[Ss]inds\b",
    ),
    _expectation("aantal", r"\bhoe ?veel\b|\baantal\b", _holds_count),
    _expectation("hoe vaak", r"\bhoe ?vaak\b", rf"\b{_OFTEN}\b|\b\w+maal\b|\b(?:keer|{_MONTH}|{_DAY})\b"),
    _expectation(
        "maat",
        r"\bhoe (?:groot|hoog|ver|zwaar|oud|diep|breed|dik|hard)\b|\bafmeting\w*|\boppervlakte|\bleeftijd\b"
        r"|\b(?:maximale|minimale)\b",
        rf"\d|\b{_NUMBER} (?:\w+ )?(?:meter|kilometer|kilo|gram|liter|graden|hectare|procent|{_UNIT})\b",
    ),
    _expectation(
        "duur",
        r"\bhoe ?lang\b|\b(?:wacht|doorloop|behandel|bewaar)(?:tijd|termijn)\w*|\bduurt\b|\bhoe ?snel\b"
        r"|\bbinnen (?:welke|hoeveel)\b",
        rf"{_DURATION}|\bbinnen\b|\bzolang\b",
    ),
    _expectation(
        "tijdstip",
        r"\bhoe ?laat (?!ik\b|we\b|wij\b)|\bopeningstijd\w*|\btijdstip",
        rf"{_CLOCK}|\b{_DAY}\b|\boverdag\b|\bdag en nacht\b",
    ),
    _expectation(
        "moment",
        r"\bwanneer\b|\bwelke dag\w*|\bdatum\b|\bwelke (?:maand|periode)",
        rf"{_CLOCK}|\b(?:{_OFTEN}|{_MONTH}|{_DAY}|{_UNIT}|20\d\d)\b"
        r"|\b(?:als|wanneer|zodra|na|voor|vóór|binnen|tijdens|bij|sinds|tot|is er)\b",
    ),
    _expectation(
        "plaats",
        r"\badres\b|\bgevestigd\b|\bhoofdkantoor|\bhet kantoor\b|\bwelke (?:stad|plaats|straat)\b"
        r"|\blocatie van"
        r"|\bwaar (?:is|zijn|staat|staan|ligt|liggen|zit|zitten|woont) (?:de|het|een|jullie|(?-i:[A-Z]))"
        r"(?!.*\b(?:naar op zoek|(?:naar|voor|over|mee|van|aan|uit|toe|bij)\W*$))",
        r"\b[A-Z]\w*(?:straat|laan|plein|weg|kade|gracht|singel|dijk|park)\b|\b\d{4} ?[A-Z]{2}\b"
        r"|\bgevestigd\b"
        r"|\b(?:staat|staan|zit|zitten|ligt|liggen|kantoor) (?:\w+ ){0,3}(?:in|op|aan|bij|naast|tegenover)\b"
        r"|\b(?:in|te|naast|aan) (?:de |het )?[A-Z]\w+|\bgemeentehuis\b|\bstadskantoor\b"
        r"|\bambassades?\b|\blanden\b|\bbuitenland\b",
    ),
    _expectation("land", r"\bwelke? land(?:en)?\b|\bwaar ter wereld\b", rf"\b{_COUNTRY}\b"),
    _expectation(
        "wet",
        r"\b(?:welke|volgens welke) (?:wet|verordening|regeling|richtlijn)\w*|\bwelk (?:wets)?artikel"
        r"|\bwettelijke (?:grondslag|basis)",
        r"\b[Ww]et [a-z]|\b\w{3,}wet\b|\b[Aa]rt(?:ikel|\.) |\b[Vv]erordening\b|\bAwb\b|\b[Rr]ichtlijn\b"
        r"|\b[Kk]eur\b",
    ),
    _expectation(
        "reden",
        r"\bwaarom\b|\bhoezo\b|\bwat is de reden|\bhoe komt het\b",
        r"\b(?:[Oo]mdat|want|[Dd]oordat|[Dd]aarom|zodat|[Vv]anwege|[Ww]egens|[Dd]aardoor|[Hh]ierdoor"
        r"|namelijk|immers|anders|doel|bedoeld|reden|waardoor|waarmee|[Zz]o|dan)\b|\b[Oo]m\b.*\bte\b|\b[Zz]onder\b",
    ),
    _expectation(
        "wie de leiding heeft",
        rf"\bwie (?:is|zijn|was|wordt) (?:\w+ ){{0,3}}{_OFFICE}\b|\bbaas\b|\bdirecteur\b|\bvoorzitter\b"
        r"|\bwie (?:heeft|neemt|hebben) (?:\w+ ){0,3}leiding|\bwie leidt\b|\bwie staat aan het hoofd"
        r"|\bhoe hee?t\w* (?:de|het|jullie|onze)\b|\bnaam van\b",
        rf"\b(?:(?i:{_OFFICE})|[Vv]oorgezeten|leiding|leidt|geleid|heet)\b",
    ),
    _expectation(
        "wat u moet doen",
        r"^(?:en )?hoe (?:\w+ )?\w+ (?:ik|je|wij|we|u)\b"
        r"|\bhoe (?:solliciteer|meld|vraag|maak|geef|dien|word)\b",
        r"\b(?:via|[Ff]ormulier\w*|website|online|DigiD|[Bb]elt?|balie|afspraak|loket|schriftelijk|aanvra\w+"
        r"|aan(?:ge)?meld\w*|[Mm]eld\w*|[Ss]tuurt?|mail\w*|inlog\w*|app|digita\w+|aangifte|langs|post|brief"
        r"|inleveren|[Nn]eemt?|dient|verzoek|kunt|[Ll]aat|breng\w*|gebruik\w*)\b",
    ),
    _expectation(
        "hoe u zich aanmeldt",
        r"\bsollicit\w*|\bvacature\w*|\bstage\b|\bkomen werken\b|\bbaan bij\b"
        r"|\bwerken bij (?:de|het|jullie)\b|\bword ik\b",
        r"\b(?:sollicit\w*|vacature\w*|stage\w*|aanmeld\w*|opgeven|inschrijv\w*|werv\w+|gezocht)\b",
    ),
    _expectation(
        "opsomming",
        r"\bwelke (?:twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf)\b",
        r"\w+, .*\ben\b|\b[A-Z]\w+ en (?:de |het )?[A-Z]\w+",
    ),
)
"""Every kind, with its name as an editor reads it."""
