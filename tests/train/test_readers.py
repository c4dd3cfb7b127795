"""Data sets as people have them: in the official layouts, and with what is usually wrong in copies."""

import builtins
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from pydicom.data import get_testdata_file

from tests.train.models import small_encoder
from tests.train.official import EACH, write
from train.errors import DataError
from train.evaluation import embeddings
from train.evaluation.classification import zero_shot
from train.evaluation.embeddings import embed_pictures
from train.evaluation.readers import named, open_file, open_set
from train.evaluation.sets import load_set, shipped
from train.images import UnreadableImage

LABELLED = [
    name for name in shipped("set") if load_set(name).reader["kind"] not in ("export", "vqa_rad", "slake", "ubench")
]


@pytest.mark.parametrize("name", LABELLED)
def test_every_set_is_read_in_its_official_layout(name: str, tmp_path: Path) -> None:
    described = named(write(tmp_path, name), tmp_path)
    pictures = open_set(described, tmp_path, "test")
    assert len(pictures) == EACH * (2 if name.startswith("wds") else len(described.classes))
    assert set(pictures.labels) == set(range(len(described.classes)))
    for row in range(len(pictures)):
        assert np.asarray(pictures.picture(row).convert("RGB")).std() > 0, pictures.name(row)
    again = open_set(described, tmp_path, "test")
    assert again.fingerprint == pictures.fingerprint


def test_labels_follow_the_description_not_the_alphabet(tmp_path: Path) -> None:
    described = write(tmp_path, "lc25000-lung")
    pictures = open_set(described, tmp_path, "test")
    for row in range(len(pictures)):
        wanted = {"lung_aca": 0, "lung_n": 1, "lung_scc": 2}[Path(pictures.name(row)).parent.name]
        assert pictures.labels[row] == wanted


def test_the_larger_file_of_medmnist_is_taken_first(tmp_path: Path) -> None:
    described = write(tmp_path, "bloodmnist")
    small = open_set(described, tmp_path, "test")
    shutil.copy(tmp_path / "medmnist" / "bloodmnist.npz", tmp_path / "medmnist" / "bloodmnist_224.npz")
    large = open_set(described, tmp_path, "test")
    assert (small.name(0), large.name(0)) == ("bloodmnist.npz/0", "bloodmnist_224.npz/0")
    assert small.fingerprint != large.fingerprint


@pytest.mark.parametrize("name", ["kather2016", "rsna", "pcam", "bloodmnist", "wds-pcam"])  # one of each reader
def test_threads_decode_the_pictures_of_every_reader_in_their_order(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "BATCH", 2)
    described, encoder = named(write(tmp_path, name), tmp_path), small_encoder()
    pictures = open_set(described, tmp_path, "test")
    crops = [torch.from_numpy(encoder.prepare(pictures.picture(row))) for row in range(len(pictures))]
    one_by_one = torch.cat([encoder.images(crop[None]) for crop in crops])
    together = embed_pictures(dataclasses.replace(encoder, workers=3), pictures)
    assert torch.allclose(together, one_by_one, atol=1e-6)
    assert len(one_by_one.unique(dim=0)) > 1


def test_the_official_list_is_known_and_another_one_is_said(tmp_path: Path) -> None:
    """LC25000's file names are numbers; the pictures themselves are not looked at."""
    described = load_set("lc25000-colon")
    root = described.where(tmp_path) / described.options("test")["path"]
    for folder, name in (("colon_aca", "colonca"), ("colon_n", "colonn")):
        (root / folder).mkdir(parents=True)
        for number in range(1, 5001):
            (root / folder / f"{name}{number}.jpeg").touch()
    official = open_set(described, tmp_path, "test")
    assert official.listed == described.sha256["test"]
    assert official.notes == (described.notes,)
    (root / "colon_n" / "colonn7.jpeg").rename(root / "colon_aca" / "colonn7.jpeg")
    assert "other test examples or labels than the official ones" in open_set(described, tmp_path, "test").notes[-1]
    (root / "colon_aca" / "colonn7.jpeg").unlink()
    assert "9999 test examples, officially 10000" in open_set(described, tmp_path, "test").notes[-1]


