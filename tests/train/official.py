"""Tiny copies of data sets in their official layouts, filled with real pictures that packages ship.

scikit-image: immunohistochemistry, retina, cell (public domain or CC0, see its data/README.txt); pydicom: CT, MR,
ultrasound.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import h5py
import numpy as np
import skimage
from PIL import Image
from pydicom.data import get_testdata_file

from train.evaluation.sets import DataSet, load_set

SHIPPED = Path(skimage.__file__).parent / "data"
EACH = 3  # pictures a class
SOURCES = ["kather_et_al_2016", "kather_et_al_2016", "nirschl_et_al_2018", None]  # of the pictures of µ-Bench
OPTIONS = ["a picture of stained tissue", "a picture of a nerve", "none of the above"]


def patch(number: int, size: Sequence[int], file: str = "ihc.png") -> Image.Image:
    """A part of a real picture, another one for each number."""
    image = Image.open(SHIPPED / file).convert("RGB")
    left, top = ((side // 2 + step * number) % (side - 64) for side, step in zip(image.size, (37, 53), strict=True))
    return image.crop((left, top, left + 64, top + 64)).resize((size[0], size[1]))


def write(root: Path, name: str) -> DataSet:
    """The set `name` below `root`, with every class, in all its splits."""
    described = load_set(name)
    folder = described.where(root)
    for split in [key for key, value in described.reader.items() if isinstance(value, dict)]:
        WRITERS[described.reader["kind"]](described, folder, split)
    return described


def folders(described: DataSet, folder: Path, split: str) -> None:
    size = described.pixels or (100, 100)
    suffix = {"lc25000": "jpeg", "nct-crc": "tif", "kather2016": "tif"}.get(described.folder, "png")
    for number, label in enumerate(described.labels):
        place = folder / described.options(split)["path"] / label
        place.mkdir(parents=True, exist_ok=True)
        for row in range(EACH):
            patch(EACH * number + row, size).save(place / f"{label}{row + 1}.{suffix}")
        (place / "Thumbs.db").write_bytes(b"no picture")


def table(described: DataSet, folder: Path, split: str) -> None:
    options = described.options(split)
    pattern = options["image"][0]
    key = pattern[pattern.index("{") + 1 : pattern.index("}")]
    lines = [f"{key},x,{options['label']}"]
    for number, label in enumerate(described.labels):
        for row in range(EACH):
            identifier = f"{label}_{row}" + (".png" if key == "img_id" else "")
            path = folder / pattern.format(**{key: identifier})
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".dcm":
                shutil.copy(str(get_testdata_file(("CT_small.dcm", "MR_small.dcm")[number])), path)
            else:
                patch(EACH * number + row, described.pixels or (300, 280), "retina.jpg").save(path)
            lines += [f"{identifier},{box},{label}" for box in range(1 + (key == "patientId"))]  # RSNA: a row a box
    (folder / options["file"]).write_text("\n".join(lines) + "\n")


def hdf5(described: DataSet, folder: Path, split: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    options = described.options(split)
    labels = np.arange(2 * EACH, dtype=np.uint8) % 2
    with h5py.File(folder / options["images"], "w") as file:
        file["x"] = np.stack([np.asarray(patch(number, (96, 96))) for number in range(2 * EACH)])
    with h5py.File(folder / options["labels"], "w") as file:
        file["y"] = labels.reshape(-1, 1, 1, 1)


def npz(described: DataSet, folder: Path, split: str) -> None:
    if split != "test":
        return
    folder.mkdir(parents=True, exist_ok=True)
    grey = described.name.startswith(("organ", "tissue", "pneumonia", "breast", "oct"))
    arrays: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        labels = np.arange(EACH * len(described.classes)) % len(described.classes)
        pictures = [patch(number, (28, 28), "cell.png") for number in range(len(labels))]
        arrays[f"{part}_images"] = np.stack([np.asarray(p.convert("L") if grey else p) for p in pictures])
        arrays[f"{part}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(folder / f"{described.name}.npz", **arrays)


def webdataset(described: DataSet, folder: Path, split: str) -> None:
    (folder / split).mkdir(parents=True, exist_ok=True)
    (folder / "classnames.txt").write_text("lymph node\nlymph node containing metastatic tumor tissue")
    (folder / "zeroshot_classification_templates.txt").write_text(
        "a histopathology slide showing {c}.\nhistopathology image of {c}."
    )
    (folder / split / "nshards.txt").write_text("2")
    for shard in range(2):
        with tarfile.open(folder / split / f"{shard}.tar", "w") as tar:
            for row in range(EACH):
                stored = io.BytesIO()
                patch(EACH * shard + row, (96, 96)).save(stored, "WEBP")
                for suffix, data in (("webp", stored.getvalue()), ("cls", str(row % 2).encode())):
                    member = tarfile.TarInfo(f"s{EACH * shard + row:07d}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def vqa_rad(folder: Path) -> None:
    rows: list[dict[str, Any]] = []
    (folder / "VQA_RAD Image Folder").mkdir(parents=True)
    for number in range(4):
        patch(number, (80, 60), "retina.jpg").save(folder / "VQA_RAD Image Folder" / f"synpic{number}.jpg")
        for phrase, kind, question, answer in (
            ("freeform", "CLOSED ", "Is there a lesion?", "Yes" if number % 2 else "No"),
            ("para", "OPEN", "Which organ is shown?", "Eye"),
            ("test_freeform", "CLOSED", "Is a lesion seen?", "yes" if number % 2 else "no"),
            ("test_para", "OPEN", "What is shown?", 2 if number else "The left eye."),
        ):
            rows.append(
                {
                    "qid": str(len(rows)),
                    "phrase_type": phrase,
                    "image_name": f"synpic{number}.jpg",
                    "image_organ": "HEAD",
                    "question": question,
                    "question_rephrase": "NULL",
                    "question_type": "PRES",
                    "answer": answer,
                    "answer_type": kind,
                }
            )
    (folder / "VQA_RAD Dataset Public.json").write_text(json.dumps(rows))


def slake(folder: Path) -> None:
    for split in ("train", "validate", "test"):
        rows: list[dict[str, Any]] = []
        for number in range(3):
            name = f"xmlab{number}/source.jpg"
            (folder / "imgs" / f"xmlab{number}").mkdir(parents=True, exist_ok=True)
            patch(number, (64, 64), "cell.png").save(folder / "imgs" / name)
            for language, question in (("en", "Is this a cell?"), ("zh", "这是细胞吗？")):
                rows.append(
                    {
                        "img_id": number,
                        "img_name": name,
                        "question": question,
                        "answer": "Yes" if language == "en" else "是",
                        "q_lang": language,
                        "answer_type": "CLOSED",
                        "content_type": "Modality",
                        "qid": len(rows),
                    }
                )
        (folder / f"{split}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def ubench_rows() -> list[dict[str, Any]]:
    """Of µ-Bench; the last one has one caption instead of two, and no source."""
    made = []
    for number, source in enumerate(SOURCES):
        stored = io.BytesIO()
        patch(number, (80, 60)).save(stored, "PNG")
        asked = {"options": OPTIONS[: 2 + number % 2], "answer": OPTIONS[number % 2], "answer_idx": number % 2}
        made.append(
            {
                "image_id": f"id{number}",
                "image": {"bytes": stored.getvalue(), "path": None},
                "dataset": source,
                "captions": {"classification_0": asked, "classification_1": None if number == 3 else asked},
            }
        )
    return made


def ubench(data: Path, examples: list[dict[str, Any]]) -> Path:
    folder = data / "ubench" / "perception" / "0.1.0"
    table = datasets.Dataset.from_list(examples).cast_column("image", datasets.Image())
    for shard in range(2):
        table.shard(2, shard).save_to_disk(folder / f"part{shard}")
        next((folder / f"part{shard}").glob("*.arrow")).rename(folder / f"ubench-test-0000{shard}-of-00002.arrow")
    return folder


WRITERS = {"folders": folders, "table": table, "hdf5": hdf5, "npz": npz, "webdataset": webdataset}
