"""A selection, its address and its recipe say the same."""

import tomllib
from urllib.parse import parse_qsl

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.browse.selection import FACETS, Order, Selection, View, words_test
from pmc15m.errors import UsageError
from pmc15m.export.recipes import parse_recipe

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    view = draw(st.sampled_from(View))
    names = [name for name in FACETS if view in FACETS[name].views]
    chosen = draw(st.dictionaries(st.sampled_from(names), st.sets(TEXTS, min_size=1, max_size=3)))
    return Selection(
        view=view,
        chosen={name: tuple(sorted(chosen[name])) for name in names if name in chosen},
        where=draw(TEXTS).strip(),
        words=draw(TEXTS).strip(),
        order=draw(st.sampled_from(Order)),
        seed=draw(st.integers(0, 10**9 - 1)),
    )


@given(selections())
def test_an_address_leads_back_to_its_selection(selection: Selection) -> None:
    path, _, query = selection.address().partition("?")
    assert path == f"/{selection.view}"
    assert Selection.of(selection.view, parse_qsl(query, keep_blank_values=True)) == selection


@given(selections(), st.dictionaries(TEXTS, st.sampled_from(["right", "partly", "wrong"]), max_size=3))
def test_a_recipe_holds_every_test_whatever_is_in_it(selection: Selection, marks: dict[str, str]) -> None:
    steps = tomllib.loads(selection.recipe(marks)).get("predicate", [])
    told = [(step["name"], step["where"]) for step in steps if step["name"] != "figures"]
    assert told == selection.tests(marks)
    parse_recipe("chosen", selection.recipe(marks))


def test_choosing_twice_takes_back() -> None:
    selection = Selection(view=View.PAIRS)
    once = selection.toggled("year", "2020")
    assert once.chosen == {"year": ("2020",)}
    assert once.toggled("year", "2019").chosen == {"year": ("2019", "2020")}
    assert once.toggled("year", "2020") == selection


@pytest.mark.parametrize(
    ("name", "value"),
    [("colour", "red"), ("sort", "upwards"), ("seed", "-1"), ("seed", "1" * 10), ("reason", "broken")],
)
def test_what_no_address_of_ours_has_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        Selection.of(View.PAIRS, [(name, value)])


def test_the_other_view_takes_over_what_it_knows() -> None:
    figures = Selection(view=View.FIGURES, chosen={"reason": ("missing",), "year": ("2020",)}, where="width > 3")
    assert figures.seen_as(View.PAIRS) == Selection(view=View.PAIRS, chosen={"year": ("2020",)})


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("cell", "A CELL line", True),
        ("cell", "Cells", True),
        ("cell", "unicellular", False),
        ("cell line", "line of a cell", True),
        ('"cell line"', "line of a cell", False),
        ('"cell line"', "the Cell lines", True),
        ("(a)", "panel (A)", True),
        (".", "no stop", False),
        ("β-actin", "and β-actin", True),
        ("it's", "so it's", True),
        ("", "anything", True),
    ],
)
def test_words_begin_where_a_word_begins(words: str, text: str, expected: bool) -> None:
    [(found,)] = duckdb.execute(f"SELECT {words_test(words)} FROM (SELECT $1 AS text)", [text]).fetchall()
    assert found is expected