def without(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        found = sorted(root.glob(pattern))[-1]
        shutil.rmtree(found) if found.is_dir() else found.unlink()

    return change


def copied(pattern: str, name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        found = sorted(root.glob(pattern))[-1]
        shutil.copytree(found, found.with_name(name))

    return change


def edited(pattern: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next(root.glob(pattern))
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


def resized(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next(root.glob(pattern))
        Image.open(path).resize((50, 50)).save(path)

    return change


def torn(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next(root.glob(pattern))
        path.write_bytes(path.read_bytes()[:300])

    return change


def emptied(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for path in next(root.glob(pattern)).iterdir():
            path.unlink()

    return change


def packed(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next(root.glob(pattern))
        path.rename(path.with_name(f"{path.name}.gz"))

    return change


def relabelled(pattern: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with h5py.File(next(root.glob(pattern)), "r+") as file:
            fewer = file["y"][1:]
            del file["y"]
            file["y"] = fewer

    return change


def rewritten(pattern: str, change_arrays: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next(root.glob(pattern))
        arrays = dict(np.load(path))
        change_arrays(arrays)
        np.savez(path, **arrays)

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "lc25000-lung",
            without("lc25000/*/lung_image_sets/lung_scc"),
            "has no folder 'lung_scc'; it has lung_aca, lung_n",
        ),
        ("lc25000-colon", without("lc25000/*"), "there is no folder"),
        ("nct-crc", copied("nct-crc/CRC*/TUM", "TUMOR_2"), "has a folder 'TUMOR_2', which is no class; known: ADI"),
        ("kather2016", emptied("kather2016/*/08_EMPTY"), "holds no pictures"),
        (
            "kather2016",
            resized("kather2016/*/03*/*1.tif"),
            "03_COMPLEX1.tif: 50 × 50 px, the official pictures are 150 × 150",
        ),
        ("nct-crc", torn("nct-crc/CRC*/ADI/*1.tif"), "a picture that cannot be used: CRC-VAL-HE-7K/ADI/ADI1.tif"),
        ("ham10000", without("ham10000/HAM10000_images_part_1/*.jpg"), "names 21 pictures, of which 1 are not there"),
        (
            "ham10000",
            edited("ham10000/*.csv", "dx", "diagnosis"),
            "has no column 'dx'; its columns are image_id, x, diagnosis",
        ),
        ("ham10000", edited("ham10000/*.csv", ",", ";"), "has no column 'dx'"),
        (
            "ham10000",
            edited("ham10000/*.csv", ",bkl", ",scc"),
            "3 examples have the label 'scc', which leads to no class",
        ),
        ("ham10000", edited("ham10000/*.csv", "nv_0,0,nv", "nv_0,0"), "has rows with fewer or more fields"),
        ("pad-ufes-20", edited("pad-ufes-20/*.csv", ",NEV", ",nev"), "'nev', which leads to no class; known: ACK"),
        ("pad-ufes-20", without("pad-ufes-20/metadata.csv"), "cannot read the table"),
        (
            "rsna",
            edited("rsna/*.csv", "1_0,1,1", "1_0,1,0"),
            "gives stage_2_train_images/1_0.dcm two labels, '1' and '0'",
        ),
        ("rsna", without("rsna/*.csv"), "cannot read the table"),
        (
            "rsna",
            torn("rsna/stage_2_train_images/1_0.dcm"),
            "a picture that cannot be used: stage_2_train_images/1_0.dcm",
        ),
        ("pcam", packed("pcam/*test_x.h5"), "it lies there packed: gunzip it first"),
        ("pcam", torn("pcam/*test_x.h5"), "camelyonpatch_level_2_split_test_x.h5"),
        ("pcam", relabelled("pcam/*test_y.h5"), "(6, 96, 96, 3) uint8 pictures do not fit (5, 1, 1, 1) labels"),
        ("pathmnist", without("medmnist/*.npz"), "has none of the files pathmnist_224.npz, pathmnist.npz"),
        ("pathmnist", rewritten("medmnist/*.npz", lambda a: a.pop("test_labels")), "is not as MedMNIST writes it"),
        (
            "pathmnist",
            rewritten("medmnist/*.npz", lambda a: a.update(test_labels=a["test_labels"][:-1])),
            "pictures do not fit",
        ),
        (
            "bloodmnist",
            rewritten("medmnist/*.npz", lambda a: a.update(test_labels=np.minimum(a["test_labels"], 6))),
            "no picture of the class 'platelet'",
        ),
        (
            "bloodmnist",
            rewritten("medmnist/*.npz", lambda a: a.update(test_labels=a["test_labels"] + 1)),
            "3 examples have the label '8', which leads to no class",
        ),
        ("wds-pcam", without("wds_vtab-pcam/test/1.tar"), "nshards.txt says 2 shards, there are 1"),
        ("wds-pcam", torn("wds_vtab-pcam/test/1.tar"), "1.tar"),
        ("wds-pcam", without("wds_vtab-pcam/classnames.txt"), "there is no"),
    ],
)
def test_what_is_wrong_with_a_copy_is_one_clear_line(
    name: str, change: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    described = write(tmp_path, name)
    change(tmp_path)
    with pytest.raises(DataError) as raised:
        zero_shot(small_encoder(), described, tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("package", "name"), [("h5py", "pcam"), ("pydicom", "rsna")])
def test_a_reader_that_is_not_installed_is_named(
    package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described, encoder = write(tmp_path, name), small_encoder()
    imported = builtins.__import__

    def without_it(wanted: str, *args: Any, **kwargs: Any) -> Any:
        if wanted.partition(".")[0] == package:
            raise ModuleNotFoundError(name=package)
        return imported(wanted, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_it)
    with pytest.raises(DataError, match=f"is not installed: pip install {package}"):
        zero_shot(encoder, described, tmp_path)


def test_another_number_of_examples_is_said_beside_the_figure(tmp_path: Path) -> None:
    result = zero_shot(small_encoder(), write(tmp_path, "pcam"), tmp_path)
    ((*_, n, metric, _, published), *_) = result.rows()
    assert (n, metric) == ("6 (officially 32768)", "accuracy")
    assert "73.41 (BiomedCLIP, v3, NEJM AI)" in published


@pytest.mark.parametrize(
    "file", ["CT_small.dcm", "MR_small.dcm", "examples_rgb_color.dcm", "examples_palette.dcm", "SC_rgb_rle_16bit.dcm"]
)
def test_dicom_of_every_kind_becomes_a_picture(file: str) -> None:
    image = open_file(Path(str(get_testdata_file(file))))
    pixels = np.asarray(image)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 10
    assert pixels.min() < 50 < 200 < pixels.max()


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    import pydicom

    stored = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    stored.PhotometricInterpretation = "MONOCHROME1"
    stored.save_as(tmp_path / "inverted.dcm")
    plain = np.asarray(open_file(Path(str(get_testdata_file("CT_small.dcm")))), dtype=int)
    assert np.abs(255 - plain - np.asarray(open_file(tmp_path / "inverted.dcm"))).max() <= 1


def test_what_is_no_dicom_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(b"no picture")
    with pytest.raises(UnreadableImage):
        open_file(tmp_path / "x.dcm")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('metrik = "accuracy"\n', "unknown key metrik"),
        ('metric = "auroc"\n', "auroc: of two classes"),
        ('classes = ["a", "a"]\n', "two classes have one name"),
        ('classes = ["a"]\nlabels = {x = "b"}\n', "labels lead to 'b', which is none of the classes a"),
        ('classes = ["a", "b"]\nlabels = {x = "b"}\n', "no label leads to the class 'a'"),
        ('templates = ["a photo"]\n', "a template has {} once where the class goes"),
        ("title = 3 4\n", "is not TOML"),
    ],
)
def test_a_description_that_is_wrong_is_one_line(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'{change}title = "t"\nsource = "s"\nlicence = "l"\nfolder = "f"\n[reader]\nkind = "npz"\n')
    with pytest.raises(DataError) as raised:
        load_set("own.toml", tmp_path)
    assert message in str(raised.value)


def test_a_split_that_a_set_lacks_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ham10000 has no train split; it has test"):
        open_set(write(tmp_path, "ham10000"), tmp_path, "train")


def test_ignored_labels_are_left_out(tmp_path: Path) -> None:
    described = write(tmp_path, "ham10000")
    labels = {key: name for key, name in described.labels.items() if key != "vasc"}
    fewer = dataclasses.replace(described, labels=labels, classes=tuple(labels.values()), ignored=("vasc",))
    assert len(open_set(fewer, tmp_path, "test")) == EACH * 6
