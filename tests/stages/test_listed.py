"""Figures of one's own: every row of a list leaves as panels, or as a row with a reason."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pmc15m import split
from pmc15m.config import SplitConfig
from pmc15m.errors import ExitCode, UsageError
from pmc15m.listed import Listed, RowReason, read_list, split_list
from tests.figures.test_separate import CAPTION, four_lettered_panels

TEXTS = ["Untreated cells.", "Treated cells.", "Cells after a week.", "Survival over time."]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a figure of four panels, one in a folder of its own, and what is no picture."""
    (tmp_path / "more").mkdir()
    four_lettered_panels().save(tmp_path / "four.png")
    Image.new("L", (300, 200), 255).save(tmp_path / "more" / "blank.tiff")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "four.png").read_bytes()[:3000])
    return tmp_path


def rows_of(path: Path, *, out: Path | None = None, workers: int = 1) -> list[dict[str, Any]]:
    stream = io.StringIO()
    config = SplitConfig(separator="gutters") if workers > 1 else SplitConfig()
    assert split_list(path, config, out=out, stream=stream, workers=workers) is ExitCode.COMPLETE
    text = stream.getvalue() if out is None else (out / "panels.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def json_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_a_listed_figure_is_cut_into_panels_with_their_texts(own: Path) -> None:
    rows = rows_of(json_lines(own / "my.jsonl", {"image": "four.png", "caption": CAPTION}))
    assert [(row["row"], row["image"], row["panel"], row["label"]) for row in rows] == [
        (1, "four.png", place, letter) for place, letter in enumerate("ABCD")
    ]
    assert [row["text"] for row in rows] == TEXTS
    assert rows[0]["context"] == "Growth of cells. Untreated cells."
    assert {row["status"] for row in rows} == {"split_aligned"}
    assert all(0.5 < row["alignment_score"] <= 1 and row["kind"] for row in rows)


def test_bad_rows_are_rows_with_a_reason(own: Path) -> None:
    path = json_lines(
        own / "my.jsonl",
        {"image": "absent.png", "caption": "A cell."},
        {"image": "notes.txt", "caption": "A cell."},
        {"image": "cut.png", "caption": "A cell."},
        {"image": "more", "caption": "a folder"},
        {"caption": "of nothing"},
        {"image": ""},
        {"image": "a\0b.png"},
        {"image": 5},
        {"image": "four.png", "caption": ["A", "B"]},
        {"image": "\ud800.png"},
        "[1, 2]",
        "{broken",
        "[" * 100_000,
        {"image": "x" * 5000 + ".png"},
        {"image": "more/blank.tiff"},
    )
    with path.open("ab") as file:
        file.write(b'\n{"image": "four\xff.png"}\n')
    rows = rows_of(path)
    assert [(row["row"], row["reason"]) for row in rows] == [
        *((1, "missing"), (2, "not_an_image"), (3, "broken"), (4, "missing")),
        *((5, "no_image"), (6, "no_image"), (7, "no_image")),
        *((place, "not_a_row") for place in (8, 9, 10, 11, 12, 13)),
        *((14, "unreadable"), (15, None), (17, "not_a_row")),
    ]
    assert [row["status"] for row in rows] == ["dropped"] * 14 + ["single", "dropped"]
    assert len({tuple(row) for row in rows}) == 1, "all rows have the same columns"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_are_read_as_spreadsheets_write_them(own: Path, delimiter: str) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([["id", "File_Name", "Text"], [1, "four.png", 'Said "A",\nthen; B\t.'], [2, "more/blank.tiff"]])
    (own / "list.csv").write_bytes(b"\xef\xbb\xbf" + stream.getvalue().encode())
    assert read_list(own) == [
        Listed(1, "four.png", 'Said "A",\nthen; B\t.'),
        Listed(2, "more/blank.tiff", None),
    ]


def test_a_caption_of_any_length_is_read_and_other_readers_keep_their_limit(own: Path) -> None:
    before = csv.field_size_limit()
    longest = "Cells. " * before
    (own / "list.csv").write_text(f"image,caption\na.png,{longest}\n")
    assert [len(row.caption or "") for row in read_list(own / "list.csv")] == [len(longest)]
    (own / "list.csv").write_text("image,caption\na.png,One.\n")
    read_list(own / "list.csv")
    assert csv.field_size_limit() >= before


def test_open_clip_s_tables_are_known(own: Path) -> None:
    (own / "train.tsv").write_text("filepath\ttitle\nfour.png\tFour cells.\n")
    assert read_list(own / "train.tsv") == [Listed(1, "four.png", "Four cells.")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_end_of_line_ends_a_row(own: Path, ending: str) -> None:
    (own / "list.csv").write_bytes(ending.join(["image,caption", "a.png,One.", "", "b.png,Two."]).encode())
    assert [(row.image, row.caption) for row in read_list(own)] == [("a.png", "One."), ("b.png", "Two.")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.csv", "picture,words\na.png,A cell.\n", "has no column of pictures"),
        ("list.csv", "", "has no column of pictures"),
        ("list.csv", 'image,caption\na.png,"A cell.\nb.png,Another.\n', "row 1 opens a quotation that nothing closes"),
        ("list.xml", "<list/>", "is no list of pictures"),
        ("absent/list.jsonl", None, "cannot read"),
    ],
)
def test_what_is_no_list_is_one_line(tmp_path: Path, name: str, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=said):
        read_list(tmp_path / name)


def test_a_folder_has_one_list(own: Path) -> None:
    with pytest.raises(UsageError, match="holds none"):
        read_list(own)
    json_lines(own / "a.jsonl"), json_lines(own / "b.jsonl")
    with pytest.raises(UsageError, match=r"holds a\.jsonl, b\.jsonl"):
        read_list(own)


def test_the_panels_are_written_beside_their_rows(own: Path) -> None:
    path = json_lines(own / "my.jsonl", {"image": "four.png", "caption": CAPTION}, {"image": "absent.png"})
    rows = rows_of(path, out=own / "out")
    assert sorted(file.name for file in (own / "out").iterdir()) == [
        *(f"000001_p0{place}.jpg" for place in range(4)),
        "panels.jsonl",
    ]
    for row in rows[:4]:
        x0, y0, x1, y1 = row["box"]
        with Image.open(own / "out" / row["file"]) as panel:
            assert panel.size == (x1 - x0, y1 - y0)
    assert (rows[4]["file"], rows[4]["reason"]) == (None, "missing")


def test_processes_change_nothing(own: Path) -> None:
    given = [{"image": name, "caption": CAPTION} for name in ("four.png", "absent.png", "more/blank.tiff") * 3]
    path = json_lines(own / "my.jsonl", *given)
    two = rows_of(path, workers=2)
    stream = io.StringIO()
    split_list(path, SplitConfig(separator="gutters"), out=None, stream=stream, workers=1)
    assert two == [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["row"] for row in two] == sorted(row["row"] for row in two)
    assert {row["row"] for row in two} == set(range(1, 10))


def test_what_this_program_fails_on_is_told(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(split, "pixel_facts", fail)
    stream = io.StringIO()
    path = json_lines(own / "my.jsonl", {"image": "four.png"})
    assert split_list(path, SplitConfig(), out=None, stream=stream, workers=1) is ExitCode.INCOMPLETE
    assert json.loads(stream.getvalue())["reason"] == "fault"


def test_reasons_are_told_apart() -> None:
    assert len({*RowReason}) == len(RowReason)


def command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "pmc15m.cli", *arguments], cwd=folder, capture_output=True, text=True)


