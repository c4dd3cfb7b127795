"""What is counted is what is found, by the index, by SQL and by the recipe."""

from collections.abc import Iterator

import pytest

from pmc15m.browse import index as module
from pmc15m.browse.cards import cards, keys
from pmc15m.browse.index import Index
from pmc15m.browse.selection import FACETS, Order, Selection, View
from pmc15m.errors import UsageError
from pmc15m.export.funnel import run_recipe
from pmc15m.export.recipes import parse_recipe
from pmc15m.query import connect
from pmc15m.workspace import Workspace


@pytest.fixture
def marks(index: Index) -> Iterator[dict[str, str]]:
    """A panel pair, a pair of a whole figure, a figure without a picture, and what is in no view."""
    given = {"PMC6_1_f001_g01_p01": "wrong", "PMC1_1_f002_g01": "right", "PMC2_1_f003": "partly"}
    given |= {"PMC1_1_f001": "wrong", "PMC6_1_f002_g01_p00": "right", "PMC99_1_f001_g01": "right", "": "wrong"}
    index.take_marks(given)
    yield given
    index.take_marks({})


def everything(index: Index, selection: Selection) -> list[str]:
    return [card.key for card in cards(index, selection.view, index.select(selection, 1000))]


def choices(index: Index, view: View) -> list[tuple[str, str]]:
    facets = index.counts(Selection(view=view)).facets
    return [(name, value) for name, counts in facets.items() for value, _ in counts]


def test_every_row_is_there(index: Index, workspace: Workspace) -> None:
    with connect(workspace) as connection:
        [(pairs, figures)] = connection.sql(
            "SELECT (SELECT count(*) FROM pairs), (SELECT count(*) FROM figures LEFT JOIN images USING (figure_key))"
        ).fetchall()
    assert index.sizes == {View.PAIRS: pairs, View.FIGURES: figures}
    assert set(choices(index, View.FIGURES)) > {("status", "unusable"), ("status", "not_stored"), ("reason", "broken")}


@pytest.mark.parametrize("view", View)
def test_a_count_is_what_choosing_it_finds(index: Index, view: View) -> None:
    for others in ({}, {"licence": ("CC BY", "CC0")}, {"journal": ("J. Test",)}, {"certainty": ("0.0", "")}):
        before = index.counts(Selection(view=view, chosen=others))
        assert {"status", "licence"} & set(before.facets)
        for name, counts in before.facets.items():
            for value, n in counts:
                chosen = Selection(view=view, chosen=others | {name: (value,)})
                assert index.counts(chosen).total == n == len(everything(index, chosen)), (others, name, value)


def marked(index: Index, view: View, *verdicts: str, **others: tuple[str, ...]) -> Selection:
    return Selection(view=view, chosen={"mark": verdicts, **others})


def test_marks_are_a_facet_like_the_others(index: Index, marks: dict[str, str]) -> None:
    assert dict(index.counts(Selection(view=View.PAIRS)).facets["mark"]) == {"": 6, "right": 1, "wrong": 1}
    assert dict(index.counts(Selection(view=View.FIGURES)).facets["mark"]) == {"": 7, "right": 1, "partly": 1}
    assert everything(index, marked(index, View.PAIRS, "wrong")) == ["PMC6_1_f001_g01_p01"]
    assert everything(index, marked(index, View.FIGURES, "partly")) == ["PMC2_1_f003"]
    assert index.counts(marked(index, View.PAIRS, "right", "wrong")).total == 2
    test_a_count_is_what_choosing_it_finds(index, View.PAIRS)
    test_a_count_is_what_choosing_it_finds(index, View.FIGURES)
    for chosen in ({"mark": ("",)}, {"mark": ("right", "wrong"), "level": ("panel",)}, {"mark": ("", "wrong")}):
        counts = index.counts(Selection(view=View.PAIRS, chosen=chosen))
        for name, values in counts.facets.items():
            for value, n in values:
                assert index.counts(Selection(view=View.PAIRS, chosen={**chosen, name: (value,)})).total == n


