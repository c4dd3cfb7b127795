from pathlib import Path

import pytest
import torch

from tests.train.drawn_pairs import write_webdataset
from train import _torchvision

_torchvision.make_importable()  # for the tests that import open_clip, timm or transformers themselves
torch.set_num_threads(1)  # beside other work two threads wait for each other; and one thread adds in one order


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pairs to train on in two shards, 9 to validate and 5 to test on."""
    folder = tmp_path_factory.mktemp("export")
    write_webdataset(folder, "train", [25, 15])
    write_webdataset(folder, "test", [5], first_seed=2000)
    return write_webdataset(folder, "val", [9], first_seed=1000)
