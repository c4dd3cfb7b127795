"""Every task on a folder as microsoft/BiomedCLIP publishes it, with random weights, and tiny copies of the data sets.

    python -m benchmarks.biomedclip_folder --out DIR

The architecture is the released one to the tensor (351 of them, 195.9 M parameters, the first spelling of the
configuration, a pickle with `position_ids`); the tokenizer is a small one. The copies of the sets lie in their official
layouts, one of each reader, filled with pictures that packages ship. Figures mean nothing; what must hold is that no
row has a problem.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from tests.train import official
from tests.train.drawn_pairs import draw_pair, write_webdataset
from train.__main__ import main as train
from train.config import load_config
from train.tokens import train_tokenizer
from train.towers import build_model

TENSORS, PARAMETERS = 351, 195_902_721
BERT = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
}
NAME = "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract"
CONFIG = {
    "model_cfg": {
        "embed_dim": 512,
        "vision_cfg": {
            "timm_model_name": "vit_base_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": NAME,
            "hf_tokenizer_name": NAME,
            "proj": "mlp",
            "pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 256,
        },
    },
    "preprocess_cfg": {
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
    },
}
READ = ("pcam", "lc25000-lung", "lc25000-colon", "tcga-til", "rsna", "ham10000", "bloodmnist", "wds-pcam")
SUITE = f"""title = "Every task"
retrieval = ["pmc15m"]
zero_shot = {json.dumps(READ)}
probe = ["pcam", "bloodmnist", "tcga-til"]
multiple_choice = ["ubench"]
vqa = ["vqa-rad", "slake"]
amounts = ["1-shot", 0.1, 1.0]

[fine_tuning]
epochs = 1
layers = 1
"""


def write_folder(folder: Path) -> None:
    """The model."""
    folder.mkdir(parents=True)
    config = load_config("biomedclip", None, ["image.weights=", "text.weights=", "text.tokenizer="])
    weights = {name: tensor.contiguous() for name, tensor in build_model(config, 30522, BERT).state_dict().items()}
    found = len(weights), sum(tensor.numel() for tensor in weights.values())
    if found != (TENSORS, PARAMETERS):
        raise SystemExit(f"not BiomedCLIP's architecture: {found[0]} tensors, {found[1]:,} parameters")
    weights["text.transformer.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save(weights, folder / "open_clip_pytorch_model.bin")
    train_tokenizer([draw_pair(seed)[1] for seed in range(50)], 300).save(str(folder / "tokenizer.json"))
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))


def write_sets(root: Path) -> None:
    """The data."""
    for name in READ:
        official.write(root, name)
    official.vqa_rad(root / "vqa-rad")
    official.slake(root / "slake")
    official.ubench(root, official.ubench_rows())
    write_webdataset(root / "export", "test", [6])
    (root / "suite.toml").write_text(SUITE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Every task on BiomedCLIP's folder with random weights.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    out = parser.parse_args().out
    torch.manual_seed(0)
    write_folder(out / "BiomedCLIP")
    write_sets(out / "sets")
    command = ["evaluate", "--suite", str(out / "sets" / "suite.toml"), "--model", str(out / "BiomedCLIP")]
    return train([*command, "--data", str(out / "sets"), "--out", str(out / "report")])


if __name__ == "__main__":
    sys.exit(main())