def test_a_recipe_and_a_list_of_keys_hold_what_is_marked(
    index: Index, workspace: Workspace, marks: dict[str, str]
) -> None:
    with connect(workspace) as connection:
        for verdicts in (("wrong",), ("partly",), ("",), ("", "right")):
            selection = marked(index, View.PAIRS, *verdicts)
            recipe = parse_recipe("chosen", selection.recipe(marks))
            run_recipe(connection, recipe)
            kept = sorted(key for (key,) in connection.sql(f"SELECT pair_key FROM {recipe.kept}").fetchall())
            assert kept == sorted(keys(index, selection)) == sorted(everything(index, selection)), verdicts
    assert list(keys(index, marked(index, View.FIGURES, "right"))) == ["PMC1_1_f002"]


def test_a_mark_that_changes_or_is_taken_back_is_counted_anew_also_in_a_search(index: Index) -> None:
    words = {"words": "cells", "view": View.PAIRS}
    before, rows = Selection(**words), index.counts(Selection(view=View.PAIRS))
    assert "mark" not in index.counts(before).facets
    for verdict in ("wrong", "right", "right"):
        index.take_marks({"PMC6_1_f001_g01_p00": verdict})
        assert dict(index.counts(before).facets["mark"]) == {"": 2, verdict: 1}
        assert dict(index.counts(Selection(view=View.PAIRS)).facets["mark"]) == {"": 7, verdict: 1}
    later = Selection(view=View.PAIRS, where="n_words < 6", chosen={"mark": ("right",)})  # searched after the mark
    assert everything(index, later) == ["PMC6_1_f001_g01_p00"]
    index.take_marks({})
    assert index.counts(Selection(view=View.PAIRS)) == rows
    assert "mark" not in index.counts(before).facets


def test_a_recipe_keeps_the_pairs_that_were_seen(index: Index, workspace: Workspace) -> None:
    selections = [Selection(view=View.PAIRS, chosen={name: (value,)}) for name, value in choices(index, View.PAIRS)]
    selections += [
        Selection(view=View.PAIRS, words="squares", where="year = 2020 OR year = 2016"),
        Selection(view=View.PAIRS, words='"left cells"', chosen={"level": ("panel",), "kind": ("microscopy", "")}),
    ]
    with connect(workspace) as connection:
        for selection in selections:
            recipe = parse_recipe("chosen", selection.recipe({}))
            run_recipe(connection, recipe)
            kept = connection.sql(f"SELECT pair_key FROM {recipe.kept}").fetchall()
            assert (
                sorted(key for (key,) in kept) == sorted(everything(index, selection)) == sorted(keys(index, selection))
            )


def test_a_recipe_of_figures_keeps_those_that_became_pairs(index: Index, workspace: Workspace) -> None:
    with connect(workspace) as connection:
        for name, value in choices(index, View.FIGURES):
            selection = Selection(view=View.FIGURES, chosen={name: (value,)})
            recipe = parse_recipe("chosen", selection.recipe({}))
            run_recipe(connection, recipe)
            kept = {key for (key,) in connection.sql(f"SELECT pair_key FROM {recipe.kept}").fetchall()}
            seen = set(everything(index, selection)) - {"PMC6_1_f002_g01"}  # which became no pair
            assert {key for key in kept if "PMC6" in key} == {key for key in seen if "PMC6" in key}, (name, value)


def test_the_worst_come_first_and_what_has_no_certainty_last(index: Index) -> None:
    found = cards(index, View.PAIRS, index.select(Selection(view=View.PAIRS, order=Order.WORST), 100))
    certainties = [card.facts["certainty"] for card in found]
    known = [one for one in certainties if one is not None]
    assert known == sorted(known)
    assert certainties[0] == pytest.approx(0.1)
    assert certainties[len(known) :] == [None] * (len(found) - len(known))
    [first, *_] = cards(index, View.FIGURES, index.select(Selection(view=View.FIGURES, order=Order.WORST), 1))
    assert first.key == "PMC6_1_f001_g01"


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("view", View)
def test_pages_hold_every_row_once(index: Index, view: View, order: Order) -> None:
    selection = Selection(view=view, order=order, seed=3)
    pages = [place for start in range(0, 20, 3) for place in index.select(selection, 3, start)]
    assert len(pages) == len(set(pages)) == index.sizes[view]
    assert pages == index.select(selection, 100)


