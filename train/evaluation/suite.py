"""A suite: which tasks on which sets; all of them for all models, into one report.

    title
    retrieval, zero_shot, probe,
    multiple_choice, vqa             names of sets, or TOML files beside the suite
    amounts                          of training examples for the probe: shares of 1, and "4-shot"
    [fine_tuning]                    changes to `vqa.FineTuning`

A set that is not there, or is not as it should be, costs its row and nothing else: the row says why.
"""

import dataclasses
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from train import files
from train.distributed import join, leave
from train.errors import DataError, DivergedError
from train.evaluation import vqa
from train.evaluation.choices import multiple_choice
from train.evaluation.classification import Amount, probe, zero_shot
from train.evaluation.embeddings import Encoder, load_encoder
from train.evaluation.report import Report, Result
from train.evaluation.retrieval import evaluate
from train.evaluation.sets import DataSet, load_set, read_toml
from train.shards import open_split

SUITES = Path(__file__).parent / "suites"
TASKS = ("retrieval", "zero_shot", "probe", "multiple_choice", "vqa")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """What to do."""

    title: str
    tasks: Sequence[tuple[str, DataSet]]
    amounts: Sequence[Amount]
    fine_tuning: vqa.FineTuning


def suite_names() -> list[str]:
    """The suites that ship."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def load_suite(name: str, only: Sequence[str] = ()) -> Suite:
    """A suite by name or file; of it the tasks and sets that `only` names, if any. Raises `DataError`."""
    path = Path(name) if name.endswith(".toml") else SUITES / f"{name}.toml"
    if not path.exists():
        raise DataError(f"unknown suite {name!r}; there are {', '.join(suite_names())}, or a TOML file of your own")
    tree = read_toml(path)
    if unknown := sorted(tree.keys() - {"title", "amounts", "fine_tuning", *TASKS}):
        raise DataError(f"{path}: unknown key {unknown[0]}")
    tasks = [(task, load_set(entry, path.parent)) for task in TASKS for entry in tree.get(task, [])]
    words = {word for task, described in tasks for word in (task, described.name)}
    if strange := [word for word in only if word not in words]:
        raise DataError(
            f"the suite {name} has neither a task nor a set {strange[0]!r}; it has {', '.join(sorted(words))}"
        )
    chosen_sets = {word for word in only if word not in TASKS}
    chosen_tasks = {word for word in only if word in TASKS}
    kept = [
        (task, described)
        for task, described in tasks
        if (not chosen_tasks or task in chosen_tasks) and (not chosen_sets or described.name in chosen_sets)
    ]
    try:
        return Suite(
            title=tree.get("title", path.stem),
            tasks=kept,
            amounts=[_amount(text) for text in tree.get("amounts", [0.01, 0.1, 1.0])],
            fine_tuning=vqa.FineTuning(**tree.get("fine_tuning", {})),
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None


def _amount(text: float | str) -> Amount:
    if isinstance(text, str):
        return Amount(shots=int(text.removesuffix("-shot")))
    return Amount(share=float(text))


def run(suite: Suite, models: Sequence[Path], data: Path, out: Path, workers: int = 0) -> Report:
    """Every task of every model; `report.json` and `report.md` in `out`, and the features under `out/embeddings`."""
    if not data.is_dir():
        raise DataError(f"there is no data folder {data}; the sets lie in it, each in its folder")
    world = join()
    try:
        results = []
        names = _distinct(models)
        for path, name in zip(models, names, strict=True):
            threads = min(workers, len(os.sched_getaffinity(0)))
            encoder = load_encoder(path, world, threads, out / "embeddings")
            for task, described in suite.tasks:
                made = _tried(task, encoder, described, data, suite)
                results += [dataclasses.replace(result, model=name) for result in made]
        report = Report(suite.title, results)
        if world.leads:
            out.mkdir(parents=True, exist_ok=True)
            plain = json.dumps(report.as_dict(), indent=2, ensure_ascii=False)
            files.write(out / "report.json", f"{plain}\n".encode())
            files.write(out / "report.md", f"{report}\n".encode())
        return report
    finally:
        leave(world)


def _distinct(models: Sequence[Path]) -> list[str]:
    """Short names: the last parts of the paths that tell them apart."""
    parts = [path.resolve().parts for path in models]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise DataError("one model is named twice")


def _tried(task: str, encoder: Encoder, described: DataSet, data: Path, suite: Suite) -> list[Result]:
    label = task.replace("_", "-")
    if not described.where(data).is_dir():
        problem = f"not there: {described.where(data)}; from {described.source}"
        return [Result(task=label, data=described.name, problem=problem)]
    log.info("%s: %s on %s", encoder.name, label, described.name)
    try:
        return list(_results(task, encoder, described, data, suite))
    except (DataError, DivergedError, OSError) as error:
        log.warning("%s", error)
        return [Result(task=label, data=described.name, problem=str(error))]


def _results(task: str, encoder: Encoder, described: DataSet, data: Path, suite: Suite) -> Iterator[Result]:
    if task == "zero_shot":
        yield zero_shot(encoder, described, data)
    elif task == "probe":
        yield from probe(encoder, described, data, suite.amounts)
    elif task == "multiple_choice":
        yield multiple_choice(encoder, described, data)
    elif task == "vqa":
        yield vqa.evaluate(encoder, described, data, suite.fine_tuning)
    else:
        split = open_split(described.where(data), described.reader.get("split", "test"))
        found = evaluate(encoder, split)
        scores = {f"{way} {name}": score for way, made in found.scores.items() for name, score in made.items()}
        yield Result(
            task="retrieval",
            data=described.name,
            n=found.n,
            metric="image_to_text r1",
            scores=scores,
            published=described.published,
            notes=tuple(filter(None, [described.notes])),
            details={"split": split.name, "unreadable": found.unreadable},
        )


def zero_shot_results(suite: Suite, encoder: Encoder, data: Path) -> dict[str, Any]:
    """What a run logs while it trains: the published metric of each of the suite's zero-shot sets, or the problem."""
    scores: dict[str, Any] = {}
    for _, described in suite.tasks:
        (result,) = _tried("zero_shot", encoder, described, data, suite)
        found = {"problem": result.problem} if result.problem else result.scores[result.metric].as_dict()
        scores[described.name] = {"metric": described.metric} | found
    return scores
