"""Small networks on the processor: how their weights are run, everywhere alike."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@functools.cache
def network(weights: Path) -> InferenceSession:
    """The network of a weights file, loaded once; on one thread, for work is spread over processes, not threads."""
    # Read once, when it is imported, which is nowhere but here: it would keep a device id in the home folder and tell
    # its makers of this machine.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights.read_bytes(), options, providers=["CPUExecutionProvider"])
