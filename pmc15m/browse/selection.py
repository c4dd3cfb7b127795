"""What somebody looks at: a view, chosen facets, a condition, words, an order. An address says it, and a recipe.

Pure: no table is read here. Every choice has two forms that mean the same: values in the address (`?licence=CC+BY`),
and SQL over the columns of `pairs`, from which the recipe of the selection is made.
"""

import enum
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from pmc15m.errors import UsageError


class View(enum.StrEnum):
    """What a card stands for."""

    FIGURES = "figures"  # one a picture, or one a figure that has none; what was lost is there, too
    PAIRS = "pairs"  # one a pair, as it is trained on


class Order(enum.StrEnum):
    """How the cards are sorted."""

    STORED = "stored"  # as the parts hold them
    WORST = "worst"  # the least certain first; what has no certainty comes last
    RANDOM = "random"  # by hash with a seed: a sample that is the same tomorrow


@dataclass(frozen=True, slots=True)
class Facet:
    """A property to choose values of: `column` is SQL over `pairs`; `of_figures` where the view of figures differs."""

    name: str
    title: str
    column: str
    of_figures: str = ""
    views: tuple[View, ...] = tuple(View)
    is_set: bool = False  # a row has any number of values
    without: str = "none"  # what a row without a value is called

    def test(self, view: View, value: str) -> str:
        """SQL over `pairs`; "" stands for null, or for a set without values."""
        column = (self.of_figures if view is View.FIGURES else "") or self.column
        if self.is_set:
            return f"list_contains({column}, {quoted(value)})" if value else f"len(coalesce({column}, [])) = 0"
        return f"{column} = {quoted(value)}" if value else f"{column} IS NULL"


def _of_picture(column: str, table: str) -> str:
    return f"(SELECT {column} FROM {table} WHERE {table}.image_key = pairs.image_key)"


