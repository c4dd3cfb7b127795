"""Damaged articles: no crash, no hang, no wrong pair.

    python -m benchmarks.fuzz_jats ARTICLES_DIR [--n 10000] [--seed 0] [--out FAILURES_DIR]

Each case is one article of the folder, damaged in one to three ways: cut off, bytes flipped, tags deleted, doubled,
swapped or broken, markup put in, references to what is no character, numbers that nothing can hold, odd attributes.
(Text moved from one caption into another is not among them: such a file is sound and says so.) Parsed, it must give an
article that UTF-8 can hold, or a reason, within 5 CPU seconds, and no picture may have the caption of another. Memory
must not grow with the cases. A pair is wrong if the sound article has another caption for its href, and its caption is
more like another figure's than like the right one (`difflib`); what is only damaged within is none.
"""

import argparse
import difflib
import json
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.jats import sources
from pmc15m.jats import (
    PAIR_KINDS,
    Article,
    ArticleStatus,
    Figure,
    FigureReason,
    FigureStatus,
    Graphic,
    parse_article,
)

SLOW = 5.0
"""CPU seconds."""

_TAG = re.compile(rb"<[^<>]{1,300}>")
_TEXT = re.compile(rb">[^<>]*[^<>\s][^<>]*<")
_NUMBER = re.compile(rb">\s*\d+\s*<")
_VALUE = re.compile(rb"=\s*\"[^\"<]*\"")
_ODD_REFERENCES = (
    *(b"&#xD835;&#xDC00;", b"&#55349;&#56320;", b"&#xDC00;", b"&#xD800;a", b"&#x0;", b"&#x1F;", b"&#xFFFE;"),
    *(b"&#x110000;", b"&#" + b"9" * 5000 + b";", b"&#xZ;", b"&#;", b"&#x41", b"&nosuch;", b"&fig.1;"),
)
_ODD_NUMBERS = (
    *(b"99999999999", b"9" * 5000, b"-1", b"0", b"2147483648", b"9223372036854775808", b"1e400", b"NaN", b"13"),
    *(digit.encode() for digit in "²٣Ⅻ"),
)

Damage = Callable[[bytes, random.Random], bytes]


