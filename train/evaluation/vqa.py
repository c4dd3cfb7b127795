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
from train.evaluation.embeddings import Encoder
from train.evaluation.readers import open_file
from train.evaluation.report import Result
from train.evaluation.sets import DataSet, list_digest
from train.evaluation.statistics import bootstrap, percentage, share_of
from train.images import UnreadableImage
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
    if not {"train", "test"} <= described.n.keys():
        raise DataError(
            f"{described.name}: [n] of its description must say how many train and test questions there are"
        )
    splits = {
        split: read_questions(described, root, split) for split in ("train", "val", "test") if split in described.n
    }
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
    statistics = {"accuracy": percentage(hits), "open": share_of(hits, ~closed), "closed": share_of(hits, closed)}
    usual = Counter(asked.answer for asked in splits["train"]).most_common(1)[0][0]
    known = {asked.answer for asked in splits["train"]}
    return Result(
        task="vqa",
        data=described.name,
        n=len(test),
        official_n=described.n["test"],
        metric="accuracy",
        scores=bootstrap(statistics | {"token_f1": percentage(f1)}, len(test)),
        published=described.published,
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
    kind = described.reader.get("kind")
    if kind not in _LAYOUTS:
        raise DataError(f"{described.name}: reader.kind is one of {', '.join(_LAYOUTS)}, not {kind!r}")
    try:
        asked = list(_LAYOUTS[kind](root, split))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{described.name}: {root} is not in the layout {kind}: {error!r}") from None
    if not asked:
        raise DataError(f"{described.name}: {root} has no {split} questions")
    absent = sorted({question.picture for question in asked if not question.picture.exists()})
    if absent:
        count = sum(question.picture in absent for question in asked)
        raise DataError(f"{described.name}: {len(absent)} pictures of {count} questions are not there: {absent[0]}, …")
    return asked


def _vqa_rad(root: Path, split: str) -> Iterator[Question]:
    for row in _read_json(root / "VQA_RAD Dataset Public.json"):
        if split == ("test" if row["phrase_type"].startswith("test") else "train"):
            closed = _closed(row)
            yield Question(
                root / "VQA_RAD Image Folder" / row["image_name"], row["question"], normalised(row["answer"]), closed
            )


def _slake(root: Path, split: str) -> Iterator[Question]:
    for row in _read_json(root / {"val": "validate.json"}.get(split, f"{split}.json")):
        if row["q_lang"] == "en":
            yield Question(root / "imgs" / row["img_name"], row["question"], normalised(row["answer"]), _closed(row))


_LAYOUTS = {"vqa_rad": _vqa_rad, "slake": _slake}


def _closed(row: Mapping[str, Any]) -> bool:
    kind = row["answer_type"].strip().upper()  # VQA-RAD has "CLOSED "
    if kind not in ("OPEN", "CLOSED"):
        raise DataError(f"the question {row['question']!r} has the answer type {kind!r}, neither OPEN nor CLOSED")
    return bool(kind == "CLOSED")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from None


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
        """AdamW's: the towers at the lowest rate, the head at the highest; no decay for tensors of one dimension."""
        times = {"clip": 1.0, "head": settings.head_times}
        made: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            rate = settings.lr * times.get(name.partition(".")[0], settings.fusion_times)
            made.setdefault((rate, parameter.ndim >= 2), []).append(parameter)
        return [
            {"params": params, "lr": rate, "weight_decay": settings.weight_decay if decayed else 0.0}
            for (rate, decayed), params in made.items()
        ]


def fine_tuned(encoder: Encoder, splits: Mapping[str, Sequence[Question]], settings: FineTuning) -> list[str]:
    """The answers to the test questions."""
    device = encoder.world.device
    known = sorted({asked.answer for asked in splits["train"]})
    places = {answer: place for place, answer in enumerate(known)}
    crops = _crops(encoder, {asked.picture for asked in (q for split in splits.values() for q in split)})
    torch.manual_seed(settings.seed)
    model = Fusion(copy.deepcopy(encoder.model), settings, len(known)).to(device)
    optimizer = torch.optim.AdamW(model.groups(settings))
    train = splits["train"]
    steps = settings.epochs * -(-len(train) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / max(1, steps - steps // 10))
    )
    best, answers = -1.0, [""] * len(splits["test"])
    for epoch in range(settings.epochs):
        model.train()
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(train))
        for rows in np.array_split(order, -(-len(train) // settings.batch)):
            asked = [train[row] for row in rows]
            wanted = functional.one_hot(torch.tensor([places[q.answer] for q in asked]), len(known)).float().to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
                logits = model(*_inputs(encoder, asked, crops))
            loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted) * len(known)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        right, said = -1.0, f"epoch {epoch + 1} of {settings.epochs}  loss {loss.item():.3f}"
        if "val" in splits:
            given = _answers(model, encoder, splits["val"], crops, known)
            right = float(np.mean([a == q.answer for a, q in zip(given, splits["val"], strict=True)]))
            said += f"  val {right:.1%}"
        log.info("%s", said)
        if right > best or (right < 0 and epoch + 1 == settings.epochs):
            best, answers = right, _answers(model, encoder, splits["test"], crops, known)
    return answers


def _crops(encoder: Encoder, pictures: set[Path]) -> dict[Path, Tensor]:
    made = {}
    for path in sorted(pictures):
        try:
            made[path] = torch.from_numpy(encoder.prepare(open_file(path)))
        except (UnreadableImage, OSError, ValueError, SyntaxError) as error:
            raise DataError(f"a picture that cannot be used: {path}: {error}") from None
    return made


def _inputs(encoder: Encoder, asked: Sequence[Question], crops: Mapping[Path, Tensor]) -> tuple[Tensor, Tensor]:
    images = torch.stack([crops[q.picture] for q in asked]).to(encoder.world.device)
    return images, encoder.tokens([q.question for q in asked])


@torch.no_grad()
def _answers(
    model: Fusion, encoder: Encoder, asked: Sequence[Question], crops: Mapping[Path, Tensor], known: Sequence[str]
) -> list[str]:
    model.eval()
    given = []
    for start in range(0, len(asked), 64):
        logits = model(*_inputs(encoder, asked[start : start + 64], crops))
        given += [known[place] for place in logits.argmax(1).tolist()]
    return given
