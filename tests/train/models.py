"""A model of a few thousand parameters that is ready to encode."""

import functools

import torch

from tests.train.drawn_pairs import draw_pair, small_config
from train.evaluation.embeddings import Encoder
from train.images import centre_crop
from train.tokens import train_tokenizer
from train.towers import build_model


def small_encoder(*overrides: str) -> Encoder:
    config = small_config(*overrides)
    tokenizer = train_tokenizer([draw_pair(seed)[1] for seed in range(8)], 200)
    return Encoder(
        name="small",
        model=build_model(config, tokenizer.get_vocab_size()),
        tokenizer=tokenizer,
        context_length=config.data.context_length,
        prepare=functools.partial(centre_crop, size=config.data.image_size, max_pixels=10**8),
        device=torch.device("cpu"),
        width=config.embed_dim,
        fingerprint="small",
    )
