"""Visual question answering: a fusion head over both towers, fine-tuned on a set's questions, as METER does it.

METER (arXiv 2111.02387): the patches of the picture and the words of the question go through layers of co-attention, a
stream each, of which every layer attends to its own stream and then to the other; the first tokens of both are pooled
and classified among the answers of the training questions. Everything is trained, the towers at the lowest rate. METER
begins from a fusion that was pretrained on pictures and captions, which nobody released; ours begins at random.

    vqa_rad    `VQA_RAD Dataset Public.json` and `VQA_RAD Image Folder/`; test = phrase types that begin with "test"
    slake      `train.json`, `validate.json`, `test.json` and `imgs/`; the questions in English
"""

import copy
import dataclasses
import hashlib
import itertools
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from train import files
from train.errors import DataError
from train.evaluation.embeddings import BATCH, Encoder, Pictures, prepared
from train.evaluation.readers import open_file
from train.evaluation.report import Result
from train.evaluation.sets import DataSet, list_digest, parsed
from train.evaluation.statistics import bootstrap, percentage
from train.step import parameter_groups
from train.towers import Clip

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """How the head is trained; of BiomedCLIP's own settings nothing is published."""

    epochs: int = 50
    batch: int = 16  # questions
    lr: float = 1e-5  # of the towers
    fusion_times: float = 5  # METER's factors on it
    head_times: float = 50
    weight_decay: float = 0.01
    layers: int = 6
    width: int = 768
    heads: int = 12
    dropout: float = 0.1
    seed: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One question about one picture."""

    picture: Path
    question: str
    answer: str  # normalised
    closed: bool  # yes or no, or a choice that the question names


def evaluate(encoder: Encoder, described: DataSet, data: Path, settings: FineTuning) -> Result:
    """Fine-tuned on train, the best epoch of val where the set has that split, judged on test. Raises `DataError`.

    The answers stay in the cache, so that the same command fine-tunes once. Of several processes each works alone.
    """
    root = described.where(data)
    names = ("train", "val", "test") if "val" in described.n else ("train", "test")
    splits = {split: read_questions(described, root, split) for split in names}
    asked = [[split, str(q.picture.name), q.question, q.answer] for split, some in splits.items() for q in some]
    key = json.dumps([encoder.fingerprint, dataclasses.asdict(settings), asked])
    path = (encoder.cache or Path()) / f"{described.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if encoder.cache and path.exists():
        answers = json.loads(path.read_text(encoding="utf-8"))
    else:
        answers = fine_tuned(encoder, splits, settings)
        if encoder.cache and encoder.world.leads:
            encoder.cache.mkdir(parents=True, exist_ok=True)
            files.write(path, json.dumps(answers, ensure_ascii=False).encode())
    test = splits["test"]
    listed = list_digest(f"{q.picture.relative_to(root)} {q.question} {q.answer}" for q in test)
    hits = [given == asked.answer for given, asked in zip(answers, test, strict=True)]
    closed = np.array([asked.closed for asked in test])
    f1 = [token_f1(given, asked.answer) for given, asked in zip(answers, test, strict=True)]
    statistics = {"accuracy": percentage(hits), "open": percentage(hits, ~closed), "closed": percentage(hits, closed)}
    known = Counter(asked.answer for asked in splits["train"])
    ((usual, _),) = known.most_common(1)
    return Result.of(
        described,
        len(test),
        bootstrap(statistics | {"token_f1": percentage(f1)}, len(test)),
        task="vqa",
        notes=described.departures("test", len(test), listed),
        details={
            "test list": listed,
            "train": len(splits["train"]),
            "answers to choose from": len(known),
            "test questions whose answer is none of these": sum(asked.answer not in known for asked in test),
            f"who always says {usual!r}": f"{100 * np.mean([asked.answer == usual for asked in test]):.2f}",
            "fine-tuning": ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(settings).items()),
        },
    )


def read_questions(described: DataSet, root: Path, split: str) -> list[Question]:
    """The questions of a split (train, val or test). Raises `DataError` for a picture that is not there."""
    read = described.among(_LAYOUTS)
    try:
        asked = [
            Question(picture, row["question"], normalised(row["answer"]), _closed(row))
            for row, picture in read(root, split)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        kind = described.reader["kind"]
        raise DataError(f"{described.name}: {root} is not in the layout {kind}: {error!r}") from None
    if not asked:
        raise DataError(f"{described.name}: {root} has no {split} questions")
    absent = sorted({question.picture for question in asked if not question.picture.exists()})
    if absent:
        count = sum(question.picture in absent for question in asked)
        raise DataError(f"{described.name}: {len(absent)} pictures of {count} questions are not there: {absent[0]}, …")
    return asked


def _vqa_rad(root: Path, split: str) -> Iterator[tuple[Any, Path]]:
    for row in parsed(root / "VQA_RAD Dataset Public.json", json.loads, "JSON"):
        if split == ("test" if row["phrase_type"].startswith("test") else "train"):
            yield row, root / "VQA_RAD Image Folder" / row["image_name"]


def _slake(root: Path, split: str) -> Iterator[tuple[Any, Path]]:
    name = {"val": "validate.json"}.get(split, f"{split}.json")
    for row in parsed(root / name, json.loads, "JSON"):
        if row["q_lang"] == "en":
            yield row, root / "imgs" / row["img_name"]


_LAYOUTS = {"vqa_rad": _vqa_rad, "slake": _slake}


def _closed(row: Mapping[str, Any]) -> bool:
    kind = row["answer_type"].strip().upper()  # VQA-RAD has "CLOSED "
    if kind not in ("OPEN", "CLOSED"):
        raise DataError(f"the question {row['question']!r} has the answer type {kind!r}, neither OPEN nor CLOSED")
    return bool(kind == "CLOSED")


def normalised(answer: Any) -> str:
    """Lower case, single blanks, no stop at the end."""
    return " ".join(str(answer).lower().split()).rstrip(" .")


def token_f1(given: str, wanted: str) -> float:
    """The harmonic mean of precision and recall of the words, repeated ones counted."""
    left, right = (Counter(re.findall(r"\w+", text)) for text in (given, wanted))
    shared = (left & right).total()
    return 2 * shared / (left.total() + right.total()) if shared else float(given == wanted)


def _layers(settings: FineTuning) -> nn.ModuleList:
    """One stream's layers of co-attention: its own tokens, then the other stream's, then each token alone."""
    width, heads, dropout = settings.width, settings.heads, settings.dropout
    return nn.ModuleList(
        nn.TransformerDecoderLayer(width, heads, 4 * width, dropout, "gelu", batch_first=True)
        for _ in range(settings.layers)
    )


class Fusion(nn.Module):
    """(B, 3, S, S) uint8 pictures and (B, L) tokens → (B, answers) logits."""

    def __init__(self, clip: Clip, settings: FineTuning, answers: int) -> None:
        super().__init__()
        trunk: Any = clip.visual.trunk
        width = settings.width
        self.clip = clip
        self.image_in = nn.Linear(trunk.num_features, width)
        self.text_in = nn.Linear(clip.bert["hidden_size"], width)
        self.kinds = nn.Parameter(torch.randn(2, width) * 0.02)
        self.image_layers, self.text_layers = _layers(settings), _layers(settings)
        self.pools = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.head = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.LayerNorm(2 * width), nn.GELU(), nn.Linear(2 * width, answers)
        )

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        trunk: Any = self.clip.visual.trunk
        padding = tokens == 0
        words = self.clip.text.transformer(input_ids=tokens, attention_mask=(~padding).long()).last_hidden_state
        patches = trunk.forward_features((images / 255 - self.clip.mean) / self.clip.std)
        image, text = self.image_in(patches) + self.kinds[0], self.text_in(words) + self.kinds[1]
        for image_layer, text_layer in zip(self.image_layers, self.text_layers, strict=True):
            image, text = (
                image_layer(image, text, memory_key_padding_mask=padding),
                text_layer(text, image, tgt_key_padding_mask=padding),
            )
        pooled = [torch.tanh(pool(stream[:, 0])) for pool, stream in zip(self.pools, (image, text), strict=True)]
        logits: Tensor = self.head(torch.cat(pooled, 1))
        return logits

    def groups(self, settings: FineTuning) -> list[dict[str, Any]]:
        """AdamW's: the towers at the lowest rate, the head at the highest."""
        times = {"clip": 1.0, "head": settings.head_times}
        made = parameter_groups(
            self, settings.weight_decay, lambda name: times.get(name.partition(".")[0], settings.fusion_times)
        )
        return [group | {"lr": settings.lr * group["scale"]} for group in made]


