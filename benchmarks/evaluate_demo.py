"""What `make evaluate-demo` runs after the demo: pretrain, then judge, end to end, on pictures that nobody trained on.

    python -m benchmarks.evaluate_demo --workspace data/demo

Trains the tiny preset on the demo's panels, on smaller crops and for longer than the demo does, draws fresh pictures of
six kinds, and lets `python -m train evaluate` judge the model: retrieval on the export's test split, zero-shot
classification, a probe, and yes/no questions in VQA-RAD's layout. The probe is then made again by scikit-learn's exact
solver from the same features. The six kinds are those that 157 captions and 48 px suffice for: of ten, with CT,
fluorescence, bar graphs and scatter plots, such a model names three quarters.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from pmc15m.demo import charts, photographs
from pmc15m.demo.figure import Drawer
from train.__main__ import main as train
from train.distributed import World
from train.evaluation.embeddings import embed_pictures, load_encoder
from train.evaluation.readers import open_set
from train.evaluation.sets import load_set

KINDS: dict[str, tuple[str, Drawer]] = {
    "blot": ("Western blot of actin, ERK", photographs.blot),
    "gel": ("Agarose gel electrophoresis of a PCR product", photographs.gel),
    "mri": (
        "Axial T2-weighted brain MRI with narrow ventricles and a bright lesion in the left hemisphere",
        photographs.mri,
    ),
    "electron": ("Transmission electron micrograph of round mitochondria", photographs.electron_micrograph),
    "survival": (
        "Kaplan-Meier survival curves; patients in the blue group lived longer than those in the red group",
        charts.survival_curve,
    ),
    "heat_map": ("Heat map of the expression of 12 genes in 6 samples (green, low; red, high)", charts.heat_map),
}
SEED = 91_000  # far from those of the demo's articles
STEPS = 160
TEST, TRAIN = 40, 15  # pictures a kind
ASKED = 2  # questions a picture: one whose answer is yes, one whose answer is no

SET = """title = "Generated pictures of six kinds"
source = "drawn by pmc15m.demo"
licence = "MIT"
folder = "kinds"
classes = {classes}
templates = ["{{}}."]

[labels]
{labels}

[reader]
kind = "folders"

[reader.test]
path = "test"

[reader.train]
path = "train"

[n]
test = {n}
"""
QUESTIONS = """title = "Generated yes/no questions"
source = "drawn by pmc15m.demo"
licence = "MIT"
folder = "questions"

[reader]
kind = "vqa_rad"

[n]
train = {train}
test = {test}
"""
SUITE = """title = "What the demo's model has learned"
retrieval = ["export.toml"]
zero_shot = ["kinds.toml"]
probe = ["kinds.toml"]
vqa = ["questions.toml"]
amounts = ["1-shot", "4-shot", 1.0]

[fine_tuning]
epochs = 12
batch = 32
layers = 2
width = 96
heads = 3
lr = 2e-4
head_times = 5
dropout = 0.0
"""
EXPORT = """title = "Test split of the demo"
source = "pmc15m demo"
licence = "of each pair, in attribution.csv"
folder = "../export/panels"

