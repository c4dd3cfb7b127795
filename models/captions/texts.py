"""Whose word is it: the caption network (`texts.onnx`), learned from captions that readers cut into pieces.

    python -m models texts --pieces PIECES.jsonl --silver FILE --zou FILE --articles DIR --out FILE
    python -m models texts … --left-out DIR [--folds 3]         before that, what it makes of captions it has not read

Captions are those of PIECES.jsonl, of `marks.jsonl.gz` (silver, zou458 and the articles of DIR hold their texts), of
`made_up.txt`, and other writings of them all (`varied.py`). What ships is NETWORKS of them together. With --left-out
one is trained without each fold of the articles first: DIR/PIECES.jsonl gets one line a caption of PIECES.jsonl,
{"id", "panels": {label: spans}, "scores"}, and DIR/certainty.jsonl what `python -m models certainty` learns from. A
quarter of an hour a network on one core.
"""

import argparse
import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.captions.marks import (
    MARKER,
    WHOLE,
    Marked,
    Who,
    captions_of,
    is_right,
    normal,
    read_made_up,
    read_marks,
    read_pieces,
)
from models.captions.varied import varied
from models.captions.words import DIRECTIONS, learn, paragraphs
from models.export import onnx_file
from pmc15m.figures.captions import tokens as read
from pmc15m.figures.captions.certainty import certainties, traits_of
from pmc15m.figures.captions.markers import plain
from pmc15m.figures.captions.owners import ORDER, OWNERS, PRESENCE, Owner, Pieces, Step, label_sets, pieces
from pmc15m.figures.captions.segments import Segments, evidence_of, inputs, segments_of
from pmc15m.figures.captions.split import Named, name_panels
from pmc15m.figures.captions.tokens import Tokens, Vocabulary, tokenise

ABOUT = "Whose each word of a caption is (pmc15m.figures.captions.segments), learned from captions cut by readers"
WIDTH, DILATIONS, SUFFIX_WIDTH, SHAPE_WIDTH = 64, (1, 2, 4, 8, 16, 32, 1), 12, 8
BATCH, WORD_RATE, DECAY, AVERAGE, WARM = 24, 0.1, 0.01, 0.995, 0.1
FORGOTTEN = 0.2  # share of words that a training step hides
NETWORKS = 2  # that ship together, from seeds that follow each other
WRITINGS, VARIED = 2, 0.4  # of a caption beside its own; how often one of those is read
FORBIDDEN = -30.0  # log-odds of what the readers did not say
MAIN = 2.0  # weight of what markers are, beside whose the words are
INPUTS, OUTPUTS = ("numbers", "traits", "sentences"), ("owners", "main", "steps", "directions")
AXES = {"numbers": {2: "tokens"}, "traits": {1: "tokens"}, "sentences": {1: "tokens", 2: "sentences"},
        "owners": {1: "tokens"}, "main": {1: "tokens"}}  # fmt: skip


class Truth(NamedTuple):
    """One reading of a caption of T tokens in P pieces.

    `owners` (P, K) are 1 where an owner fits, `main` (T,) what markers are, `known` (T,) where that is known.
    """

    pieces: Pieces
    owners: NDArray[np.float32]
    main: NDArray[np.float32]
    known: NDArray[np.float32]


class Example(NamedTuple):
    """A caption as the network reads it, what its readers said, and other writings of it."""

    marked: Marked
    named: Named
    tokens: Tokens
    truths: tuple[Truth, ...]
    others: tuple["Example", ...] = ()


