"""A trained network as the bytes of an ONNX file that says what it is and what made it."""

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from pmc15m import __version__

LICENCE = "MIT"


def onnx_file(
    network: nn.Module, example: Tensor, names: tuple[str, Sequence[str]], about: str, args: argparse.Namespace
) -> bytes:
    """A network of one input and `names` = (input, outputs), the first axis of each free; `args` made it."""
    taken, given = names
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The new exporter wants onnxscript, and writes other operators than the shipped files have.
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder, "network.onnx")
        torch.onnx.export(
            network.eval(), (example,), path, input_names=[taken], output_names=list(given),
            dynamic_axes={name: {0: "n"} for name in (taken, *given)}, dynamo=False,
        )  # fmt: skip
        return described(path.read_bytes(), about, command_line(args))


def described(model: bytes, about: str, made_by: str, producer: str = f"pmc15m {__version__}") -> bytes:
    """The same network with its description and origin: what `onnxruntime` gives as `session.get_modelmeta()`."""
    proto = onnx.load_model_from_string(model)
    proto.doc_string = about
    onnx.helper.set_model_props(proto, {"producer": producer, "made_by": made_by, "licence": LICENCE})
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def command_line(args: argparse.Namespace) -> str:
    """The command that `args` were read from, without places: folders and --out are names of one machine."""
    options = {name: value for name, value in vars(args).items() if name not in ("name", "out", "force")}
    words = [
        f"--{name.replace('_', '-')} {' '.join(v.name if isinstance(v, Path) else str(v) for v in values)}"
        for name, value in options.items()
        if (values := value if isinstance(value, list) else [value]) != [None]
    ]
    return " ".join(["python -m models", args.name, *words])