[reader]
kind = "export"
split = "test"
"""


def write_sets(folder: Path) -> None:
    """The pictures, the questions about them, their descriptions and the suite."""
    for split, count in (("test", TEST), ("train", TRAIN)):
        for place, (name, (_, draw)) in enumerate(KINDS.items()):
            (folder / "kinds" / split / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                rng = np.random.default_rng([SEED, split == "test", place, number])
                width, height = (int(side) for side in rng.integers(220, 420, 2))
                draw(rng, width, height).image.convert("RGB").save(folder / "kinds" / split / name / f"{number}.png")
    labels = {name: words for name, (words, _) in KINDS.items()}
    described = SET.format(
        classes=json.dumps(list(labels.values())),
        labels="\n".join(f"{name} = {json.dumps(words)}" for name, words in labels.items()),
        n=TEST * len(KINDS),
    )
    (folder / "kinds.toml").write_text(described)
    (folder / "export.toml").write_text(EXPORT)
    (folder / "suite.toml").write_text(SUITE)
    _write_questions(folder, labels)


def _write_questions(folder: Path, labels: dict[str, str]) -> None:
    (folder / "questions").mkdir(exist_ok=True)
    pictures = folder / "questions" / "VQA_RAD Image Folder"
    pictures.unlink(missing_ok=True)
    pictures.symlink_to(Path("..", "kinds"))
    rng = np.random.default_rng(SEED)
    rows = []
    for split, phrase in (("train", "freeform"), ("test", "test_freeform")):
        for path in sorted((folder / "kinds" / split).glob("*/*.png")):
            other = rng.choice([name for name in labels if name != path.parent.name])
            for asked, answer in ((path.parent.name, "yes"), (str(other), "no")):
                rows.append(
                    {
                        "phrase_type": phrase,
                        "image_name": str(path.relative_to(folder / "kinds")),
                        "question": f"Is this it: {labels[asked]}?",
                        "answer": answer,
                        "answer_type": "CLOSED",
                    }
                )
    (folder / "questions" / "VQA_RAD Dataset Public.json").write_text(json.dumps(rows))
    counts = {split: ASKED * count * len(KINDS) for split, count in (("train", TRAIN), ("test", TEST))}
    (folder / "questions.toml").write_text(QUESTIONS.format(**counts))


def scikit_learn(model: Path, folder: Path, c: float) -> float:
    """The probe on all training pictures by an exact solver, in percent, from the features that were kept."""
    from sklearn.linear_model import LogisticRegression

    world, described = World(0, 1, torch.device("cpu")), load_set("kinds.toml", folder)
    encoder = load_encoder(model, world, cache=folder / "report" / "embeddings")
    sets = {split: open_set(described, folder, split) for split in ("train", "test")}
    found = {split: embed_pictures(encoder, pictures).double().numpy() for split, pictures in sets.items()}
    theirs = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10).fit(found["train"], sets["train"].labels)
    return 100 * float((theirs.predict(found["test"]) == sets["test"].labels).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description="Pretrain the tiny preset on the demo and judge it.")
    parser.add_argument("--workspace", type=Path, default=Path("data/demo"), metavar="DIR", help="where the demo lies")
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    start = time.monotonic()
    torch.set_num_threads(1)
    folder, model = options.workspace / "evaluation", options.workspace / "evaluation" / "model"
    export = options.workspace / "export" / "panels"
    run = ["run", str(export), "--out", str(model), "--resume", "--steps", str(options.steps), "-q"]
    settings = ("data.crop_scale=0.3", "run.save_every=80", "optim.warmup_steps=20", "optim.temperature=0.2")
    if code := train([*run, *(part for setting in settings for part in ("--set", setting))]):
        return code
    write_sets(folder)
    command = ["evaluate", "--suite", str(folder / "suite.toml"), "--model", str(model), "--data", str(folder)]
    if code := train([*command, "--out", str(folder / "report"), "--workers", "0"]):
        return code
    report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    found = {result["task"]: result for result in report["results"]}
    probe = found["probe, 100 %"]
    theirs = scikit_learn(model, folder, probe["details"]["C"][0])
    ours, zero_shot, vqa = (found[task]["scores"]["accuracy"] for task in ("probe, 100 %", "zero-shot", "vqa"))
    checks = {
        f"zero-shot {zero_shot['value']:.1f} %, at least 90": zero_shot["value"] >= 90,
        f"yes/no questions {vqa['value']:.1f} %, from {vqa['low']:.1f} on, above 50": vqa["low"] > 50,
        f"probe {ours['value']:.2f} %, scikit-learn's {theirs:.2f} %": abs(ours["value"] - theirs) < 1e-6,
    }
    print(f"\n{time.monotonic() - start:.0f} s in all")
    for said, holds in checks.items():
        print(f"{'holds' if holds else 'FAILS'}: {said}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
