from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pmc15m.errors import UsageError
from pmc15m.export.funnel import Funnel, Removal, run_recipe
from pmc15m.export.recipes import Recipe, load_recipe, parse_recipe, shipped_recipes
from pmc15m.query import connect
from pmc15m.schema import PAIRS
from pmc15m.workspace import Workspace
from tests.curate.made import Made

TEXT = """
description = "Large plots."
[[predicate]]
name = "plots"
where = "image_kind = 'plot' -- and nothing else"
why = "to show"
[[predicate]]
name = "large"
where = "width >= 500"
why = "to see"
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four pairs; tests only read them."""
    made = Made(tmp_path_factory.mktemp("recipes"))
    article = made.article(1)
    for index, (kind, width) in enumerate([("plot", 400), ("plot", 600), ("photo", 600), (None, 600)], 1):
        made.figure(article, 0xFFFF << (12 * index), index=index, kind="figure", pixels_kind=kind, width=width)
    return made.curated().workspace


@pytest.fixture
def connection(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(workspace) as connection:
        yield connection


def kept(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> list[str]:
    return [key for (key,) in connection.execute(f"SELECT pair_key FROM {recipe.kept} ORDER BY 1").fetchall()]


def test_a_recipe_keeps_some_and_says_what_removed_the_rest(connection: duckdb.DuckDBPyConnection) -> None:
    recipe = parse_recipe("large-plots", TEXT)
    funnel = run_recipe(connection, recipe)
    assert funnel == Funnel(rows_in=4, steps=(Removal("plots", 2, 2), Removal("large", 1, 1)))  # null is not kept
    assert kept(connection, recipe) == ["PMC1_1_f002_g01"]
    assert funnel.as_rows()[0] == {"name": "pairs", "removed": 0, "left": 4}


def test_without_predicates_everything_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    recipe = parse_recipe("all", 'description = "Everything."')
    assert run_recipe(connection, recipe) == Funnel(rows_in=4, steps=())
    assert len(kept(connection, recipe)) == 4


def test_several_recipes_on_one_connection(connection: duckdb.DuckDBPyConnection) -> None:
    first, second = parse_recipe("a", TEXT), parse_recipe("b-2", 'description = "Everything."')
    for recipe in (first, second):
        run_recipe(connection, recipe)
    assert (len(kept(connection, first)), len(kept(connection, second))) == (1, 4)


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_run_and_add_up(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    recipe = load_recipe(name)
    funnel = run_recipe(connection, recipe)
    assert funnel.rows_in == funnel.kept + sum(step.removed for step in funnel.steps) == 4
    assert len(kept(connection, recipe)) == funnel.kept
    assert len(recipe.description) > 80


def test_the_recipes_that_ship() -> None:
    names = ["biomedical-images", "commercial", "microscopy", "panels", "pmc15m", "radiology"]
    assert shipped_recipes() == names
    without = [name for name in names if "retracted" not in str([step.where for step in load_recipe(name).predicates])]
    assert without == ["pmc15m"]  # nothing filtered, as the paper


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("description = ", "not TOML"),
        ("", "needs a description"),
        ('description = "x"\nfilter = 1', "unknown key filter"),
        ('description = "x"\n[[predicate]]\nname = "a"\nwhere = "true"', "exactly name, where and why"),
        ('description = "x"\n[[predicate]]\nname = "a"\nwhere = ""\nwhy = "b"', "none of them empty"),
        ('description = "x"\npredicate = "true"', "as [[predicate]] tables"),
        (TEXT + TEXT.replace('description = "Large plots."', ""), "two predicates have one name"),
    ],
)
def test_what_is_no_recipe(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("[", r"\[").replace("]", r"\]")):
        parse_recipe("mine", text)


@pytest.mark.parametrize("where", ["nosuch = 1", "width >", "count(*) > 1"])
def test_a_predicate_that_is_no_sql_is_named(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    recipe = parse_recipe("mine", TEXT.replace("width >= 500", where))
    with pytest.raises(UsageError, match="recipe mine: predicate large: "):
        run_recipe(connection, recipe)


@pytest.mark.parametrize("name", ["nosuch", "../secret.toml", "A B"])
def test_a_recipe_that_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match="there is no recipe"):
        load_recipe(name)


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    assert load_recipe(str(path)).name == "mine"


def test_recipes_ask_by_columns_that_exist() -> None:
    empty = PAIRS.empty_table()
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("pairs", empty)
        assert [run_recipe(connection, load_recipe(name)).rows_in for name in shipped_recipes()] == [0] * 6
