"""What an export leaves out whatever was ordered, what it says of licences, and how lists of figures are read."""

import hashlib
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from pmc15m.config import Config, ExportConfig
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode, UsageError
from pmc15m.export.asked import read_asked
from pmc15m.export.audit import verify_export
from pmc15m.export.columns import SAMPLE, chosen, flat, spdx
from pmc15m.export.order import Order
from pmc15m.export.picture import PUBLISHED, Cut, Picture, PictureError, make_pictures
from pmc15m.export.recipes import parse_recipe
from pmc15m.export.stage import export
from pmc15m.schema import RAW_INDEX
from pmc15m.workspace import Workspace, rows_to_table, write_part
from tests.curate.made import Made

ND = {"licence_code": "CC BY-ND", "licence_url": "https://creativecommons.org/licenses/by-nd/4.0/"}


def encoded(kind: str, size: tuple[int, int] = (400, 300)) -> bytes:
    content = io.BytesIO()
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.save(content, kind)
    return content.getvalue()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Four articles with a figure of two panels each: CC BY, CC BY-ND as JPEG and as TIFF, and a retracted one."""
    made = Made(tmp_path / "data")
    stored = b""
    for number, (kind, changes) in enumerate(
        [("JPEG", {}), ("JPEG", ND), ("TIFF", ND), ("JPEG", {"is_retracted": True})], 1
    ):
        content = encoded(kind)
        article = made.article(number, pmid=f"1000{number}", doi=f"10.1/{number}", title=f"Title {number}", **changes)
        image = made.figure(
            *(article, 0xFF << (10 * number)),
            caption="Two ramps. (A) Part 0. (B) Part 1.",
            n_panels=2,
            file=f"ramp-g{number:03d}.jpg",
            format=kind.lower(),
            offset=len(stored),
            size=len(content),
            figure_id=f"fig{number}",
            images_sha256=hashlib.sha256(content).hexdigest(),
        )
        for order in (0, 1):
            made.panel(image, order, None)
        stored += content
    made.curated()
    write_part(made.workspace.part("raw", "00000"), rows_to_table([], RAW_INDEX), "made up")
    made.workspace.tar("00000").write_bytes(stored)
    return made.workspace


def exported(workspace: Workspace, **settings: object) -> dict[str, dict[str, object]]:
    """What an export holds, by the pair's key."""
    config = Config(export=ExportConfig(recipe="", format="hf", name="it", **settings))  # type: ignore[arg-type]
    assert export(workspace, config, Execution()) is ExitCode.COMPLETE
    assert verify_export(workspace.root / "export" / "it", workspace) is ExitCode.COMPLETE
    parts = sorted((workspace.root / "export" / "it" / "data").glob("*.parquet"))
    return {row["pair_key"]: row for part in parts for row in pq.read_table(part).to_pylist()}


def test_what_no_one_may_alter_is_neither_cut_nor_encoded_again(workspace: Workspace) -> None:
    held = exported(workspace)
    assert sorted(held) == [
        *("PMC1_1_f001_g01", "PMC1_1_f001_g01_p00", "PMC1_1_f001_g01_p01"),
        "PMC2_1_f001_g01",  # as published; not the TIFF, which would become a JPEG
    ]
    assert held["PMC2_1_f001_g01"]["conversion"] == PUBLISHED
    assert held["PMC2_1_f001_g01"]["licence_spdx"] == "CC-BY-ND-4.0"
    assert "as they were published" in (workspace.root / "export" / "it" / "README.md").read_text()
    assert {key[:4] for key in exported(workspace, image_side=64)} == {"PMC1"}
    assert {key[:4] for key in exported(workspace, image_format="webp")} == {"PMC1"}


def test_who_allows_it_gets_them_and_the_card_says_so(workspace: Workspace) -> None:
    held = exported(workspace, allow_derivatives_of_nd=True)
    assert len(held) == 9
    assert "forbids" in (workspace.root / "export" / "it" / "README.md").read_text()


