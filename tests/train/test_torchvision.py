"""The guard: a torchvision built for another torch must not stop timm and transformers."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from train import _torchvision

# What the real package does while it is imported, and what fails when its compiled library did not load.
NEEDS_ITS_OPERATORS = "import torch; torch.library.register_fake('torchvision::nms')(lambda *a: None)"


def test_missing_operators_are_declared(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text(NEEDS_ITS_OPERATORS)
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
try: import torchvision
except RuntimeError as error: assert 'torchvision::nms does not exist' in str(error), error
else: raise SystemExit('the fake does not need the guard')
from train import _torchvision
_torchvision.make_importable()
import torchvision
_torchvision.make_importable()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_a_sound_or_absent_torchvision_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_torchvision, "_library", None)
    monkeypatch.setitem(sys.modules, "torchvision", importlib)
    _torchvision.make_importable()
    monkeypatch.setitem(sys.modules, "torchvision", None)
    _torchvision.make_importable()
    assert _torchvision._library is None


def test_any_other_error_is_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('disk full')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(RuntimeError, match="disk full"):
        _torchvision.make_importable()