def test_the_command_needs_no_workspace_and_makes_none(own: Path) -> None:
    json_lines(own / "my.jsonl", {"image": "four.png", "caption": CAPTION})
    before = sorted(own.iterdir())
    ran = command(own, "split", "--pairs", "my.jsonl", "--workers", "1")
    assert ran.returncode == 0, ran.stderr
    assert [json.loads(line)["text"] for line in ran.stdout.splitlines()] == TEXTS
    assert "1 rows, 4 panels" in ran.stderr
    assert sorted(own.iterdir()) == before


def test_one_figure_is_tried(own: Path) -> None:
    ran = command(own, "try", "four.png", "--caption", CAPTION + "\x1b[31m")
    assert ran.returncode == 0, ran.stderr
    first, *lines = ran.stdout.splitlines()
    assert first == "4 panels, split_aligned"
    assert [line.split()[0] for line in lines] == ["A", "B", "C", "D"]
    assert all(text in line for text, line in zip(TEXTS[:3], lines, strict=False))
    assert "\x1b" not in ran.stdout
    with Image.open(own / "four-panels.png") as drawn:
        assert (212, 0, 106) in {colour for _, colour in drawn.getcolors(1 << 20) or []}
    told = command(own, "try", "four.png", "--caption", CAPTION, "--json", "--drawing", "drawn.png")
    assert [row["text"] for row in json.loads(told.stdout)] == TEXTS
    assert (own / "drawn.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["notes.txt", "absent.png", "cut.png", "more"])
def test_what_is_no_picture_is_one_line(own: Path, name: str) -> None:
    ran = command(own, "try", name)
    assert (ran.returncode, len(ran.stderr.splitlines()), ran.stdout) == (2, 1, "")
    assert sorted(own.glob("*-panels.png")) == []
