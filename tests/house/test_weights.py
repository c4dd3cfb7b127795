"""The ledger of trained files is true: what lies in the folder stands in it, byte for byte, and the files agree."""

import hashlib
import json
import tomllib
from pathlib import Path

import pytest

from pmc15m import weights
from pmc15m.pictures.network import network

ROOT = Path(__file__).parents[2]
LEDGER = tomllib.loads(weights.LEDGER.read_text(encoding="utf-8"))
FIELDS = {
    "what",
    "sha256",
    "bytes",
    "parameters",
    "made_by",
    "inputs",
    "date",
    "commit",
    "licence",
    "again",
    "why",
    "card",
}
NETWORKS = [name for name in LEDGER if name.endswith(".onnx")]


def test_every_file_of_the_folder_is_in_the_ledger_and_no_other() -> None:
    files = {path.name for path in weights.FOLDER.iterdir() if path.is_file()} - {"__init__.py", weights.LEDGER.name}
    assert files == LEDGER.keys() == {path.name for path in weights.FILES}


@pytest.mark.parametrize("name", LEDGER)
def test_an_entry_describes_the_bytes_that_ship(name: str) -> None:
    content = (weights.FOLDER / name).read_bytes()
    assert LEDGER[name].keys() == FIELDS
    assert (LEDGER[name]["sha256"], LEDGER[name]["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert all(digest == "unknown" or len(bytes.fromhex(digest)) == 32 for digest in LEDGER[name]["inputs"].values())
    assert (ROOT / LEDGER[name]["card"]).is_file()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_holds_as_many_parameters_as_the_ledger_says(name: str) -> None:
    onnx = pytest.importorskip("onnx")
    initialisers = onnx.load(weights.FOLDER / name).graph.initializer
    assert sum(onnx.numpy_helper.to_array(each).size for each in initialisers) == LEDGER[name]["parameters"]


@pytest.mark.parametrize("name", [name for name in LEDGER if name.endswith(".json")])
def test_a_linear_model_is_numbers_and_a_bias_as_many_as_the_ledger_says(name: str) -> None:
    model = json.loads((weights.FOLDER / name).read_text(encoding="utf-8"))
    assert all(isinstance(value, float | int) for value in model.values())
    assert "bias" in model
    assert len(model) == LEDGER[name]["parameters"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_says_itself_what_it_is_and_what_made_it(name: str) -> None:
    told = network(weights.FOLDER / name).get_modelmeta()
    assert told.description
    assert told.custom_metadata_map["producer"].startswith("pmc15m ")
    assert told.custom_metadata_map["licence"] == LEDGER[name]["licence"]
    assert told.custom_metadata_map["made_by"] == LEDGER[name]["made_by"]


def test_a_wheel_holds_the_folder() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    assert weights.FOLDER.relative_to(ROOT).parts[0] in wheel["packages"]
    assert not {"exclude", "only-include", "include"} & (build.keys() | wheel.keys())