def test_retracted_articles_are_in_no_export(workspace: Workspace) -> None:
    assert not any(key.startswith("PMC4_") for key in exported(workspace, allow_derivatives_of_nd=True))


def test_where_level_text_and_columns(workspace: Workspace) -> None:
    held = exported(workspace, where="pmcid = 'PMC1'", level="panel", text="context", columns="doi,file,title")
    assert sorted(held) == ["PMC1_1_f001_g01_p00", "PMC1_1_f001_g01_p01"]
    row = held["PMC1_1_f001_g01_p00"]
    assert set(row) == {"image", "pair_key", "text", "doi", "file", "title"}
    assert (row["doi"], row["file"], row["title"]) == ("10.1/1", "ramp-g001.jpg", "Title 1")
    assert row["text"] == "Part 0."  # whose context adds nothing
    with pytest.raises(UsageError, match="no column 'nosuch'"):
        chosen("doi,nosuch")


@pytest.mark.parametrize("shuffle", [True, False])
def test_pairs_of_an_article_stand_together_unless_they_are_shuffled(workspace: Workspace, shuffle: bool) -> None:
    held = exported(workspace, shuffle=shuffle, allow_derivatives_of_nd=True)
    runs = [article for article, _ in itertools.groupby(key.partition("_")[0] for key in held)]
    assert (len(runs) == len(set(runs)) == 3) == (not shuffle)