STEPS = "if({0} >= 0.8, 0.8, floor({0}::DOUBLE * 5) / 5)"  # of certainty: 0, 0.2 … 0.8
FACETS: Mapping[str, Facet] = {
    facet.name: facet
    for facet in (
        Facet("status", "status", _of_picture("status", "pixels")),
        Facet("reason", "reason", _of_picture("reason", "pixels"), views=(View.FIGURES,)),
        Facet("level", "level", "level", views=(View.PAIRS,)),
        Facet(
            "certainty",
            "certainty, from",
            STEPS.format("alignment_score"),
            STEPS.format(_of_picture("min(alignment_score)", "panels")),
        ),
        Facet("mark", "mark", "", without="unmarked"),  # in no table: `Selection.tests` lists the keys
        Facet("licence", "licence", "licence_code"),
        Facet("kind", "kind of picture", "image_kind"),
        Facet("modality", "modality", "modalities", is_set=True),
        Facet("year", "year", "year"),
        Facet("split", "split", "split"),
        Facet("flag", "flags", "flags", is_set=True),
        Facet("journal", "journal", "journal"),
    )
}
_WORDS = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One state of the gallery; equal selections have equal addresses."""

    view: View
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Facet → values, any of which will do; "" is "not known"."""
    where: str = ""
    words: str = ""
    order: Order = Order.STORED
    seed: int = 0

    @classmethod
    def of(cls, view: View, parameters: Iterable[tuple[str, str]]) -> "Selection":
        """The selection that an address names. Raises `UsageError` for what no address of ours has."""
        chosen: dict[str, tuple[str, ...]] = {}
        others = {"where": "", "words": "", "sort": Order.STORED.value, "seed": "0"}
        for name, value in parameters:
            if name in FACETS and view in FACETS[name].views:
                chosen[name] = tuple(sorted({*chosen.get(name, ()), value}))
            elif name in others:
                others[name] = value.strip()
            else:
                raise UsageError(f"there is no {name!r} to choose {view} by; there is {', '.join((*FACETS, *others))}")
        if others["sort"] not in list(Order):
            raise UsageError(f"sort is one of {', '.join(Order)}, not {others['sort']!r}")
        if not re.fullmatch(r"[0-9]{1,9}", others["seed"]):
            raise UsageError(f"seed is a number of at most nine digits, not {others['seed']!r}")
        return cls(
            view=view,
            chosen=chosen,
            where=others["where"],
            words=others["words"],
            order=Order(others["sort"]),
            seed=int(others["seed"]),
        )

    @property
    def query(self) -> str:
        """The address's part behind `?`, in one order."""
        pairs = [(name, value) for name in FACETS for value in self.chosen.get(name, ())]
        pairs += [("words", self.words)] * bool(self.words) + [("where", self.where)] * bool(self.where)
        if self.order is not Order.STORED:
            pairs.append(("sort", self.order))
        if self.seed:
            pairs.append(("seed", str(self.seed)))
        return urlencode(pairs)

    def address(self, path: str = "", **more: object) -> str:
        """Path and query; `path` defaults to the view's own page."""
        query = "&".join(filter(None, [self.query, urlencode({k: v for k, v in more.items() if v})]))
        return f"{path or f'/{self.view}'}{'?' if query else ''}{query}"

    def toggled(self, facet: str, value: str) -> "Selection":
        """With a value chosen that was not, or without one that was."""
        values = tuple(sorted({*self.chosen.get(facet, ())} ^ {value}))
        rest = {name: kept for name, kept in self.chosen.items() if name != facet}
        return replace(self, chosen=rest | ({facet: values} if values else {}))

    def only(self, facet: str, value: str) -> "Selection":
        """With no other value of a facet."""
        return replace(self, chosen={**self.chosen, facet: (value,)})

    def ordered(self, order: Order, seed: int = 0) -> "Selection":
        return replace(self, order=order, seed=seed)

    def seen_as(self, view: View) -> "Selection":
        """The same choices in the other view, as far as it has them; a condition is about one view's columns."""
        kept = {name: values for name, values in self.chosen.items() if view in FACETS[name].views}
        return replace(self, view=view, chosen=kept, where="")

    def tests(self, marks: Mapping[str, str]) -> list[tuple[str, str]]:
        """(name, SQL over `pairs`) of every choice, in the order of the facets; `marks` are verdicts by key."""
        found = [(name, self._any(FACETS[name], marks)) for name in FACETS if name in self.chosen]
        found += [("words", words_test(self.words))] * bool(self.words)
        return found + [("condition", self.where)] * bool(self.where)

    def _any(self, facet: Facet, marks: Mapping[str, str]) -> str:
        values = self.chosen[facet.name]
        if facet.name == "mark":  # a pair of a whole figure has its picture's key
            return " OR ".join(_marked_test(marks, value) for value in values)
        return " OR ".join(facet.test(self.view, value) for value in values)

    def recipe(self, marks: Mapping[str, str]) -> str:
        """A recipe that keeps the pairs of this selection: TOML for `pmc15m export --recipe FILE`."""
        steps = [("figures", "level = 'figure'")] * (self.view is View.FIGURES) + self.tests(marks)
        lines = [f"description = {_toml('Chosen in pmc15m browse: ' + self.address())}"]
        for name, test in steps:
            lines += ["", "[[predicate]]", f"name = {_toml(name)}", f"where = {_toml(test)}", 'why = "chosen by hand"']
        return "\n".join(lines) + "\n"


def words_test(words: str, column: str = "text") -> str:
    """SQL: every word, or "phrase in quotes", begins somewhere in the text, whatever its case."""
    tests = []
    for phrase, word in _WORDS.findall(words):
        sought = re.escape(phrase or word)
        edge = r"\b" if re.match(r"\w", phrase or word, re.ASCII) else ""
        tests.append(f"regexp_matches({column}, {quoted(f'(?i){edge}{sought}')})")
    return " AND ".join(tests) or "true"


def _marked_test(marks: Mapping[str, str], value: str) -> str:
    """SQL over `pairs`: the mark is now this one; "" is no mark."""
    keys = ", ".join(quoted(key) for key, verdict in sorted(marks.items()) if value in ("", verdict))
    return f"pair_key {'' if value else 'NOT '}IN ({keys})" if keys else "false" if value else "true"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _toml(text: str) -> str:
    """A basic string; what JSON escapes, TOML reads alike, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
