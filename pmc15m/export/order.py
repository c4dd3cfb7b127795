"""What was ordered of an export: kept in its plan and its summary, so that any later `run` can bring it up to date."""

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmc15m.config import ExportConfig, as_dict
from pmc15m.errors import UsageError
from pmc15m.export.asked import ASKED, read_asked
from pmc15m.export.columns import SAMPLE, flat, sample
from pmc15m.export.recipes import Predicate, Recipe, load_recipe, parse_recipe, shipped_recipes

_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
_EVERYTHING = 'description = "Every pair that was asked for."'
_PUBLISHED = "('jpeg', 'png', 'webp')"  # what may stay as it is published (`picture.EXTENSIONS`)


@dataclass(frozen=True, slots=True)
class Order:
    """A recipe, and how its pairs are written; `asked` is the text of the list of figures that `pairs` named."""

    recipe: Recipe
    settings: ExportConfig
    asked: str = ""

    @classmethod
    def of(cls, settings: ExportConfig) -> "Order":
        """What the configuration orders. Raises `UsageError` for what is no recipe, name or list."""
        if settings.name and not _NAME.fullmatch(settings.name):
            raise UsageError(f"an export's name is letters, digits, - and _, not {settings.name!r}")
        recipe = load_recipe(settings.recipe) if settings.recipe else parse_recipe("pairs", _EVERYTHING)
        if settings.text == "template" and not recipe.template:
            raise UsageError(f"recipe {recipe.name} has no template for export.text=template")
        return cls(recipe, settings, _read(settings.pairs) if settings.pairs else "")

    @property
    def name(self) -> str:
        """Of the export's folder."""
        if self.settings.name:
            return self.settings.name
        kind = self.settings.format
        suffix = "" if kind == "webdataset" else f"-{kind}"
        if self.recipe.name != "pairs" or not (asked := [self.settings.where, self.settings.level, self.asked]):
            return self.recipe.name + suffix
        told = hashlib.sha256("\0".join(asked).encode()).hexdigest()[:8]
        return f"{self.recipe.name}-{told}{suffix}"

    @property
    def steps(self) -> Recipe:
        """The recipe with what was ordered besides, and what no export may hold, as predicates."""
        settings, named = self.settings, {predicate.name for predicate in self.recipe.predicates}
        besides = [
            Predicate("asked", f"pair_key IN (SELECT pair_key FROM {ASKED})", "on the list") if self.asked else None,
            Predicate("level", f"level = '{settings.level}'", "export.level") if settings.level else None,
            Predicate("where", settings.where, "export.where") if settings.where else None,
            Predicate("not_retracted", "NOT list_contains(flags, 'retracted')", "withdrawn from science"),
            Predicate("derivatives_allowed", self._may_be_made(), "-ND forbids passing on what was altered"),
        ]
        added = [predicate for predicate in besides if predicate is not None and predicate.name not in named]
        return replace(self.recipe, predicates=(*self.recipe.predicates, *added))

    def _may_be_made(self) -> str:
        """SQL that is false for pairs whose licence forbids what has to be done to their picture."""
        settings = self.settings
        if settings.allow_derivatives_of_nd:
            return "true"
        kept = f"= '{settings.image_format}'" if settings.image_format != "original" else f"IN {_PUBLISHED}"
        fits = f"(greatest(width, height) <= {settings.image_side})" if settings.image_side else "true"
        if settings.image_side and settings.image_fit != "longer":
            fits = "false"
        return f"coalesce(licence_code, '') NOT LIKE '%ND' OR (level = 'figure' AND format {kept} AND {fits})"

    def sample(self, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
        """What the export tells of a pair: key, text as ordered, and the chosen columns.

        `row` is of the plan, with its outcome.
        """
        return {"pair_key": row["pair_key"], "text": self._text(row), **sample(row, columns)}

    def _text(self, row: Mapping[str, Any]) -> str:
        text: str = row["text"]
        if self.settings.text == "context":
            return row["context"] or text
        if self.settings.text == "mentions":
            return " ".join([text, *(row["mentions"] or ())])
        if self.settings.text == "template":
            return self.recipe.template.format_map(flat({**sample(row, SAMPLE.names), "text": text}))
        return text

    def as_facts(self) -> dict[str, Any]:
        """As plain values. A shipped recipe is known by its name, any other by its text; no path is told."""
        name = self.recipe.name
        is_shipped = name in shipped_recipes() and load_recipe(name).text == self.recipe.text
        told = {
            "recipe": name if self.settings.recipe else "",
            "recipe_text": None if is_shipped else self.recipe.text,
            "pairs": hashlib.sha256(self.asked.encode()).hexdigest() if self.asked else "",
            "out": "",
        }
        return as_dict(self.settings) | told

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], asked: Path) -> "Order":
        """What `as_facts` told; the list of figures is in the file `asked`.

        Raises `UsageError` where this version knows no such recipe or setting.
        """
        settings = {key: value for key, value in facts.items() if key != "recipe_text"}
        try:
            name, text = settings["recipe"], facts["recipe_text"]
            recipe = load_recipe(name) if text is None else parse_recipe(name or "pairs", text)
            return cls(recipe, ExportConfig(**settings), _read(str(asked)) if settings.get("pairs") else "")
        except (KeyError, TypeError):
            raise UsageError("it was ordered in another version's words") from None

    @property
    def digest(self) -> str:
        """Of the recipe's text, which may change under its name."""
        return hashlib.sha256(self.recipe.text.encode()).hexdigest()


def _read(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        if not list(read_asked(text)):
            raise UsageError(f"the list of figures {path} names none")
        return text
    except OSError as error:
        raise UsageError(f"cannot read the list of figures {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the list of figures {path} is not text in UTF-8") from None
    except (ValueError, csv.Error) as error:
        raise UsageError(f"the list of figures {path} can be read neither as JSON nor as CSV: {error}") from None