class Halved(nn.Module):
    """A table of words as it ships: half the bits, for three quarters of the file are words."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table.detach().half())

    def forward(self, numbers: Tensor) -> Tensor:
        return self.table[numbers].float()


class CaptionNetwork(nn.Module):
    """Words, dilated convolutions over the caption, and over its sentences; 0.4 M weights, most of them of words.

    `numbers` int64 (B, 3, T), `traits` float32 (B, T, TRAITS), `sentences` float32 (B, T, S): 1 where a token is in a
    sentence. Gives log-odds of owners (B, T, K), of main markers (B, T), of steps (3, K, K), and the words' directions.
    """

    def __init__(self, directions: NDArray[np.float32], dropout: float) -> None:
        super().__init__()
        table = torch.from_numpy(np.vstack([np.zeros((read.FIRST_WORD, DIRECTIONS), np.float32), directions]))
        self.words: nn.Module = nn.Embedding(len(table), DIRECTIONS, _weight=table.clone())
        self.directions: Tensor
        self.register_buffer("directions", functional.normalize(table, dim=1))
        self.suffixes = nn.Embedding(read.SUFFIXES + 1, SUFFIX_WIDTH)
        self.shapes = nn.Embedding(read.SHAPES, SHAPE_WIDTH)
        self.enter = nn.Linear(DIRECTIONS + SUFFIX_WIDTH + SHAPE_WIDTH + read.TRAITS, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in DILATIONS)
        self.convolutions = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, padding=d, dilation=d) for d in DILATIONS)
        self.gather = nn.Linear(2 * WIDTH, WIDTH)
        self.beside = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.spread = nn.Linear(2 * WIDTH, WIDTH)
        self.owners, self.main = nn.Linear(WIDTH, OWNERS), nn.Linear(WIDTH, 1)
        self.steps = nn.Parameter(torch.eye(OWNERS).repeat(len(Step), 1, 1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, numbers: Tensor, traits: Tensor, sentences: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        given = [self.words(numbers[:, 0]), self.suffixes(numbers[:, 1]), self.shapes(numbers[:, 2]), traits]
        x = torch.relu(self.enter(self.dropout(torch.cat(given, -1))))
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = x + self.dropout(torch.relu(convolution(norm(x).transpose(1, 2)).transpose(1, 2)))
        length = sentences.sum(1)[..., None].clamp(min=1.0)
        mean = torch.matmul(sentences.transpose(1, 2), x) / length
        s = torch.relu(self.gather(torch.cat([mean, 0.3 * mean * length.sqrt()], -1)))
        for convolution in self.beside:
            s = s + torch.relu(convolution(self.dropout(s).transpose(1, 2))).transpose(1, 2)
        x = x + torch.relu(self.spread(self.dropout(torch.cat([x, torch.matmul(sentences, s)], -1))))
        zero = 0.0 * traits.sum()  # what depends on no input is no output of an ONNX file
        return self.owners(x), self.main(x)[..., 0], self.steps + zero, self.directions.float() + zero

    def halved(self) -> "CaptionNetwork":
        """The network as it ships."""
        self.words, self.directions = Halved(cast(Tensor, self.words.weight)), self.directions.half()
        return self


class Together(nn.Module):
    """What several networks say on average: what one alone has by chance counts less."""

    def __init__(self, networks: Sequence[CaptionNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, numbers: Tensor, traits: Tensor, sentences: Tensor) -> tuple[Tensor, ...]:
        said = [network(numbers, traits, sentences) for network in self.networks]
        owners, main, steps, _ = (torch.stack(each).mean(0) for each in zip(*said, strict=True))
        return owners, main, steps, said[0][-1]


def example_of(marked: Marked, vocabulary: Vocabulary) -> Example | None:
    """The caption with its labels as the grammar finds them; None where it finds none."""
    named = name_panels(marked.text, marked.markup)
    if not named.placed:
        return None
    tokens = tokenise(plain(marked.text), named.placed, named.labels, named.blocks, vocabulary)
    number = {normal(label): i for i, label in enumerate(named.labels)}
    truths = tuple(truth_of(tokens, _who(tokens, words), number) for words in marked.readings)
    return Example(marked, named, tokens, truths)


def with_others(example: Example, vocabulary: Vocabulary, chance: random.Random) -> Example:
    """The example with up to WRITINGS others of the same caption (`varied`) in which the grammar finds the labels."""
    written = [varied(example.marked, example.named.placed, chance) for _ in range(WRITINGS)]
    made = [example_of(marked, vocabulary) for marked in written if marked]
    return example._replace(others=tuple(other for other in made if other and is_taught(other)))


def _who(tokens: Tokens, words: Sequence[tuple[int, int, Who]]) -> list[Who | None]:
    """Whose each token is; MARKER for one most of whose words are of markers; None for signs."""
    out: list[Who | None] = []
    at = 0
    for token in tokens.tokens:
        while at < len(words) and words[at][0] < token.start:
            at += 1
        stop = at
        while stop < len(words) and words[stop][0] < token.end:
            stop += 1
        inside = [who for _, _, who in words[at:stop]]
        if not inside:
            out.append(None)
        elif token.marker >= 0 and 2 * inside.count(MARKER) >= len(inside):
            out.append(MARKER)
        else:
            out.append(next((who for who in inside if isinstance(who, frozenset)), inside[0]))
    return out


def truth_of(tokens: Tokens, who: Sequence[Who | None], number: dict[str, int]) -> Truth:
    """What a reading says of pieces: the owners that fit most of the words of each, the nearest where none fits."""
    main = [True] * len(tokens.labels)
    for token, whose in zip(tokens.tokens, who, strict=True):
        if token.marker >= 0:
            main[token.marker] = whose in (MARKER, None)
    parts = pieces(tokens.tokens, main)
    sets = label_sets(tokens.tokens, tokens.labels, tokens.sentence, main, len(number))
    votes = np.zeros((len(parts.regions), OWNERS), np.float32)
    for t, whose in enumerate(who):
        if whose is None or (whose == MARKER and tokens.tokens[t].marker >= 0):
            continue
        if isinstance(whose, frozenset):
            bits = sum(1 << number[label] for label in whose if label in number)
            alike = [
                (found & bits).bit_count() / max(1, (found | bits).bit_count()) if o > Owner.NOBODY else 0.0
                for o, found in enumerate(sets[t])
            ]
            best = max(alike)
            if best > 0:
                votes[parts.of[t]] += [each == best for each in alike]
        else:
            votes[parts.of[t], Owner.WHOLE if whose == WHOLE else Owner.NOBODY] += 1
    owners = (votes >= votes.max(1, keepdims=True)).astype(np.float32)
    is_marker = np.array([token.marker >= 0 for token in tokens.tokens])
    of_main = np.array([token.marker >= 0 and main[token.marker] for token in tokens.tokens], np.float32)
    said = np.array([whose is not None for whose in who])
    return Truth(parts, owners, of_main, (is_marker & said).astype(np.float32))


def batch_of(examples: Sequence[Example], chance: random.Random) -> dict[str, Tensor]:
    """Arrays of one writing and one reading of each caption, padded at their ends."""
    examples = [chance.choice(e.others) if e.others and chance.random() < VARIED else e for e in examples]
    truths = [chance.choice(example.truths) for example in examples]
    given = [inputs(example.tokens) for example in examples]
    length = max(len(example.tokens.tokens) for example in examples)
    most = max(len(truth.pieces.regions) for truth in truths)
    out: dict[str, list[NDArray[np.generic]]] = {}

    def add(name: str, array: NDArray[np.generic], shape: tuple[int, ...], fill: float) -> None:
        padded = np.full(shape, fill, array.dtype)
        padded[tuple(slice(n) for n in array.shape)] = array
        out.setdefault(name, []).append(padded)

    sentences = max(each["sentences"].shape[2] for each in given)
    for each, truth in zip(given, truths, strict=True):
        parts = truth.pieces
        add("numbers", each["numbers"][0], (3, length), 0)
        add("traits", each["traits"][0], (length, read.TRAITS), 0)
        add("sentences", each["sentences"][0], (length, sentences), 0)
        add("of", parts.of, (length,), most)
        add("scale", (parts.sizes[parts.of] ** -0.5).astype(np.float32), (length,), 0)
        add("regions", parts.regions, (most,), 0)
        add("steps", parts.steps, (most,), 0)
        add("truth", truth.owners, (most, OWNERS), 1)
        add("main", truth.main, (length,), 0)
        add("known", truth.known, (length,), 0)
    made = {name: torch.from_numpy(np.stack(arrays)) for name, arrays in out.items()}
    return made | {"pieces": torch.tensor([len(truth.pieces.regions) for truth in truths])}


def log_partition(owners: Tensor, pairs: Tensor, count: Tensor) -> Tensor:
    """(B,): the logarithm of the summed odds of all ways to own `count` (B,) pieces.

    `owners` (B, P, K), `pairs` (B, P, K, K) as in `Evidence`.
    """
    each, between = owners.unbind(1), pairs.unbind(1)
    total = each[0]
    for t in range(1, len(each)):
        further = torch.logsumexp(total[:, :, None] + between[t], 1) + each[t]
        total = torch.where((count > t)[:, None], further, total)
    return torch.logsumexp(total, 1)


def loss_of(network: CaptionNetwork, b: dict[str, Tensor]) -> Tensor:
    """Minus the log-likelihood of what readers said (a linear chain of pieces), by the root of their number."""
    owners, main, steps, _ = network(b["numbers"], b["traits"], b["sentences"])
    size, most = b["regions"].shape
    summed = torch.zeros(size, most + 1, OWNERS).scatter_add(
        1, b["of"][..., None].expand(-1, -1, OWNERS), owners * b["scale"][..., None]
    )[:, :most]
    evidence = summed + torch.from_numpy(PRESENCE)[b["regions"]]
    within = (b["steps"] == Step.WITHIN)[..., None, None]
    pairs = steps[b["steps"]] + torch.from_numpy(ORDER)[b["regions"]] * within
    allowed = evidence + (1 - b["truth"]) * FORBIDDEN
    both = log_partition(torch.cat([evidence, allowed]), torch.cat([pairs, pairs]), b["pieces"].repeat(2))
    unlikely = both[:size] - both[size:]
    wrong = functional.binary_cross_entropy_with_logits(main, b["main"], reduction="none") * b["known"]
    return ((unlikely + MAIN * wrong.sum(1)) / b["pieces"].sqrt()).mean()


def fit(
    examples: Sequence[Example], directions: NDArray[np.float32], epochs: int, rate: float, dropout: float, seed: int
) -> CaptionNetwork:
    """The moving average of a network trained with AdamW and one cycle of rates."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    network = CaptionNetwork(directions, dropout)
    average = torch.optim.swa_utils.AveragedModel(
        network, avg_fn=lambda old, new, n: old + (new - old) * max(1 - AVERAGE, 10 / (int(n) + 11))
    )
    rest = [value for name, value in network.named_parameters() if name != "words.weight"]
    groups: list[dict[str, Any]] = [
        {"params": [cast(Tensor, network.words.weight)], "lr": WORD_RATE * rate, "weight_decay": 0.0},
        {"params": rest},
    ]
    optimiser = torch.optim.AdamW(groups, rate, weight_decay=DECAY)
    batches = -(-len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [WORD_RATE * rate, rate], total_steps=epochs * batches, pct_start=WARM
    )
    for epoch in range(epochs):
        lengths = {id(e): len(e.truths[0].pieces.regions) + 30 * chance.random() for e in examples}
        ordered = sorted(examples, key=lambda e: lengths[id(e)])
        groups_of = [ordered[i : i + BATCH] for i in range(0, len(ordered), BATCH)]
        chance.shuffle(groups_of)
        total = 0.0
        for group in groups_of:
            b = batch_of(group, chance)
            hidden = torch.rand(b["of"].shape) < FORGOTTEN
            words = (b["numbers"][:, 0] >= read.FIRST_WORD) & (b["numbers"][:, 2] > 0)
            b["numbers"][:, 0][hidden & words] = read.UNKNOWN
            b["numbers"][:, 1][torch.rand(b["of"].shape) < FORGOTTEN / 2] = 0
            loss = loss_of(network, b)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            average.update_parameters(network)
            total += float(loss.detach())
        print(f"  epoch {epoch + 1} of {epochs}: {total / len(groups_of):.3f}", flush=True)
    trained: CaptionNetwork = average.module.eval()  # type: ignore[assignment]
    return trained


