"""A trained network as the bytes of an ONNX file that says what it is and what made it."""

import argparse
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from pmc15m import __version__

LICENCE = "MIT"


def onnx_file(
    network: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    names: tuple[Sequence[str], Sequence[str]],
    about: str,
    args: argparse.Namespace,
    axes: Mapping[str, Mapping[int, str]] | None = None,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """A network with `names` = (inputs, outputs); `args` made it. `axes` are the free ones (the first of each where
    none are given), `more` is kept beside what the file says of itself."""
    taken, given = names
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The new exporter wants onnxscript, and writes other operators than the shipped files have.
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder, "network.onnx")
        torch.onnx.export(
            network.eval(), example if isinstance(example, tuple) else (example,), path,
            input_names=list(taken), output_names=list(given),
            dynamic_axes=axes or {name: {0: "n"} for name in (*taken, *given)}, dynamo=False,
        )  # fmt: skip
        return described(path.read_bytes(), about, command_line(args), more=more)


def described(
    model: bytes,
    about: str,
    made_by: str,
    producer: str = f"pmc15m {__version__}",
    more: Mapping[str, str] | None = None,
) -> bytes:
    """The same network with its description and origin: what `onnxruntime` gives as `session.get_modelmeta()`."""
    proto = onnx.load_model_from_string(model)
    proto.doc_string = about
    said = {"producer": producer, "made_by": made_by, "licence": LICENCE, **(more or {})}
    onnx.helper.set_model_props(proto, said)
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