def cut_off(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flip_bytes(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if damaged:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def delete_tag(data: bytes, rng: random.Random) -> bytes:
    start, end = _tag(data, rng)
    return data[:start] + data[end:]


def double_tag(data: bytes, rng: random.Random) -> bytes:
    start, end = _tag(data, rng)
    return data[:end] + data[start:end] + data[end:]


def break_tag(data: bytes, rng: random.Random) -> bytes:
    start, end = _tag(data, rng)
    place = rng.randrange(start, end) if end > start else 0
    return data[:place] + bytes([rng.choice(b"<>/\"'&x= ")]) + data[place + 1 :]


def swap_tags(data: bytes, rng: random.Random) -> bytes:
    """Two tags change places: neighbours, or any two of different names (two graphics that do are no damage)."""
    start, end = _tag(data, rng)
    found = _TAG.search(data, end) if rng.random() < 0.5 else None
    other = found.span() if found else _tag(data, rng)
    (a, b), (c, d) = sorted(((start, end), other))
    same = data[a:b].split()[:1] == data[c:d].split()[:1]
    return data if b > c or same else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def put_in(data: bytes, rng: random.Random) -> bytes:
    piece = rng.choice(
        (b"<fig>", b"</fig>", b"<caption>", b"</caption>", b"&", b"<", b"&#0;", b"]]>", b"<!--", b"\x00", b"<![CDATA[")
    )
    place = rng.randrange(len(data) + 1)
    return data[:place] + piece + data[place:]


def odd_reference(data: bytes, rng: random.Random) -> bytes:
    """What is no character, by its number, in a text or in the value of an attribute."""
    start, end = _place(rng.choice((_TEXT, _VALUE)), data, rng)
    place = rng.randrange(start + 2, end) if end > start + 2 else end
    return data[:place] + rng.choice(_ODD_REFERENCES) + data[place:]


def odd_number(data: bytes, rng: random.Random) -> bytes:
    start, end = _place(_NUMBER, data, rng)
    return data[: start + 1] + rng.choice(_ODD_NUMBERS) + data[end - 1 :] if end else data


def odd_attribute(data: bytes, rng: random.Random) -> bytes:
    """A value that says nothing sensible, or another value of the file in its place."""
    start, end = _place(_VALUE, data, rng)
    other = slice(*_place(_VALUE, data, rng))
    odd = (b'=""', b'="' + b"x" * 3000 + b'"', b'=" a b  c "', b'="' + rng.choice(_ODD_NUMBERS) + b'"', data[other])
    same = b"href" in data[max(0, start - 6) : start]  # two pictures that change places are no damage
    return data[:start] + rng.choice(odd[:4] if same else odd) + data[end:]


DAMAGES: tuple[Damage, ...] = (
    cut_off,
    flip_bytes,
    delete_tag,
    double_tag,
    break_tag,
    swap_tags,
    put_in,
    odd_reference,
    odd_number,
    odd_attribute,
)


def _tag(data: bytes, rng: random.Random) -> tuple[int, int]:
    """A tag near a random place, half of the time one of a figure."""
    place = rng.randrange(len(data) + 1)
    if rng.random() < 0.5:
        place = max(data.find(rng.choice((b"<fig", b"</fig", b"<caption", b"</caption", b"<graphic")), place), place)
    found = _TAG.search(data, place) or _TAG.search(data)
    return found.span() if found else (0, 0)


def _place(what: re.Pattern[bytes], data: bytes, rng: random.Random) -> tuple[int, int]:
    """Where it stands, near a random place."""
    found = what.search(data, rng.randrange(len(data) + 1)) or what.search(data)
    return found.span() if found else (0, 0)


def damage(data: bytes, rng: random.Random) -> bytes:
    """One to three damages."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(DAMAGES)(data, rng)
    return data


Pairs = Mapping[str, frozenset[str]]
"""The captions that a sound article has for each href."""


def pairs_of(article: Article) -> Pairs:
    found: dict[str, set[str]] = {}
    for figure in article.figures:
        translated = (other.caption for other in figure.other_captions)
        captions = set(filter(None, (figure.full_caption, figure.caption, *translated)))
        for graphic in figure.graphics:
            if graphic.href:
                found.setdefault(graphic.href, set()).update(captions)
    return {href: frozenset(captions) for href, captions in found.items()}


def usable(article: Article) -> list[tuple[Figure, Graphic]]:
    """The pictures of figures that can give a pair."""
    figures = (f for f in article.figures if f.status is FigureStatus.OK and f.kind in PAIR_KINDS)
    return [(figure, graphic) for figure in figures for graphic in figure.graphics]


def wrong_pairs(article: Article, sound: Pairs) -> list[tuple[str, str]]:
    """Pairs of a damaged article whose caption belongs to another figure of the sound one."""
    wrong = []
    for figure, graphic in usable(article):
        caption = figure.full_caption or ""
        right = sound.get(graphic.href)
        if right is None or caption in right:
            continue
        others = {other for href, captions in sound.items() if href != graphic.href for other in captions} - right
        if others and max(_likeness(caption, other) for other in others) > max(
            (_likeness(caption, own) for own in right), default=0.5
        ):
            wrong.append((graphic.href, caption))
    return wrong


def _likeness(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one[:400], other[:400], autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() > 0.3 else 0.0


@dataclass(slots=True)
class Tally:
    """What came of the cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    slow: int = 0
    wrong: int = 0
    pairs: int = 0

    def add(self, data: bytes, sound: Pairs) -> str | None:
        """Parse one damaged article; the name of the failure, if it is one."""
        begin = time.process_time()
        try:
            article = parse_article(data)
            json.dumps(asdict(article), default=str, ensure_ascii=False).encode()
        except Exception as error:  # nothing may be raised: whatever it is, it is a failure
            self.crashes += 1
            return type(error).__name__
        if time.process_time() - begin > SLOW:
            self.slow += 1
            return "slow"
        self.outcomes[self._outcome(article)] += 1
        self.pairs += len(usable(article))
        found = wrong_pairs(article, sound)
        self.wrong += len(found)
        return "wrong" if found else None

    @staticmethod
    def _outcome(article: Article) -> str:
        if article.status is ArticleStatus.UNUSABLE:
            return f"unusable: {article.reason}"
        if any(figure.reason is FigureReason.DAMAGED_XML for figure in article.figures):
            return "figures, some damaged"
        return "figures" if article.figures else f"no figures: {article.reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the cases that fail")
    args = parser.parse_args()
    sound = [
        (source.name, data, pairs_of(parse_article(data)))
        for source in sources(args.articles)
        if (data := source.xml.read_bytes())
    ]
    tally = Tally()
    begin = time.process_time()
    early = 0
    for case in range(args.n):
        if case == args.n // 10:
            early = memory_mb()
        rng = random.Random(f"{args.seed}/{case}")
        name, data, pairs = rng.choice(sound)
        damaged = damage(data, rng)
        failure = tally.add(damaged, pairs)
        if failure:
            print(f"case {case} ({name}): {failure}")
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                (args.out / f"{case}-{failure}-{name}.xml").write_bytes(damaged)
    for outcome, count in tally.outcomes.most_common():
        print(f"{count:7d}  {outcome}")
    print(
        f"{args.n} cases, {tally.pairs} pairs, {time.process_time() - begin:.0f} CPU s: "
        f"{tally.crashes} crashes, {tally.slow} over {SLOW:.0f} s, {tally.wrong} wrong pairs; "
        f"memory {early} MB after a tenth, {memory_mb()} MB at the end"
    )
    raise SystemExit(bool(tally.crashes or tally.slow or tally.wrong))


def memory_mb() -> int:
    """The memory that this process has, as Linux tells it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20


if __name__ == "__main__":
    main()