def fine_tuned(encoder: Encoder, splits: Mapping[str, Sequence[Question]], settings: FineTuning) -> list[str]:
    """The answers to the test questions. Raises `DataError` for a picture that cannot be used."""
    device, train = encoder.world.device, splits["train"]
    known = sorted({asked.answer for asked in train})
    places = {answer: place for place, answer in enumerate(known)}
    crops = _crops(encoder, sorted({asked.picture for split in splits.values() for asked in split}))
    torch.manual_seed(settings.seed)
    model = Fusion(copy.deepcopy(encoder.model), settings, len(known)).to(device)
    optimizer = torch.optim.AdamW(model.groups(settings))
    steps = settings.epochs * -(-len(train) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / max(1, steps - steps // 10))
    )

    def logits(asked: Sequence[Question]) -> Tensor:
        images = torch.stack([crops[q.picture] for q in asked]).to(device)
        found: Tensor = model(images, encoder.tokens([q.question for q in asked]))
        return found

    @torch.no_grad()
    def answers_to(asked: Sequence[Question]) -> list[str]:
        model.eval()
        batches = (logits(asked[start : start + BATCH]) for start in range(0, len(asked), BATCH))
        return [known[place] for batch in batches for place in batch.argmax(1).tolist()]

    best, answers = -1.0, [""] * len(splits["test"])
    for epoch in range(settings.epochs):
        model.train()
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(train))
        for rows in np.array_split(order, -(-len(train) // settings.batch)):
            asked = [train[row] for row in rows]
            wanted = functional.one_hot(torch.tensor([places[q.answer] for q in asked]), len(known)).float().to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
                given = logits(asked)
            loss = functional.binary_cross_entropy_with_logits(given.float(), wanted) * len(known)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        right, said = -1.0, f"epoch {epoch + 1} of {settings.epochs}  loss {loss.item():.3f}"
        if "val" in splits:
            hits = [answer == q.answer for answer, q in zip(answers_to(splits["val"]), splits["val"], strict=True)]
            right = float(np.mean(hits))
            said += f"  val {right:.1%}"
        log.info("%s", said)
        if right > best or (right < 0 and epoch + 1 == settings.epochs):
            best, answers = right, answers_to(splits["test"])
    return answers


def _crops(encoder: Encoder, paths: Sequence[Path]) -> dict[Path, Tensor]:
    count = len(paths)
    pictures = Pictures(count=count, picture=lambda row: open_file(paths[row]), name=lambda row: str(paths[row]))
    batches = prepared(encoder, pictures, range(count), whole=True)
    return dict(zip(paths, map(torch.from_numpy, itertools.chain.from_iterable(batches)), strict=True))
