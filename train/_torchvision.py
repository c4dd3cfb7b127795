"""Lets timm and transformers import where torch is a CPU build beside PyPI's torchvision.

On a CPU-only machine pip may pair `torch+cpu` with a torchvision built for CUDA. Its compiled library then cannot be
loaded, its operators are never declared, and `import torchvision` fails with "operator torchvision::nms does not exist"
(pytorch/pytorch#122494, pytorch/vision#9085). timm imports torchvision unconditionally. We call none of its compiled
operators, so declaring their names is enough to let the import finish.
"""

import importlib
import logging
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None  # the declarations vanish with this object

log = logging.getLogger(__name__)


def make_importable() -> None:
    """Import torchvision, declaring its missing operators when that is what stops it. No-op when absent or sound."""
    global _library
    try:
        importlib.import_module("torchvision")
        return
    except ModuleNotFoundError:
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        _library.define(schema)  # type: ignore[no-untyped-call]
    importlib.import_module("torchvision")
    log.info(
        "torchvision's compiled operators are missing (its build does not match torch %s); none is needed here",
        torch.__version__,
    )
