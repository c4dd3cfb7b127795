"""The networks as they ship: the answers of the trained ones, their input and output by name, their origin inside."""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("onnx")
import torch

import models.kinds.network as kinds
from models.__main__ import main
from models.export import command_line, onnx_file
from models.panels import reader, train
from models.panels.network import PanelNet
from pmc15m.figures.glyphs import CROP
from pmc15m.figures.lanes import SIDE

ARGS = argparse.Namespace(name="kinds", seed=3, out=Path("out.onnx"), force=True)


def session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("network", "shape", "names"),
    [
        (kinds.Probabilities(kinds.KindNet()), (3, kinds.SIDE, kinds.SIDE, 3), (["pictures"], ["kinds"])),
        (train.Probabilities(PanelNet()), (3, SIDE, SIDE), (["figure"], ["gutters"])),
        (reader.Probabilities(reader.Reader()), (3, 2, CROP, CROP), (["crops"], ["letters", "capital"])),
    ],
    ids=["kinds", "panels", "reader"],
)
def test_onnx_answers_as_torch_does(
    network: torch.nn.Module, shape: tuple[int, ...], names: tuple[list[str], list[str]]
) -> None:
    pixels = (
        np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8 if names[0] == ["pictures"] else np.float32)
    )
    content = onnx_file(network, torch.from_numpy(pixels[:1]), names, "about", ARGS)  # one, and then three
    with torch.no_grad():
        truth = network(torch.from_numpy(pixels))
    answers = session(content).run(names[1], {names[0][0]: pixels})
    for answer, each in zip(answers, truth if isinstance(truth, tuple) else (truth,), strict=True):
        assert np.allclose(answer, each, atol=1e-4)


def test_the_command_in_the_file_names_no_place() -> None:
    args = argparse.Namespace(
        name="reader", fonts=[Path("/usr/share/fonts"), Path("/home/me/more")], run=Path("run"), rate=0.1, start=None
    )
    args.out, args.force = Path("/home/me/reader.onnx"), False
    assert command_line(args) == "python -m models reader --fonts fonts more --run run --rate 0.1"


def test_the_kinds_are_trained_and_written_with_their_origin(tmp_path: Path) -> None:
    out = tmp_path / "kinds.onnx"
    main(["kinds", "--run", str(tmp_path / "run"), "--count", "70", "--epochs", "1", "--out", str(out)])
    trained = session(out.read_bytes())
    likely = trained.run(None, {"pictures": np.zeros((2, kinds.SIDE, kinds.SIDE, 3), np.uint8)})[0]
    assert np.allclose(likely.sum(1), 1, atol=1e-5)
    told = trained.get_modelmeta()
    assert "drawings" in told.description
    assert told.custom_metadata_map["made_by"].startswith("python -m models kinds --run run --count 70")
    assert told.custom_metadata_map["licence"] == "MIT"
