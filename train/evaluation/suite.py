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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from train import files
from train.distributed import join, leave
from train.errors import DataError, DivergedError
from train.evaluation import vqa
from train.evaluation.choices import multiple_choice
from train.evaluation.classification import Amount, probe, zero_shot
from train.evaluation.embeddings import Encoder, load_encoder
from train.evaluation.report import Report, Result
from train.evaluation.retrieval import retrieve
from train.evaluation.sets import DataSet, load_set, read_described

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """What to do."""

    title: str
    tasks: Sequence[tuple[str, DataSet]]
    amounts: Sequence[Amount]
    fine_tuning: vqa.FineTuning


# What judges an encoder on a set in the folder of data.
TASKS: Mapping[str, Callable[[Suite, Encoder, DataSet, Path], Sequence[Result]]] = {
    "retrieval": lambda suite, *given: [retrieve(*given)],
    "zero_shot": lambda suite, *given: [zero_shot(*given)],
    "probe": lambda suite, encoder, described, data: probe(encoder, described, data, suite.amounts),
    "multiple_choice": lambda suite, *given: [multiple_choice(*given)],
    "vqa": lambda suite, encoder, described, data: [vqa.evaluate(encoder, described, data, suite.fine_tuning)],
}


def load_suite(name: str, only: Sequence[str] = ()) -> Suite:
    """A suite by name or file; of it the tasks and sets that `only` names, if any. Raises `DataError`."""
    path, tree = read_described("suite", name, Path(), {"title", "amounts", "fine_tuning", *TASKS})
    tasks = [(task, load_set(entry, path.parent)) for task in TASKS for entry in tree.get(task, [])]
    words = {word for task, described in tasks for word in (task, described.name)}
    if strange := [word for word in only if word not in words]:
        said = f"neither a task nor a set {strange[0]!r}; it has {', '.join(sorted(words))}"
        raise DataError(f"the suite {name} has {said}")
    # What nobody names is wanted whole.
    wanted_tasks, wanted_sets = TASKS.keys() & only or words, set(only) - TASKS.keys() or words
    try:
        return Suite(
            title=tree.get("title", path.stem),
            tasks=[(task, one) for task, one in tasks if task in wanted_tasks and one.name in wanted_sets],
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
                made = tried(task, encoder, described, data, suite)
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


def tried(task: str, encoder: Encoder, described: DataSet, data: Path, suite: Suite) -> Sequence[Result]:
    """The results of a task on a set, or one that says what the problem is."""
    label = task.replace("_", "-")
    if not described.where(data).is_dir():
        problem = f"not there: {described.where(data)}; from {described.source}"
        return [Result(task=label, data=described.name, problem=problem)]
    log.info("%s: %s on %s", encoder.name, label, described.name)
    try:
        return TASKS[task](suite, encoder, described, data)
    except (DataError, DivergedError, OSError) as error:
        log.warning("%s", error)
        return [Result(task=label, data=described.name, problem=str(error))]
