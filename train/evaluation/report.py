"""Results as a table and as JSON. Nothing that a figure depends on is left out."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from train.evaluation.sets import DataSet
from train.evaluation.statistics import Score, difference

HEADER = ("model", "task", "set", "n", "metric", "value [95 %]", "published")
PAIRED = ("models", "task", "set", "metric", "difference [95 %]")


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

    @classmethod
    def of(cls, described: DataSet, n: int, scores: Mapping[str, Score], **more: Any) -> "Result":
        """Figures of `n` examples of a set's test split, with what its description says of them."""
        given = {"metric": described.metric, "published": described.published, **more}
        return cls(data=described.name, n=n, official_n=described.n.get("test"), scores=scores, **given)

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
        is_defined = {name: math.isfinite(score.value) for name, score in self.scores.items()}  # no open questions, say
        shown = [name for name in self.scores if is_defined[name] and not name.startswith("accuracy of ")]
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
        paired = [dict(zip(PAIRED, row, strict=True)) for row in self.differences()]
        return {"suite": self.suite, "results": [result.as_dict() for result in self.results], "paired": paired}

    def __str__(self) -> str:
        """Markdown that reads as well on a terminal."""
        parts = [f"# {self.suite}", table([HEADER, *(row for result in self.results for row in result.rows())])]
        for result in self.results:
            if lines := result.lines():
                title = f"## {result.model}, {result.task}, {result.data}"
                parts.append("\n".join([title, "", *(f"- {line}" for line in lines)]))
        if rows := self.differences():
            parts.append("## Paired bootstrap (* = the interval leaves 0 out)\n\n" + table([PAIRED, *rows]))
        return "\n\n".join(parts)


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; the first row is its header."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in cells)
