"""Results as a table on the terminal, as JSON and as Markdown. Nothing that a figure depends on is left out."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from train.evaluation.statistics import Score, difference

HEADER = ("model", "task", "set", "n", "metric", "value [95 %]", "published")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One model, one task, one set. `problem`: why there is no figure."""

    task: str
    data: str
    model: str = ""
    n: int = 0
    official_n: int | None = None
    metric: str = ""  # the score that is published
    scores: Mapping[str, Score] = dataclasses.field(default_factory=dict)
    classes: Sequence[str] = ()
    templates: Sequence[str] = ()
    published: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["scores"] = {name: score.as_dict() for name, score in self.scores.items()}
        plain["published"] = [dict(figure) for figure in self.published]
        return plain

    def rows(self) -> list[tuple[str, ...]]:
        """Its rows of the table: the published metric first."""
        place = (self.model, self.task, self.data)
        if self.problem:
            return [(*place, "–", "–", "–", self.problem)]
        n = f"{self.n}" if self.official_n in (None, self.n) else f"{self.n} (officially {self.official_n})"
        shown = [name for name in self.scores if not name.startswith("accuracy of ")]
        shown.sort(key=lambda name: name != self.metric)
        return [(*place, n, name, str(self.scores[name]), self._published(name)) for name in shown]

    def _published(self, metric: str) -> str:
        figures = [figure for figure in self.published if figure.get("metric", self.metric) == metric]
        return "; ".join(f"{figure['value']} ({figure['model']}, {figure['version']})" for figure in figures)

    def lines(self) -> list[str]:
        """What the figures depend on."""
        said = [f"template: {template}" for template in self.templates]
        for number, name in enumerate(self.classes):
            if (key := f"accuracy of {name!r}") in self.scores:
                said.append(f"class {number}: {name}: {self.scores[key]}")
        said += [f"{key}: {value}" for key, value in self.details.items()]
        said += [
            f"published: {figure['value']} {figure.get('metric', self.metric)}, {figure['model']}, "
            f"{figure['version']}: {figure['source']}"
            for figure in self.published
        ]
        return said + [f"note: {note}" for note in self.notes]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """All results of one command."""

    suite: str
    results: Sequence[Result]

    @property
    def complete(self) -> bool:
        return not any(result.problem for result in self.results)

    def differences(self) -> list[tuple[str, ...]]:
        """Between the first model and each other one, in the published metric, on the same examples."""
        found = {(result.task, result.data, result.model): result for result in self.results if not result.problem}
        models = list(dict.fromkeys(result.model for result in self.results))
        rows: list[tuple[str, ...]] = []
        for task, data in dict.fromkeys((task, data) for task, data, _ in found):
            first = found.get((task, data, models[0]))
            for other in models[1:]:
                second = found.get((task, data, other))
                if first and second and first.n == second.n:
                    change = difference(second.scores[first.metric], first.scores[first.metric])
                    sure = "" if change.low <= 0 <= change.high else "*"
                    rows.append((f"{other} − {models[0]}", task, data, first.metric, f"{change}{sure}"))
        return rows

    def as_dict(self) -> dict[str, Any]:
        names = ("models", "task", "set", "metric", "difference")
        return {
            "suite": self.suite,
            "results": [result.as_dict() for result in self.results],
            "paired": [dict(zip(names, row, strict=True)) for row in self.differences()],
        }

    def __str__(self) -> str:
        parts = [aligned([HEADER, *(row for result in self.results for row in result.rows())])]
        for result in self.results:
            if lines := result.lines():
                parts.append(
                    "\n".join([f"{result.model}, {result.task}, {result.data}", *(f"  {line}" for line in lines)])
                )
        if rows := self.differences():
            parts.append("paired bootstrap (* = the interval leaves 0 out)\n" + aligned(rows))
        return "\n\n".join(parts)

    def markdown(self) -> str:
        rows = [row for result in self.results for row in result.rows()]
        parts = [f"# {self.suite}", table([HEADER, *rows])]
        for result in self.results:
            if lines := result.lines():
                parts.append(
                    f"## {result.model}, {result.task}, {result.data}\n\n" + "\n".join(f"- {line}" for line in lines)
                )
        if differences := self.differences():
            header = ("models", "task", "set", "metric", "difference [95 %]")
            parts.append("## Paired bootstrap\n\n" + table([header, *differences]))
        return "\n\n".join(parts) + "\n"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its header."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