@torch.no_grad()
def cut_by(network: CaptionNetwork, example: Example) -> Segments:
    """The caption as the network cuts it, the way `pmc15m.figures.captions.segments.cut` does."""
    given = [torch.from_numpy(array) for array in inputs(example.tokens).values()]
    owners, main, steps, _ = (each.numpy() for each in network(*given))
    evidence = evidence_of(example.tokens, owners[0], main[0], steps)
    named = example.named
    return segments_of(plain(example.marked.text), example.tokens, named.placed, named.labels, evidence)


def is_taught(example: Example) -> bool:
    """Whether the grammar finds the labels that the readers found."""
    return {normal(label) for label in example.named.labels} == example.marked.labels


def fold_of(article: str, folds: int) -> int:
    return zlib.crc32(article.encode()) % folds


def options(parser: argparse.ArgumentParser) -> None:
    for name in ("pieces", "silver", "zou", "articles"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.003)
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--left-out", type=Path)


def train(args: argparse.Namespace) -> bytes:
    texts = captions_of(args.silver, args.zou, args.articles)
    words, directions = learn(paragraphs(args.articles), [text for _, text, _ in texts.values()])
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    known = np.vstack([np.zeros((read.FIRST_WORD, DIRECTIONS), np.float32), directions / lengths])
    vocabulary = Vocabulary({word: i + read.FIRST_WORD for i, word in enumerate(words)}, known)
    captions = [*read_pieces(args.pieces), *read_marks(texts), *read_made_up()]
    examples = [example for marked in captions if (example := example_of(marked, vocabulary))]
    chance = random.Random(args.seed)
    examples = [with_others(e, vocabulary, chance) if is_taught(e) else e for e in examples]
    taught = [example for example in examples if is_taught(example)]
    print(f"{len(captions)} captions, {len(taught)} with the labels that the readers found")
    how = args.epochs, args.rate, args.dropout, args.seed
    if args.left_out:
        leave_out(examples, directions, how, args)
    networks = [fit(taught, directions, *how[:-1], args.seed + i).halved() for i in range(NETWORKS)]
    given = tuple(torch.from_numpy(array) for array in inputs(taught[0].tokens).values())
    return onnx_file(Together(networks), given, (INPUTS, OUTPUTS), ABOUT, args, AXES, {"words": "\n".join(words)})


