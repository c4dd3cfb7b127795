"""A model of a few thousand parameters that is ready to encode."""

import torch

from tests.train.drawn_pairs import draw_pair, small_config
from train.distributed import World
from train.evaluation.embeddings import Encoder
from train.tokens import train_tokenizer
from train.towers import build_model

ALONE = World(0, 1, torch.device("cpu"))


def small_encoder(*overrides: str) -> Encoder:
    config = small_config(*overrides)
    tokenizer = train_tokenizer([draw_pair(seed)[1] for seed in range(8)], 200)
    model = build_model(config, tokenizer.get_vocab_size())
    return Encoder.of(config, model, tokenizer, ALONE, fingerprint="small")
