"""What a run is judged by while it trains: retrieval over its val split, and the zero-shot sets of a suite."""

import dataclasses
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from train.config import Config
from train.distributed import World
from train.errors import DataError
from train.evaluation.embeddings import Encoder
from train.evaluation.retrieval import evaluate
from train.evaluation.suite import Suite, load_suite, tried
from train.shards import Split, Splits, open_split
from train.towers import Clip

log = logging.getLogger("train")


@dataclasses.dataclass(frozen=True, slots=True)
class Judges:
    """All processes call them together, and each has the results."""

    encoder: Encoder
    val: Split | None
    suite: Suite | None
    suite_data: Path

    @classmethod
    def of(cls, config: Config, folders: Sequence[Path], model: Clip, tokenizer: Tokenizer, world: World) -> "Judges":
        """The val splits of the exports that have one. Raises `ConfigError` for a suite that cannot be read."""
        run = config.run
        bf16 = run.precision == "bf16"
        encoder = Encoder.of(config, model, tokenizer, world, bf16=bf16, workers=config.data.workers)
        suite = load_suite(run.suite, ("zero_shot",)) if run.suite else None
        return cls(encoder, _val_split(folders), suite, Path(run.suite_data))

    def validate(self, step: int) -> dict[str, Any]:
        """A row of the metrics: `val` with the scores of retrieval, where there is a val split."""
        if self.val is None:
            return {}
        scores = evaluate(self.encoder, self.val)
        if self.encoder.world.leads:
            log.info("step %d  val, %d pairs: %s", step, scores.n, scores)
        return {"step": step, "val": scores.as_dict()}

    def judge(self, step: int) -> dict[str, Any]:
        """A row of the metrics: `zero_shot` with the score of each set, where there is a suite."""
        if self.suite is None:
            return {}
        scores: dict[str, dict[str, Any]] = {}
        for task, described in self.suite.tasks:
            (result,) = tried(task, self.encoder, described, self.suite_data, self.suite)
            found = {"problem": result.problem} if result.problem else result.scores[result.metric].as_dict()
            scores[described.name] = {"metric": described.metric} | found
        if self.encoder.world.leads:
            shown = "; ".join(f"{name} {score.get('value', math.nan):.1f} %" for name, score in scores.items())
            log.info("step %d  zero-shot: %s", step, shown)
        return {"step": step, "zero_shot": scores}


def _val_split(folders: Sequence[Path]) -> Split | None:
    found = []
    for folder in folders:
        try:
            found.append(open_split(folder, "val"))
        except DataError as error:
            log.warning("not evaluated: %s", error)
    if not found:
        log.warning("nothing will be evaluated: there is no val split")
    return Splits(found) if found else None
