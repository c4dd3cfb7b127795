"""What was ordered of an export: kept in its plan and its summary, so that any later `run` can bring it up to date."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pmc15m.config import ExportConfig, as_dict
from pmc15m.errors import UsageError
from pmc15m.export.recipes import Recipe, load_recipe, parse_recipe, shipped_recipes


@dataclass(frozen=True, slots=True)
class Order:
    """A recipe, and how its pairs are written."""

    recipe: Recipe
    settings: ExportConfig

    @classmethod
    def of(cls, settings: ExportConfig) -> "Order":
        """What the configuration orders. Raises `UsageError` for what is no recipe."""
        return cls(load_recipe(settings.recipe), settings)

    def as_facts(self) -> dict[str, Any]:
        """As plain values. A shipped recipe is known by its name, any other by its text; no path is told."""
        name = self.recipe.name
        is_shipped = name in shipped_recipes() and load_recipe(name).text == self.recipe.text
        return as_dict(self.settings) | {"recipe": name, "recipe_text": None if is_shipped else self.recipe.text}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Order":
        """What `as_facts` told. Raises `UsageError` where this version knows no such recipe or setting."""
        settings = {key: value for key, value in facts.items() if key != "recipe_text"}
        try:
            name, text = settings["recipe"], facts["recipe_text"]
            recipe = load_recipe(name) if text is None else parse_recipe(name, text)
            return cls(recipe, ExportConfig(**settings))
        except (KeyError, TypeError):
            raise UsageError("it was ordered in another version's words") from None

    @property
    def digest(self) -> str:
        """Of the recipe's text, which may change under its name."""
        return hashlib.sha256(self.recipe.text.encode()).hexdigest()
