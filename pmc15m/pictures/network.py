"""Small networks on the processor: how their weights are run, everywhere alike."""

import functools
from pathlib import Path

import onnxruntime


@functools.cache
def network(weights: Path) -> onnxruntime.InferenceSession:
    """The network of a weights file, loaded once; on one thread, for work is spread over processes, not threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights.read_bytes(), options, providers=["CPUExecutionProvider"])