def leave_out(
    examples: Sequence[Example],
    directions: NDArray[np.float32],
    how: tuple[int, float, float, int],
    args: argparse.Namespace,
) -> None:
    """Write what networks make of articles that they have not read."""
    asked = {marked.id for marked in read_pieces(args.pieces)}
    args.left_out.mkdir(parents=True, exist_ok=True)
    predicted, doubts = args.left_out / args.pieces.name, args.left_out / "certainty.jsonl"
    with predicted.open("w", encoding="utf-8") as lines, doubts.open("w", encoding="utf-8") as traits:
        for fold in range(args.folds):
            far = [e for e in examples if is_taught(e) and fold_of(e.marked.article, args.folds) != fold]
            network = fit(far, directions, *how)
            right = total = 0
            for example in examples:
                if fold_of(example.marked.article, args.folds) != fold:
                    continue
                cuts = cut_by(network, example)
                certain = certainties(cuts.doubts, example.named.certainty)
                for label, spans in cuts.segments.items():
                    good = normal(label) in example.marked.labels and is_right(example.marked, normal(label), spans)
                    right, total = right + good, total + 1
                    row = {"article": example.marked.article, "asked": example.marked.id in asked, "right": good}
                    row["traits"] = traits_of(cuts.doubts[label], example.named.certainty)
                    print(json.dumps(row), file=traits)
                if example.marked.id in asked:
                    row = {"id": example.marked.id, "panels": cuts.segments, "scores": certain}
                    print(json.dumps(row, ensure_ascii=False), file=lines)
            print(f"fold {fold}: {right} of {total} texts right", flush=True)
