"""Document → Passages and sentences, each with its offsets in the document's text.

A passage is a paragraph, or a list or table with its lead-in; one too long for the model is cut at
sentence ends. sentencex finds those; what it misses of Dutch abbreviations is mended here.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.records import Block, BlockKind, Document, Lead, Passage, Span

CUTTING_VERSION = 4
"""Raised whenever other passages or sentences come out, so that an index is made anew."""

MOST_CHARACTERS_PER_TOKEN = 40
"""A text of more characters a token than this is too long without counting: Dutch takes some 4."""

CHARACTERS_PER_TOKEN = 3
"""The first guess where a sentence alone is too long, on the careful side of Dutch's 4."""

LONGEST_LEAD = 300
"""Characters of a lead-in with a table's header; of what is longer the header alone is a lead, or nothing."""

LONGEST_ROW = 300
"""Characters of a row that is one sentence, whatever its cells hold; a longer one has its own sentences."""

MIN_WRAP_WIDTH = 40
"""Lines of a block narrower than this, in characters, were not broken off to fit a page."""

CountTokens = Callable[[Sequence[str]], list[int]]


def cut_passages(document: Document, count_tokens: CountTokens, max_tokens: int) -> tuple[Passage, ...]:
    """The passages of a document, in the order of its text.

    ``count_tokens`` counts each text as the model reads it. No passage, with its headings ("heading.
    heading" and a line end) or else the title before it, and the lead of a list or table that was cut,
    has more than ``max_tokens``; a lead or headings that take more than half are not counted. Each
    character that is not blank and stands in no title or heading is in exactly one passage, and in
    exactly one of its sentences.
    """
    groups = list(_groups(document))
    cutter = _Cutter(document, count_tokens, max_tokens)
    fits = cutter.fit([(cutter.prefix(group.headings), group.span) for group in groups])
    return tuple(
        passage
        for group, whole in zip(groups, fits, strict=True)
        for passage in (cutter.whole(group) if whole else cutter.parts(group))
    )


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences of a Dutch text, in order, without the blanks around them.

    A line of its own (an item of a list, a line of an address) is a sentence, a line broken off to
    fit the page is not. Each character that is not blank is in exactly one sentence.
    """
    return tuple(
        sentence.shifted(line.start)
        for line in _lines(text)
        for sentence in _sentences_of_line(text[line.start : line.end])
    )


def is_item(sentence: str) -> bool:
    """Whether it begins as an item of a list does: with a mark, a number or a letter."""
    return _BULLET.match(sentence) is not None


# From blocks to passages


@dataclass(frozen=True, slots=True)
class _Group:
    """Blocks that make one passage if it is not too long, and the headings above them."""

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]
    lead: Lead | None

    @property
    def span(self) -> Span:
        return Span(self.blocks[0].span.start, self.blocks[-1].span.end)


def _groups(document: Document) -> Iterator[_Group]:
    path: list[tuple[int, str]] = []
    group: list[Block] = []

    def finished() -> _Group:
        return _Group(tuple(words for _, words in path), tuple(group), _lead(group, document.text))

    for block in document.blocks:
        if group and not _belongs_to(block, group[-1], document.text):
            yield finished()
            group = []
        if block.kind is BlockKind.TITLE:
            path = []
        elif block.kind is BlockKind.HEADING:
            words = " ".join(document.text[block.span.start : block.span.end].split())
            path = [(level, above) for level, above in path if level < block.level] + [(block.level, words)]
        else:
            group.append(block)
    if group:
        yield finished()


def _belongs_to(block: Block, previous: Block, text: str) -> bool:
    """Whether a block is the next item or row of a list or table, or the first under its lead-in."""
    follows = _FOLLOWS.get(block.kind)
    if follows is None:
        return False
    leads_in = previous.kind is BlockKind.PARAGRAPH and text[previous.span.end - 1] == ":"
    return leads_in or previous.kind in follows


def _lead(blocks: Sequence[Block], text: str) -> Lead | None:
    """What the items or rows of these blocks are read with: all before them, of a lead-in its last sentence.

    In a paragraph of lines, the line that ends in a colon before lines that are all items.
    """
    items = [number for number, block in enumerate(blocks) if block.kind in _ITEMS]
    if not items:
        return _lead_of_lines(blocks[0].span, text) if blocks[0].kind is BlockKind.PARAGRAPH else None
    before = blocks[: items[0]]
    starts = [block.span.start for block in before]
    if before and before[0].kind is BlockKind.PARAGRAPH:
        starts[0] += split_sentences(text[starts[0] : before[0].span.end])[-1].start
    return next(
        (
            Lead(Span(start, before[-1].span.end), text[start : before[-1].span.end])
            for start in starts
            if before[-1].span.end - start <= LONGEST_LEAD
        ),
        None,
    )


def _lead_of_lines(paragraph: Span, text: str) -> Lead | None:
    words = text[paragraph.start : paragraph.end]
    found = re.search(r":[ \t]*\n", words)
    if found is None or not all(_BULLET.match(line) for line in words[found.end() :].split("\n")):
        return None
    lead_in = split_sentences(words[: found.start() + 1])[-1].shifted(paragraph.start)
    lead = Lead(lead_in, text[lead_in.start : lead_in.end])
    return lead if len(lead.text) <= LONGEST_LEAD else None


_ITEMS = (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW)
_FOLLOWS: Mapping[BlockKind, Sequence[BlockKind]] = {
    BlockKind.LIST_ITEM: (BlockKind.LIST_ITEM,),
    BlockKind.TABLE_HEADER: (),
    BlockKind.TABLE_ROW: (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW),
}
"""What else than a lead-in each kind of block may follow in one passage."""


class _Cutter:
    """Cuts the groups of one document into passages that the model can read whole."""

    def __init__(self, document: Document, count_tokens: CountTokens, max_tokens: int) -> None:
        self._document = document
        self._count_tokens = count_tokens
        self._max_tokens = max_tokens
        self._prefixes: dict[tuple[tuple[str, ...], str], str] = {}

    def whole(self, group: _Group) -> list[Passage]:
        """The group as one passage."""
        return [self._passage(group, self._sentences(group.blocks))]

    def parts(self, group: _Group) -> list[Passage]:
        """The group in as few passages as its sentences allow, of much the same length."""
        if len(group.blocks) > 1:
            units = [self._sentences((block,)) for block in group.blocks]
        else:
            units = [[sentence] for sentence in self._sentences(group.blocks)]
        prefix = self.prefix(group.headings, group.lead.text if group.lead else "")
        units = self._divided(prefix, units)
        return [
            self._passage(group, [sentence for unit in part for sentence in unit])
            for part in self._packed(prefix, units)
        ]

    def prefix(self, headings: tuple[str, ...], lead: str = "") -> str:
        """What a stretch is read with; without the lead, or empty, where that takes more than half."""
        key = headings, lead
        if key not in self._prefixes:
            above = ". ".join(headings) or self._document.title
            prefix = "".join(f"{line}\n" for line in (above, lead) if line)
            takes_over = 2 * self._count_tokens([prefix])[0] > self._max_tokens
            rest = self.prefix(headings) if lead else ""
            self._prefixes[key] = rest if takes_over else prefix
        return self._prefixes[key]

    def fit(self, texts: Sequence[tuple[str, Span]]) -> list[bool]:
        """Whether each stretch, with what is before it, is short enough for the model."""
        most = self._max_tokens * MOST_CHARACTERS_PER_TOKEN
        fits = [span.end - span.start <= most for _, span in texts]
        counted = [number for number, short in enumerate(fits) if short]
        prefixed = [texts[number][0] + self._text(texts[number][1]) for number in counted]
        for number, count in zip(counted, self._count_tokens(prefixed) if prefixed else [], strict=True):
            fits[number] = count <= self._max_tokens
        return fits

    def _divided(self, prefix: str, units: list[list[Span]]) -> list[list[Span]]:
        """Units that fit: an item too long falls apart in its sentences, a sentence in slices."""
        spans = [(prefix, Span(unit[0].start, unit[-1].end)) for unit in units]
        divided: list[list[Span]] = []
        for unit, short in zip(units, self.fit(spans), strict=True):
            if short:
                divided.append(unit)
            elif len(unit) > 1:
                divided += self._divided(prefix, [[sentence] for sentence in unit])
            else:
                divided += [[part] for part in self._slices(prefix, unit[0])]
        return divided

    def _slices(self, prefix: str, sentence: Span) -> list[Span]:
        """A sentence that is too long, cut at blanks, or at characters where it has none."""
        length = max(1, self._room(prefix) * CHARACTERS_PER_TOKEN)
        slices = _sliced(self._document.text, sentence, length)
        while length > 1:
            fits = self.fit([(prefix, part) for part in slices])
            if all(fits):
                break
            length = max(1, length // 2)
            slices = [
                smaller
                for part, short in zip(slices, fits, strict=True)
                for smaller in ([part] if short else _sliced(self._document.text, part, length))
            ]
        return slices

    def _packed(self, prefix: str, units: list[list[Span]]) -> list[list[list[Span]]]:
        """Units laid together as far as they fit, spread evenly over as few parts as that takes."""
        counts = self._counts([Span(unit[0].start, unit[-1].end) for unit in units])
        parts = _spread(counts, self._room(prefix))
        packed = []
        while parts:
            spans = [(prefix, Span(units[part[0]][0].start, units[part[-1]][-1].end)) for part in parts]
            halves = []
            for part, short in zip(parts, self.fit(spans), strict=True):
                if short or len(part) == 1:
                    packed.append(part)
                else:  # counts of parts add up to a little less than the count of the whole
                    halves += [part[: len(part) // 2], part[len(part) // 2 :]]
            parts = halves
        return [[units[number] for number in part] for part in sorted(packed, key=lambda part: part[0])]

    def _counts(self, spans: Sequence[Span]) -> list[int]:
        """Tokens of each stretch by itself, without what the model adds to every text."""
        added, *counts = self._count_tokens(["", *(self._text(span) for span in spans)])
        return [max(1, count - added) for count in counts]

    def _room(self, prefix: str) -> int:
        return max(1, self._max_tokens - self._count_tokens([prefix])[0])

    def _text(self, span: Span) -> str:
        return self._document.text[span.start : span.end]

    def _sentences(self, blocks: Sequence[Block]) -> list[Span]:
        sentences: list[Span] = []
        for block in blocks:
            split = _SPLITS.get(block.kind, split_sentences)
            sentences += (part.shifted(block.span.start) for part in split(self._text(block.span)))
        return sentences

    def _passage(self, group: _Group, sentences: Sequence[Span]) -> Passage:
        span = Span(sentences[0].start, sentences[-1].end)
        return Passage(
            self._document.id, span, self._text(span), group.headings, tuple(sentences), group.lead
        )


def _spread(counts: Sequence[int], room: int) -> list[list[int]]:
    """Numbers of the units in each part: as few parts as greedy filling takes, evenly filled."""
    total = sum(counts)
    parts: list[list[int]] = [[]]
    filled = 0
    for number, count in enumerate(counts):
        left = max(1, math.ceil((total + filled) / room))
        even = (total + filled) / left
        if parts[-1] and (filled + count > room or filled + count / 2 > even):
            parts.append([])
            filled = 0
        parts[-1].append(number)
        filled += count
        total -= count
    return parts


def _sliced(text: str, span: Span, length: int) -> list[Span]:
    """Slices of at most ``length`` characters, without the blanks around them."""
    slices = []
    start = span.start
    while start < span.end:
        end = min(start + length, span.end)
        if end < span.end:
            end = _last_blank(text, start, end) or _between_characters(text, start, end)
        slices += _trimmed(text, start, end)
        start = end
    return slices


def _last_blank(text: str, start: int, end: int) -> int | None:
    return next((place for place in range(end, start, -1) if text[place].isspace()), None)


def _between_characters(text: str, start: int, end: int) -> int:
    """The last place up to ``end`` that keeps a letter and its accents, or an emoji, together."""
    for place in range(end, max(start, end - 16), -1):
        if not (_extends(text[place]) or text[place - 1] == "\u200d"):
            return place
    return end


def _extends(character: str) -> bool:
    return character == "\u200d" or unicodedata.category(character) in ("Mn", "Me", "Mc", "Sk")


def _trimmed(text: str, start: int, end: int) -> list[Span]:
    """The stretch without the blanks around it: one span, or none where all of it is blank."""
    words = text[start:end]
    left = start + len(words) - len(words.lstrip())
    right = start + len(words.rstrip())
    return [Span(left, right)] if left < right else []


# Lines


def _code_lines(text: str) -> tuple[Span, ...]:
    ends = [place.end() for place in re.finditer("\n", text)]
    return _cut_at(text, ends)


def _row(text: str) -> tuple[Span, ...]:
    """A row of a table: what one cell says is of no use without the others."""
    return _cut_at(text, ()) if len(text) <= LONGEST_ROW else split_sentences(text)


_SPLITS: Mapping[BlockKind, Callable[[str], tuple[Span, ...]]] = {
    BlockKind.CODE: _code_lines,
    BlockKind.TABLE_HEADER: _row,
    BlockKind.TABLE_ROW: _row,
}
"""How blocks fall apart that are no prose."""


def _lines(text: str) -> tuple[Span, ...]:
    """The text cut at the line ends that a writer meant."""
    lines = text.split("\n")
    width = max(len(line.strip()) for line in lines)
    ends = []
    place = 0
    for line, following in pairwise(lines):
        place += len(line) + 1
        if not _is_wrapped(line, following, width):
            ends.append(place)
    return _cut_at(text, ends)


def _is_wrapped(line: str, following: str, width: int) -> bool:
    """Whether the sentence goes on: in lower case, or as the next word would not have fitted."""
    first_word = following.split(maxsplit=1)[:1]
    if not line.strip() or not first_word or _BULLET.match(following):
        return False
    goes_on = first_word[0][0].islower()
    full = width >= MIN_WRAP_WIDTH and len(line.strip()) + 1 + len(first_word[0]) > width
    return goes_on or full


def _cut_at(text: str, ends: Sequence[int]) -> tuple[Span, ...]:
    places = [0, *ends, len(text)]
    return tuple(span for start, end in pairwise(places) for span in _trimmed(text, start, end))


_BULLET = re.compile(r"\s*(?:[-*+•·–—▪◦]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s")


# Sentences


def _sentences_of_line(text: str) -> tuple[Span, ...]:
    from sentencex import segment  # type: ignore[import-untyped]

    ends: set[int] = set()
    place = 0
    for sentence in segment("nl", text.translate(_AsciiShapes())):
        place += len(sentence)
        ends.add(place)
    ends.discard(place)
    ends |= {found.end() for found in _MISSED_END.finditer(text)}
    ends |= {found.end() for found in _END_IN_BRACKETS.finditer(text) if _opens(text, found.start(), ends)}
    return _cut_at(text, _mended(text, sorted(ends)))


def _mended(text: str, ends: Sequence[int]) -> list[int]:
    """The ends without those inside a sentence, each behind the closing marks of its sentence."""
    mended: list[int] = []
    start = 0
    for number, found in enumerate(ends):
        following = ends[number + 1] if number + 1 < len(ends) else len(text)
        end = found - 1 if _APOSTROPHE.match(text, max(start, found - 2), found) else found
        emoji = _EMOJI.match(text, end)
        end = emoji.end() if emoji else end
        if end <= start or end >= len(text) or _goes_on(text, start, end, following):
            continue
        mended.append(end)
        start = end
    return mended


def _goes_on(text: str, start: int, end: int, following: int) -> bool:
    """Whether the sentence that the library ends at ``end`` goes on there."""
    before = text[max(start, end - _LOOK_BACK) : end].rstrip()
    after = text[end : end + _LOOK_AHEAD].lstrip()
    if not any(character.isalnum() for character in text[end:following]):
        return True
    if end - start <= _LOOK_AHEAD and _MARKER.fullmatch(text[start:end].strip()):
        return True
    if _ABBREVIATION.search(before) and not _MAY_END.search(before):
        return True
    if after[:1].isdigit():
        return _NUMBERED.search(before) is not None
    if after[:1].islower():
        return any(pattern.search(before) for pattern in (_ABBREVIATION, _NUMBERED, _UNFINISHED))
    return _INITIAL_OF_A_PERSON.search(before) is not None


def _opens(text: str, closing: int, ends: set[int]) -> bool:
    """Whether the bracket that closes here was opened at the start of a sentence."""
    opening = text.rfind("(", max(0, closing - _LONGEST_BRACKETS), closing)
    return opening == 0 or opening in ends


class _AsciiShapes(dict[int, str]):
    """Each character as one of ASCII that acts the same at a sentence end.

    sentencex 1.0.32 panics at an initial beside a character of several bytes, as a line separator
    (U+2028), and takes quadratic time over curly quotation marks that are not closed.
    """

    def __missing__(self, code: int) -> str:
        self[code] = shape = _ascii_shape(chr(code))
        return shape


def _ascii_shape(character: str) -> str:
    if character.isspace() or character < " ":
        return " "
    if character.isascii():
        return character
    for shape, alike in (("'", "‘’‚‛"), ('"', "“”„‟«»"), (".", "…")):
        if character in alike:
            return shape
    if character.isupper():
        return "E"
    if character.isdigit():
        return "1"
    return "e" if character.isalpha() or unicodedata.combining(character) else "-"


_LOOK_BACK = 60
_LOOK_AHEAD = 8
_LONGEST_BRACKETS = 1_000

_TITLES = "dhr|mevr|mw|mr|dr|drs|ir|ing|prof|ds|jhr|bc|fam|mgr|lic"
_BEFORE_A_WORD = (
    rf"{_TITLES}|art|bijv|vgl|zgn|resp|evt|ca|incl|excl|st|afd|alg|adv|betr|bijl|fig|gebr|inz|mod|opm|plv|"
    "vnl|wnd"
)
_BEFORE_A_NUMBER = (
    "nr|nrs|blz|pag|par|hfst|tel|max|min|ong|jan|feb|febr|mrt|apr|jun|jul|aug|sep|sept|okt|nov|dec"
)
_MAY_END_WORDS = r"e\.d|e\.v|e\.a|e\.e\.a|a\.s|a\.u\.b|n\.v\.t|z\.s\.m|p\.p|p\.m|p\.w|p\.j|p\.u|p\.st"
_LEGAL_FORMS = r"B\.V|N\.V|V\.O\.F|U\.A"
_SENTENCE_STARTERS = (
    "De|Het|Een|Die|Dat|Dit|Deze|Er|Hij|Zij|Ze|Wij|We|U|Ik|Je|Jij|Ook|Voor|In|Op|Als|Bij|Daar|Daarna|Met"
)
_CAPITAL = r"(?=[\"'“„‘(]?[A-ZÀ-ÖØ-Þ0-9])"

_ABBREVIATION = re.compile(rf"(?<![\w.])(?:(?i:{_BEFORE_A_WORD})|[a-z](?:\.[a-z]){{1,5}})\.$")
"""Abbreviations that a sentence does not end with: those listed, and any as "d.w.z." or "o.a."."""

_NUMBERED = re.compile(rf"(?<![\w.])(?i:{_BEFORE_A_NUMBER})\.$")
"""Abbreviations that a number belongs to: "nr. 3", "1 jan. 2025"."""

_MAY_END = re.compile(rf"(?<![\w.])(?:{_MAY_END_WORDS})\.$")

_MISSED_END = re.compile(
    r"(?:(?<![\w.])[^\W\d_]{2,}+\.|\w\.(?:nl|com|eu|org)\.|(?:www\.|://|\w@)\S{1,100}\."
    rf"|(?<![\w.])(?:{_MAY_END_WORDS})\.)[\"'”’)]{{0,2}}\s+{_CAPITAL}"
    rf"|(?<![\w.])(?:{_LEGAL_FORMS})\.\s+(?=(?:{_SENTENCE_STARTERS})\b)"
    r"|\w\w[.!?]\s+(?=['‘’][A-Z]\w)"
)
"""Ends that sentencex misses: it takes many a word for an abbreviation ("dat", "app", "IND", "VS"), and
knows none after an address, "p.p.", "B.V." before a word that starts a sentence, or before a quotation."""

_END_IN_BRACKETS = re.compile(rf"[.!?…][\"'”’]?\)\s+{_CAPITAL}")
_INITIAL_OF_A_PERSON = re.compile(
    rf"(?:^|[\s(])(?i:(?:{_TITLES})\.|heer|mevrouw|meneer)\s+(?:[A-Z]\.\s?){{1,6}}$"
)
_UNFINISHED = re.compile(r"(?:…|\.\.\.|[.!?…][\"'”’»)\]])$")
_MARKER = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z])[.)]")
_APOSTROPHE = re.compile(r"\s['’‘]")
_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u200d\ufe0f]+\s*")
