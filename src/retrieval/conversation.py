"""What a turn of the conversation asks for: small talk is told apart, a follow-up is made whole.

Rules over Dutch function words, not a model: an operator can read why a question was taken as it was.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum

from retrieval.records import Query

MOST_EARLIER_QUESTIONS = 2
"""Earlier questions that a chain of follow-ups is joined with: the one it started from and the last."""

MOST_LEANING_WORDS = 14
"""A question of more words than this is taken to hold itself what its words point back to."""

MOST_ELLIPTIC_WORDS = 6
"""A question without a verb leans on the one before it up to this length ("met welke landen?")."""

FUZZY_CUTOFF = 0.85
"""Similarity (Ratcliff/Obershelp) from which a word counts as a misspelt word of small talk."""

_YOU = r"(?:je|jij|jou|jullie|u|deze (?:chat|chatbot|bot|site|dienst)|dit|de (?:chat|chatbot|bot))"
_ME = r"(?:ik|me|mij|ons|we|wij)"
_CAN = r"(?:kan|kun|kunt|kunnen|mag|zou)"
_DAYPART = r"(?:morgen|middag|avond|dag|nacht)"
_ABOUT = r"(?: mee| bij| over)"
_WHAT_YOU_ARE = (
    r"(?:een |echt een |nou een )?(?:robot|mens|bot|computer|chatbot|machine|persoon|ai|echt|menselijk)"
)


class SmallTalkKind(StrEnum):
    """What a visitor does who does not ask about the texts."""

    ABILITIES = "abilities"
    IDENTITY = "identity"
    WELLBEING = "wellbeing"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    GREETING = "greeting"
    ASSENT = "assent"


# an earlier kind is told before a later one: "Hallo, wat kun je?" asks for abilities
_PHRASES: tuple[tuple[SmallTalkKind, tuple[str, ...]], ...] = (
    (
        SmallTalkKind.ABILITIES,
        (
            rf"wat {_CAN} {_YOU}",
            rf"wat {_CAN} {_ME}(?: {_YOU})?(?: hier)?(?: allemaal)? (?:vragen|doen|weten|opzoeken)",
            rf"wat {_CAN} {_ME} (?:hier|met {_YOU}|aan {_YOU})",
            rf"wat (?:doe|doet|weet|zoek|zoekt) {_YOU}",
            r"(?:wat voor|welke|wat voor soort|welk soort) (?:soort )?(?:vragen|dingen|onderwerpen) "
            rf"(?:{_CAN}|beantwoord|beantwoordt|weet) (?:{_YOU}|{_ME})(?: {_YOU})?",
            rf"hoe (?:werkt|gebruik|werk) (?:ik )?(?:{_YOU}|het)",
            rf"{_CAN} {_YOU} (?:{_ME} )?(?:ergens mee )?helpen",
            rf"waar(?:mee|{_ABOUT})? {_CAN} (?:{_YOU}|{_ME})(?: (?:{_ME}|{_YOU}))?{_ABOUT}? "
            r"(?:helpen|vragen|praten)",
            rf"waar (?:weet|gaat|ga) {_YOU}(?: (?:iets|alles))? (?:van|over)",
            rf"{_CAN} {_ME} (?:{_YOU} )?(?:iets|wat|een vraag) (?:vragen|stellen)",
            r"wat nu|hoe moet (?:dit|dat|het)|waar dient dit voor",
        ),
    ),
    (
        SmallTalkKind.IDENTITY,
        (
            rf"wie (?:ben|bent|is|zijn) {_YOU}|wat (?:ben|bent|is) {_YOU}|hoe (?:heet|heten) {_YOU}",
            rf"(?:ben|bent|is) {_YOU} {_WHAT_YOU_ARE}",
            rf"(?:praat|spreek|chat|heb) {_ME} (?:nu )?(?:hier met|het met|met) "
            rf"(?:een (?:echt |echte )?)?(?:iemand|{_WHAT_YOU_ARE})",
            rf"wat is (?:je|jouw|uw) naam|stel {_YOU} voor",
            rf"wie (?:heeft|hebben) {_YOU} (?:gemaakt|gebouwd|bedacht)",
        ),
    ),
    (
        SmallTalkKind.WELLBEING,
        (
            rf"hoe (?:gaat|is) (?:het|ie)(?: (?:met|bij) {_YOU})?(?: vandaag)?|hoe gaat (?:die|t)",
            rf"alles (?:goed|ok|oke|lekker)|gaat het(?: goed)?(?: met {_YOU})?",
        ),
    ),
    (
        SmallTalkKind.THANKS,
        (
            r"bedankt|dank|dankje|dankjewel|dankuwel|danku|dankzeg|thanks|thank you|thx|tnx|merci",
            r"fijn geholpen|goed geholpen|goede hulp|goed gedaan|goed antwoord",
        ),
    ),
    (
        SmallTalkKind.GOODBYE,
        (
            r"doei|doeg|doeidoei|dag dag|daag",
            r"tot (?:ziens|later|straks|kijk|snel|dan|morgen|de volgende keer)",
            r"(?:een )?(?:fijne|prettige|mooie|leuke) (?:dag|avond|middag|week|weekend|nacht)"
            r"(?: nog| verder| gewenst)?",
            r"houdoe|bye|bye bye|ciao|ajuus|aju|groetjes|de groeten|welterusten",
        ),
    ),
    (
        SmallTalkKind.GREETING,
        (
            r"hallo|halo|hoi|hoihoi|hey|he|hee|hi|hello|yo|moi|mogge|hola|gegroet|welkom|aangenaam",
            rf"(?:goede?(?:n|r)?|goeie) ?{_DAYPART}|dag|morgen|middag",
        ),
    ),
    (SmallTalkKind.ABILITIES, (r"help|hulp|uitleg",)),
    (
        SmallTalkKind.ASSENT,
        (
            r"ok|oke|okay|okee|top|super|prima|mooi|fijn|goed|duidelijk|helder|begrepen|geweldig|leuk|perfect",
            r"aha|haha|ja|nee|jawel|akkoord|snap ik|ik snap het|geen vraag|niets|laat maar",
        ),
    ),
)

_FILLERS = frozenset(
    """aan al alle allemaal alvast antwoord antwoorden beantwoorden beste bot chatbot computer daar
    dag dan de doen dus een eens eigenlijk en enorm er erg even fijn fijne geven geweldig goed
    goede graag heel hele hartelijk hartstikke helpen het hier hoor hulp iedereen iets ik ja je
    jij jou jouw jullie kunnen lieve maar me mee meneer met mevrouw mij mijn moment nog nou nu o
    of oh ok oke ons ontzettend ook over precies prima reactie snel snelle soms stellen super te
    toch top tijd u uitleg uw van vandaag veel verder vraag vraagbaak vragen vriendelijk voor was
    wat weer wel wil wilde wij zeer zeg zeker zijn zo""".split()
)
"""Words that may stand around a phrase of small talk without making a question of it."""

_MARKERS = tuple(
    """hallo bedankt dankje dankjewel dankuwel thanks goedemorgen goedemiddag goedenavond goedendag
    doeidoei duidelijk vragen helpen groetjes""".split()
)
"""Words of small talk that are recognised when misspelt."""

_LEADING = frozenset("en ook maar of dus want".split())
_POINTING_BACK = frozenset(
    """zij ze hij hem haar hun hen daar daarin daarmee daarover daarvan daarvoor daarbij daarop
    daaraan daaruit daartegen daarheen daarvandaan daarna daardoor hiervan hiermee hierin hierover
    hierbij hierop ervan erin ermee erover ervoor erbij erop eraan eruit ertegen deze dit dezelfde
    hetzelfde zoiets diens dergelijke zulke die dat""".split()
)
_RELATIVE = frozenset(("die", "dat"))
_AFTER_VERB = frozenset("de het een ik je jij u we wij er mijn jouw uw onze".split())
_QUESTION_STARTS = frozenset(
    "welke welk wie wat wanneer hoe hoeveel hoezo via met voor in naar van over aan bij op "
    "door tegen sinds tot uit".split()
)
_LIGHT_VERBS = frozenset(
    """is zijn was waren ben bent wordt worden werd heeft hebben had heb hebt kan kunnen kun kunt kon
    mag mogen moet moeten zal zullen zou wil willen doet doen doe deed gaat gaan ga komt komen
    krijgt krijgen staat staan zit zitten geldt gelden bestaat werkt werken betekent houdt houden
    maakt maken geeft geven neemt nemen zegt weet kost kosten duurt gebeurt betaal betaalt""".split()
)
_FUNCTION_WORDS = (
    frozenset(
        """de het een en of maar want dus ook nog al dan toch wel niet geen er te om zo die dat deze
        dit wie wat waar waarom wanneer hoe hoeveel welke welk is zijn was waren ben bent wordt
        worden werd heeft hebben had heb hebt kan kunnen kun kunt kon mag mogen moet moeten zal
        zullen zou wil willen doet doen doe deed gaat gaan ga komt komen krijgt krijgen staat zit
        zitten geldt van voor met in op aan bij door over uit naar tot tegen sinds via als ik je
        jij u we wij ze zij hij hem haar hun mij me ons jullie iets iemand alle alles andere
        anders meer verder precies eigenlijk daar hier""".split()
    )
    | _POINTING_BACK
)


def small_talk_kind(question: str) -> SmallTalkKind | None:
    """What small talk the question is, or None where it asks about the texts.

    It is small talk when a phrase of small talk stands in it and, phrases taken out, only words
    without a subject are left ("Bedankt voor je hulp!", not "Bedankt, en wat doet de NCTV?").
    """
    text = " ".join(_corrected(_words(question)))
    if not text:
        return None
    found: SmallTalkKind | None = None
    for kind, phrases in _PHRASES:
        remainder = re.sub(rf"\b(?:{'|'.join(phrases)})\b", " ", text)
        if remainder != text:
            found = found or kind
            text = remainder
    return found if found and all(word in _FILLERS for word in text.split()) else None


def complete(question: str, history: Sequence[str] = ()) -> Query:
    """The query that the question stands for: itself, or joined with the questions it leans on.

    ``history`` holds the earlier questions, oldest first; small talk among them is passed over.
    """
    earlier = [turn for turn in history if small_talk_kind(turn) is None]
    own = without_greeting(question)
    if not earlier or not leans_back(own):
        return Query(own, own)
    chain = [without_greeting(earlier.pop())]
    while earlier and leans_back(chain[0]):
        chain.insert(0, without_greeting(earlier.pop()))
    if _names_another(chain[-1]) and _says_something(own):
        kept = chain[-1:]  # what the chain started from is no longer spoken of
    else:
        kept = chain if len(chain) <= MOST_EARLIER_QUESTIONS else [chain[0], chain[-1]]
    return Query(" ".join([*kept, own]), own)


def leans_back(question: str) -> bool:
    """Whether the question cannot be understood without the one before it."""
    # what a second sentence points back to stands in the first: "Mijn code is weg. Wat betekent dat?"
    words = _words(re.split(r"(?<=[.?!])\s+(?=\S)", question.strip(), maxsplit=1)[0])
    if not words or len(words) > MOST_LEANING_WORDS:
        return False
    if words[0] in _LEADING or words[-1] in ("dan", "nog", "verder"):
        return True
    if any(_points_back(words, place) for place in range(len(words))):
        return True
    return _is_elliptic(words)


def _names_another(question: str) -> bool:
    """Whether a question turns to something else by naming it: "en de marechaussee?", not "en waar?"."""
    words = _words(question)
    return words[:1] == ["en"] and not any(map(_asks, words[1:2])) and bool(_content(words))


def _says_something(question: str) -> bool:
    """Whether a question says itself what is asked of that which it points to: "hoe houden ze contact?"."""
    words = _words(question)
    return words[:1] != ["en"] and bool(_content(words))


def _content(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _FUNCTION_WORDS]


def without_greeting(question: str) -> str:
    """The question without a greeting before it: "Hallo, wie krijgt …?" asks "wie krijgt …?"."""
    match = re.match(
        r"\s*(?:hallo|hoi|hey|hi|dag|goede(?:n|r)?\s?(?:morgen|middag|avond|dag)|beste \w+)\b[\s,.!]+(?=\S)",
        question,
        re.IGNORECASE,
    )
    return question[match.end() :] if match else question.strip()


def _points_back(words: Sequence[str], place: int) -> bool:
    word = words[place]
    if word not in _POINTING_BACK:
        return False
    before = words[place - 1] if place else None
    after = words[place + 1] if place + 1 < len(words) else None
    if word in _RELATIVE:
        # "mensen die niet …", "klopt het dat …" are tied to a word within the question;
        # "waarop baseert die …" is not: what stands between a question word and "die" is its verb
        follows_verb = before in _LIGHT_VERBS or (place == 2 and _asks(words[0]))
        return before is None or after is None or follows_verb
    # "zorgt ervoor dat …" points forward, "op dit moment" nowhere
    return after not in ("dat", "moment")


def _is_elliptic(words: Sequence[str]) -> bool:
    content = [place for place, word in enumerate(words) if word not in _FUNCTION_WORDS]
    if not content:
        return True
    has_verb = any(word in _LIGHT_VERBS for word in words) or any(
        words[place + 1] in _AFTER_VERB for place in content if place + 1 < len(words)
    )
    return _asks(words[0]) and len(words) <= MOST_ELLIPTIC_WORDS and len(content) <= 2 and not has_verb


def _asks(word: str) -> bool:
    return word in _QUESTION_STARTS or word.startswith("waar")


def _words(text: str) -> list[str]:
    folded = text.lower().translate(str.maketrans("éèêëáàäóòöïíüúç’", "eeeeaaaoooiiuuc'"))
    return [re.sub(r"(.)\1{2,}", r"\1", word) for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", folded)]


def _corrected(words: Sequence[str]) -> list[str]:
    return [
        word
        if word in _FILLERS
        else (get_close_matches(word, _MARKERS, n=1, cutoff=FUZZY_CUTOFF) or [word])[0]
        for word in words
    ]
