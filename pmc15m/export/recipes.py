"""Named subsets: a recipe is a TOML file of SQL predicates over `pairs`, in order; running it gives a funnel.

    description = "what it is for"

    [[predicate]]
    name = "large_enough"
    where = "least(width, height) >= 224"
    why = "smaller pictures are thumbnails"

A predicate removes the rows for which it is false or null. The shipped ones lie in `manifests/recipes`. A recipe may
also word its texts, with names of a sample's columns in braces (`columns`, pair_key and text):

    template = "{label} ({modalities}): {text}"         # what `export.text=template` writes

    [conversation]                                      # what the format llava writes
    questions = ["What does this picture show?"]        # one of them each, told by the pair's key
    answer = "{text}"
"""

import string
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmc15m.config import RECIPE_NAME
from pmc15m.errors import UsageError
from pmc15m.export.columns import KEY_AND_TEXT, SAMPLE
from pmc15m.manifests import FOLDER

RECIPES = FOLDER / "recipes"


@dataclass(frozen=True, slots=True)
class Predicate:
    """One step of a recipe: `where` is SQL over the columns of `pairs`."""

    name: str
    where: str
    why: str


_QUESTIONS = (
    "What does this picture show?",
    "Describe this figure from a biomedical article.",
    "What can be seen here?",
    "Write a caption for this picture.",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named subset of the pairs; `text` is the file as it was read."""

    name: str
    description: str
    predicates: tuple[Predicate, ...]
    text: str
    template: str = ""
    questions: tuple[str, ...] = _QUESTIONS
    answer: str = "{text}"

    @property
    def kept(self) -> str:
        """The relation with the keys of the kept pairs (one column, pair_key), after `run_recipe`."""
        return f'"kept_{self.name}"'


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by its name, or any file by its path. Raises `UsageError` for what is no recipe."""
    path = RECIPES / f"{name_or_path}.toml" if RECIPE_NAME.fullmatch(name_or_path) else Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"there is no recipe {name_or_path!r}; shipped: {', '.join(shipped_recipes())}, or name a file"
        )
    try:
        return parse_recipe(path.stem, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8, so no recipe") from None


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def parse_recipe(name: str, text: str) -> Recipe:
    """A recipe from the text of its file. Raises `UsageError` that names the key that is wrong."""
    if not RECIPE_NAME.fullmatch(name):
        raise UsageError(f"a recipe's name is lower case letters, digits, - and _, not {name!r}")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {name} is not TOML: {error}") from None
    description, steps = tree.pop("description", None), tree.pop("predicate", [])
    template, conversation = tree.pop("template", ""), tree.pop("conversation", {})
    if tree:
        known = "description, template, [conversation], [[predicate]]"
        raise UsageError(f"recipe {name}: unknown key {next(iter(tree))}; known: {known}")
    if not isinstance(description, str) or not isinstance(steps, list):
        raise UsageError(f"recipe {name} needs a description, and its predicates as [[predicate]] tables")
    predicates = tuple(_predicate(name, step) for step in steps)
    names = [predicate.name for predicate in predicates]
    if len(set(names)) < len(names):
        raise UsageError(f"recipe {name}: two predicates have one name")
    if not isinstance(conversation, dict) or not conversation.keys() <= {"questions", "answer"}:
        raise UsageError(f"recipe {name}: [conversation] has questions, a list of texts, and answer, a text")
    questions, answer = conversation.get("questions", _QUESTIONS), conversation.get("answer", "{text}")
    if not (isinstance(questions, (list, tuple)) and questions and all(isinstance(each, str) for each in questions)):
        raise UsageError(f"recipe {name}: conversation.questions is a list of texts")
    _check_template(name, "template", template)
    _check_template(name, "conversation.answer", answer)
    return Recipe(name, description.strip(), predicates, text, template, tuple(questions), answer)


def _check_template(recipe: str, key: str, template: Any) -> None:
    """Refuse what is no text with names of columns: Python's format strings could do more."""
    try:
        parts = list(string.Formatter().parse(template))
    except (TypeError, ValueError):
        raise UsageError(f"recipe {recipe}: {key} is a text with names of columns in braces") from None
    known = {*SAMPLE.names, *(field.name for field in KEY_AND_TEXT)}
    for _, name, specification, conversion in parts:
        if name is not None and (name not in known or specification or conversion):
            raise UsageError(f"recipe {recipe}: {key} has {{{name}}}; columns are {', '.join(sorted(known))}")


def _predicate(recipe: str, step: Any) -> Predicate:
    if not isinstance(step, dict) or set(step) != {"name", "where", "why"}:
        raise UsageError(f"recipe {recipe}: a predicate has exactly name, where and why")
    if not all(isinstance(value, str) and value.strip() for value in step.values()):
        raise UsageError(f"recipe {recipe}: name, where and why are texts, none of them empty")
    return Predicate(step["name"], step["where"].strip(), step["why"].strip())