def test_a_seed_is_an_order(index: Index) -> None:
    orders = {tuple(everything(index, Selection(view=View.PAIRS, order=Order.RANDOM, seed=seed))) for seed in range(5)}
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("year >", "syntax error"),
        ("yaer > 2000", "yaer"),
        ("year > 2000; DROP TABLE pairs", "syntax error|one statement"),
        ("true) OR (true", "one expression"),
        ("true) LIMIT (1", "one expression"),
        ("true) UNION SELECT * FROM pairs WHERE (true", "one expression"),
        ("pmcid IN (SELECT content FROM read_text('config.toml'))", "no read_text"),
        ("pmcid IN (FROM 'config.toml')", "no file"),
        ('pmcid IN (FROM "raw/00000.parquet")', "no file"),
        ("pmcid IN (FROM query('SELECT 1'))", "no query"),
        ("pmcid IN (WITH a AS (COPY pairs TO 'x.csv') SELECT 'x')", "only read|syntax error"),
        ("/*", "unterminated"),
    ],
)
def test_a_condition_is_one_expression_over_tables(index: Index, where: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=f"(?i){complaint}"):
        index.counts(Selection(view=View.PAIRS, where=where))


@pytest.mark.parametrize(
    ("view", "where", "expected"),
    [
        (View.PAIRS, "n_words > 2 -- some words", 6),
        (View.PAIRS, "pmcid IN (SELECT pmcid FROM articles WHERE title = 'Olives')", 3),
        (View.PAIRS, "pairs.box IS NOT NULL", 4),
        (View.FIGURES, "width = 600", 2),
        (View.FIGURES, "caption LIKE 'Navy%' AND n_panels = 2", 1),
        (View.FIGURES, "article_title = 'Olives' AND journal = 'Annals'", 2),
    ],
)
def test_a_condition_narrows(index: Index, view: View, where: str, expected: int) -> None:
    counts = index.counts(Selection(view=view, where=where))
    assert (counts.total, counts.searched) == (expected, 1)


def test_a_condition_that_never_ends_is_ended(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.1)
    endless = Selection(view=View.PAIRS, where="EXISTS (FROM range(100000000000) WHERE range = -n_words)")
    with pytest.raises(UsageError, match="no answer within"):
        index.counts(endless)
    assert index.counts(Selection(view=View.PAIRS)).total == 8


def test_a_long_search_shows_what_it_has_and_goes_on_when_asked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 1)  # a part at a time
    monkeypatch.setattr(module, "PATIENCE_S", -1)
    index = Index(workspace)
    selection = Selection(view=View.PAIRS, words="cells")
    first = index.counts(selection)
    assert (first.total, first.searched) == (0, 0.5)
    assert index.select(selection, 10) == []
    with pytest.raises(UsageError, match="50%"):
        keys(index, selection)
    second = index.counts(selection)
    assert (second.total, second.searched) == (3, 1)
    assert len(list(keys(index, selection))) == len(index.select(selection, 10)) == 3
    for n in range(5):  # old searches are forgotten
        index.counts(Selection(view=View.PAIRS, words=f"word{n}"))
    tables = index.ask("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'found%'")
    assert len(tables) == 2
    index.close()


def test_words_are_found_in_figures_that_became_no_pair(index: Index) -> None:
    assert everything(index, Selection(view=View.FIGURES, words="navy")) == ["PMC6_1_f002_g01"]


def test_all_facets_are_counted_somewhere(index: Index, marks: dict[str, str]) -> None:
    counted = {name for view in View for name in index.counts(Selection(view=view)).facets}
    assert counted == set(FACETS)