def data_of(workspace: Workspace, name: str) -> dict[str, bytes]:
    folder = workspace.root / "export" / name
    paths = (path for path in folder.glob("*/**/*") if path.is_file() and ".pmc15m" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("kind", ["webdataset", "hf", "jsonl"])
def test_an_update_draws_no_picture_again_that_would_be_the_same(
    workspace: Workspace, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def counted(content: bytes, cuts: Sequence[Cut], settings: ExportConfig) -> Iterator[object]:
        drawn.append(len(cuts))
        return make_pictures(content, cuts, settings)

    def make(name: str, where: str = "", text: str = "text", side: int = 64) -> list[int]:
        drawn.clear()
        picked = ExportConfig(recipe="", format=kind, name=name, where=where, text=text, image_side=side)
        config = Config(export=replace(picked, allow_derivatives_of_nd=True))
        assert export(workspace, config, Execution()) is ExitCode.COMPLETE
        return drawn.copy()

    monkeypatch.setattr("pmc15m.export.unit.make_pictures", counted)
    without_one = "pmcid <> 'PMC3'"
    assert sum(make("it")) == 9
    assert make("it", where=without_one, text="context") == []
    assert sum(make("fresh", where=without_one, text="context")) == 6
    assert data_of(workspace, "it") == data_of(workspace, "fresh")
    for path in (workspace.root / "export" / "it").glob("*/**/*"):  # some picture is not what was written
        if path.suffix in (".tar", ".parquet", ".jpg") and ".pmc15m" not in path.parts:
            content = path.read_bytes()
            place = content.index(b"\xff\xd8\xff") + 300
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert len(make("it", where=without_one)) >= 1
    make("fresh", where=without_one)
    assert data_of(workspace, "it") == data_of(workspace, "fresh")
    assert sum(make("it", where=without_one, side=32)) == 6, "other settings, other pictures"


def test_a_recipe_words_its_texts() -> None:
    recipe = parse_recipe("mine", 'description = "x"\ntemplate = "{modalities}: {text}"')
    order = Order(recipe, ExportConfig(text="template"))
    row = dict.fromkeys(SAMPLE.names) | {
        "pair_key": "k",
        "text": "A scan.",
        "context": None,
        "modalities": ["CT", "MRI"],
    }
    outcome = dict.fromkeys(("export_width", "export_height", "export_conversion"))
    assert order.sample(row | outcome, ["doi"]) == {"pair_key": "k", "text": "CT; MRI: A scan.", "doi": None}
    for template in ("{nosuch}", "{text.__class__}", "{text!r}", "{text:>9}", "{", "{0}"):
        with pytest.raises(UsageError, match="template"):
            parse_recipe("mine", f'description = "x"\ntemplate = "{template}"')


def test_a_list_of_figures_says_what_was_not_found(workspace: Workspace, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(
        "id,image,caption\n"
        "ROCO_1,PMC1_ramp-g001.jpg,a caption\n"  # ROCO
        "10002_fig1\n"  # PubMed id and figure: of another number in that article, so told by its label
        "PMC1_1_f001_g01_p01\n"
        "PMC1_nosuch.jpg\n"
        "PMC99_x.jpg\n"
        "what is this\n"
    )
    config = Config(export=ExportConfig(recipe="", pairs=str(listed), name="listed", format="hf"))
    assert export(workspace, config, Execution()) is ExitCode.INCOMPLETE
    folder = workspace.root / "export" / "listed"
    told = (folder / "not_found.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[-1] for line in told[1:]] == [
        *("the article has no such picture", "the article is not in the catalog", "it names no article")
    ]
    keys = [key for part in (folder / "data").glob("*.parquet") for key in pq.read_table(part)["pair_key"].to_pylist()]
    assert sorted(keys) == ["PMC1_1_f001_g01", "PMC1_1_f001_g01_p01", "PMC2_1_f001_g01"]


@pytest.mark.parametrize(
    ("line", "article", "name"),
    [
        ("PMC4083729_AMHSR-4-14-g002.jpg", "PMC4083729", "amhsr-4-14-g002"),
        ('{"image": "PMC212319_Fig3_4.jpg", "caption": "PMC1_x"}', "PMC212319", "fig3"),
        ('{"pair_id": "26768438_F3", "image_file_path": "PMC64/ACEM-5.jpg"}', "PMC64", "acem-5"),
        ('["PMC5/gr1.png"]', "PMC5", "gr1"),
        ("ROCO_2\twget -r ftp://h/1e/ed/PMC39.tar.gz -P /to\tCRIONM.003.jpg", "PMC39", "crionm.003"),
        ("oa_package/1e/ed/PMC39.tar.gz", "PMC39", ""),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC77/", "PMC77", ""),
        ("PMCID: PMC77", "PMC77", ""),
        ("PMC77.2", "PMC77", ""),
        ("pmcid,figure\n77,fig1", "PMC77", "fig1"),
        ('{"pmc": 77, "file": "gr1.jpg"}', "PMC77", "gr1"),
        ('{"PMC": 77, "figures": [{"file": "gr1.jpg"}]}', "PMC77", "gr1"),
        ('{"pmc": "77", "figures": [{"fig_caption": "PMC1_x", "graphic_ref": "a/gr1.jpg"}]}', "PMC77", "gr1"),
    ],
)
def test_the_forms_in_which_lists_name_figures(line: str, article: str, name: str) -> None:
    [asked] = read_asked(line)
    assert asked.article == article
    assert name in (asked.names or ("",))


def test_a_line_of_our_own_names_the_most_that_it_can() -> None:
    figure = {"fig_id": "PMC7_1_f001", "graphic_ref": "train/00000/PMC7_1_f001_g01_p02.jpg"}
    [asked] = read_asked(json.dumps({"pmc": "7", "figures": [figure]}))
    assert asked.key == "PMC7_1_f001_g01_p02"


def test_another_figure_in_the_same_line_is_not_what_it_asks_for() -> None:
    [asked] = read_asked("pair_key,duplicate_group\nPMC1_1_f001_g01,PMC12345678_1_f001_g01\n")
    assert asked.key == "PMC1_1_f001_g01"
    [asked] = read_asked(json.dumps({"pair_key": "PMC1_1_f001_g01", "neighbour_key": "PMC1_1_f002_g01_p01"}))
    assert asked.key == "PMC1_1_f001_g01"


@pytest.mark.parametrize(
    ("fit", "size", "made"),
    [
        *(("longer", (400, 300), (64, 48)), ("shorter", (400, 300), (85, 64)), ("crop", (400, 300), (64, 64))),
        *(("pad", (400, 300), (64, 64)), ("longer", (40, 30), (40, 30)), ("shorter", (40, 30), (40, 30))),
        *(("crop", (40, 30), (64, 64)), ("pad", (40, 30), (64, 64))),
    ],
)
def test_how_a_picture_fits(fit: str, size: tuple[int, int], made: tuple[int, int]) -> None:
    [picture] = make_pictures(encoded("JPEG", size), [Cut()], ExportConfig(image_side=64, image_fit=fit))
    assert isinstance(picture, Picture)
    assert Image.open(io.BytesIO(picture.content)).size == (picture.width, picture.height) == made
    assert (picture.conversion == PUBLISHED) == (made == size)


@pytest.mark.parametrize("transparency", [None, (255, 255, 255)])
def test_a_colour_that_is_none_is_drawn_as_paper(transparency: tuple[int, int, int] | None) -> None:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, "PNG", **({"transparency": transparency} if transparency else {}))
    [picture] = make_pictures(content.getvalue(), [Cut()], ExportConfig())
    assert isinstance(picture, Picture)
    assert (picture.conversion == PUBLISHED) == (transparency is None)


def test_panels_drawn_small_look_as_if_cut_from_the_whole() -> None:
    content = encoded("JPEG", (1600, 1200))  # of which a quarter is decoded
    box = {"x0": 101, "y0": 203, "x1": 901, "y1": 1003}
    [small] = make_pictures(content, [Cut(box)], ExportConfig(image_side=100))
    assert isinstance(small, Picture)
    seen = Image.open(io.BytesIO(small.content)).convert("L")
    whole = Image.open(io.BytesIO(content)).convert("L").crop((101, 203, 901, 1003)).resize((100, 100))
    assert max(abs(left - right) for left, right in zip(seen.tobytes(), whole.tobytes(), strict=True)) <= 6
    assert small.conversion == "cut 101,203,901,1003; resized 100x100; jpeg 92"


def test_a_margin_and_an_empty_box() -> None:
    content = encoded("PNG")
    boxes = [{"x0": 5, "y0": 100, "x1": 50, "y1": 200}, {"x0": 500, "y0": 0, "x1": 600, "y1": 9}]
    wide, empty = make_pictures(content, [Cut(box) for box in boxes], ExportConfig(panel_margin=10))
    assert isinstance(wide, Picture)
    assert (wide.width, wide.height) == (60, 120)
    assert empty is PictureError.EMPTY_BOX
    assert list(make_pictures(content, [Cut(boxes[0], may_alter=False)], ExportConfig())) == [
        PictureError.NO_DERIVATIVES
    ]


def test_flat_samples_have_one_type_a_column() -> None:
    nothing = flat(dict.fromkeys(SAMPLE.names))
    full = flat(
        {"year": 2020, "alignment_score": 1, "flags": ["a", "b"], "mentions": ["One; two.", "Three."], "title": "x"}
        | {"box": {"x0": 1, "y0": 2, "x1": 3, "y1": 4}}
    )
    assert full["flags"], full["mentions"] == ("a; b", "One; two.\nThree.")
    assert full["box"] == "1,2,3,4"
    assert {name: type(nothing[name]) for name in full} == {name: type(value) for name, value in full.items()}
    assert json.loads(json.dumps(nothing)) == nothing


@pytest.mark.parametrize(
    ("code", "url", "name"),
    [
        ("CC BY", "http://creativecommons.org/licenses/by/3.0/igo/", "CC-BY-3.0-IGO"),
        ("CC BY", "https://creativecommons.org/licenses/by/2.0/uk/", "NOASSERTION"),  # SPDX has no such port
        ("CC BY", "https://creativecommons.org/licenses/by-nc/4.0/", "NOASSERTION"),  # they contradict each other
        ("PD", None, "NOASSERTION"),
        (None, None, "NOASSERTION"),
    ],
)
def test_spdx(code: str | None, url: str | None, name: str) -> None:
    assert spdx(code, url) == name
