import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pmc15m import schema
from pmc15m.curate.groupings import curate_state
from pmc15m.curate.stage import curate
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode, UsageError
from pmc15m.workspace import Workspace, write_part
from tests.curate.made import Made, Row, config_with

HOSTILE = """"><script>alert('x')</script>'; DROP TABLE pairs; --"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "data")


def groups(made: Made) -> dict[str, Row]:
    return {row["key"]: row for row in made.rows("duplicates")}


def test_a_figure_and_its_panels_become_pairs(made: Made) -> None:
    article = made.article(1, journal="J. Test", article_type="case-report", release_date=datetime.date(2021, 2, 3))
    caption = "Two mice. (A) Left one. (B) Right one. Scale bar, 5 mm."
    image = made.figure(
        article, 7 << 20, caption=caption, n_panels=2, pixels_status="split_aligned", size=99, offset=12
    )
    shared = [{"start": 0, "end": 9}, {"start": 39, "end": 55}]
    made.panel(image, 0, 1 << 40, subcaption="Left one.", shared_spans=shared)
    made.panel(image, 1, 2 << 50, subcaption=None, status="dropped", reason="no_subcaption")
    pairs = made.curated().pairs()
    assert list(pairs) == [image, f"{image}_p00"]
    figure, panel = pairs.values()
    assert figure["text"] == caption
    assert figure["context"] is None
    assert (figure["n_chars"], figure["n_words"], figure["n_tokens"]) == (55, 12, 21)
    assert (figure["level"], figure["label"], figure["box"], figure["panel_key"]) == ("figure", "Figure 1", None, None)
    assert (figure["shard"], figure["offset"], figure["size"], figure["year"]) == ("00000", 12, 99, 2020)
    assert figure["released"] == datetime.date(2021, 2, 3)
    assert figure["flags"] == ["compound"]
    assert (panel["level"], panel["label"], panel["text"]) == ("panel", "Figure 1 A", "Left one.")
    assert panel["context"] == "Two mice. Left one. Scale bar, 5 mm."
    assert (panel["width"], panel["height"], panel["image_kind"]) == (200, 300, "photo")
    assert panel["split"] == figure["split"]


@pytest.mark.parametrize(
    ("changes", "text", "context"),
    [
        ({"caption": "  Own.  "}, "Own.", None),
        ({"caption": "Own.", "group_caption": "Of all."}, "Own.", "Of all. Own."),
        ({"caption": None, "group_caption": "Of all."}, "Of all.", None),
        ({"caption": HOSTILE}, HOSTILE, None),
    ],
)
def test_the_text_of_a_pair(made: Made, changes: Row, text: str, context: str | None) -> None:
    made.figure(made.article(1), 1 << 30, **changes)
    [pair] = made.curated().pairs().values()
    assert (pair["text"], pair["context"]) == (text, context)


def test_words_that_a_list_shares_stand_once_in_text_and_context(made: Made) -> None:
    caption = "Chest. CT of the left (A) and right (B) lung."
    image = made.figure(made.article(1), 1 << 30, caption=caption, n_panels=2)
    cut = {
        name: [{"start": caption.index(word), "end": caption.index(word) + len(word)} for word in words]
        for name, words in {
            "subcaption_spans": ["CT of the", "left", "lung."],
            "stem_spans": ["CT of the", "lung."],
            "shared_spans": ["Chest."],
        }.items()
    }
    made.panel(image, 0, 1 << 40, subcaption="CT of the left lung.", **cut)
    pair = made.curated().pairs()[f"{image}_p00"]
    assert (pair["text"], pair["context"]) == ("CT of the left lung.", "Chest. CT of the left lung.")


def test_a_panel_has_the_modalities_of_its_own_words_first(made: Made) -> None:
    caption = "CT and MRI of the chest. (A) Axial MRI. (B) Sagittal view."
    image = made.figure(made.article(1), 1 << 30, caption=caption, n_panels=2)
    shared = [{"start": 0, "end": 24}]
    made.panel(image, 0, 1 << 40, subcaption="Axial MRI.", shared_spans=shared)
    made.panel(image, 1, 2 << 50, subcaption="Sagittal view.", shared_spans=shared)
    alone = made.figure(made.article(2), 3 << 40, caption="Survival.")
    pairs = made.curated().pairs()
    assert {key: row["modalities"] for key, row in pairs.items()} == {
        image: ["CT", "MRI"],
        f"{image}_p00": ["MRI"],
        f"{image}_p01": ["CT", "MRI"],
        alone: [],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"caption": None},
        {"caption": " "},
        {"figures_status": "unusable"},
        {"images_status": "dropped"},
        {"pixels_status": "dropped", "pixels_kind": None, "pixels_phash": None},
    ],
)
def test_without_text_or_picture_there_is_no_pair(made: Made, changes: Row) -> None:
    article = made.article(1)
    made.figure(article, 1 << 30, index=1, **changes)
    kept = made.figure(article, 1 << 50, index=2)
    assert list(made.curated().pairs()) == [kept]


@pytest.mark.parametrize(
    ("article", "figure", "flag"),
    [
        ({"is_retracted": True}, {}, "retracted"),
        ({"is_pmc_openaccess": False}, {}, "not_open_access"),
        ({}, {"rights": ["own_permissions"]}, "own_rights"),
        ({}, {"n_graphics": 2}, "several_graphics"),
        ({}, {"n_panels": 3}, "compound"),
        ({}, {"caption": "Figure 1."}, "boilerplate_caption"),
    ],
)
def test_flags(made: Made, article: Row, figure: Row, flag: str) -> None:
    made.figure(made.article(1, **article), 1 << 30, **figure)
    [pair] = made.curated().pairs().values()
    assert pair["flags"] == [flag]


def test_the_keeper_is_the_largest_then_the_oldest_then_the_first(made: Made) -> None:
    near = [0xFFFF << 20, (0xFFFF << 20) ^ 0b11, (0xFFFF << 20) ^ (1 << 60)]
    images = {}
    for number, (year, width) in enumerate([(2001, 400), (2000, 800), (1999, 800), (1999, 800)], 1):
        article = made.article(number, year=year)
        height = width * 3 // 4
        images[number] = made.figure(article, near[number % 3], width=width, height=height)
    rows = groups(made.curated())
    assert {row["duplicate_group"] for row in rows.values()} == {images[3]}
    assert [rows[images[n]]["is_keeper"] for n in (1, 2, 3, 4)] == [False, False, True, False]
    assert [rows[images[n]]["distance"] for n in (1, 2, 3, 4)] == [2, 1, 0, 2]
    pairs = made.pairs()
    assert [pairs[images[n]]["is_duplicate"] for n in (1, 2, 3, 4)] == [True, True, False, True]


def test_equal_bytes_and_equal_pixels_need_no_hash(made: Made) -> None:
    first = made.figure(made.article(1), None, sha256="a", pixel_sha256="p")
    second = made.figure(made.article(2), None, sha256="a", pixel_sha256="p")
    third = made.figure(made.article(3), None, sha256="b", pixel_sha256="p")
    alone = made.figure(made.article(4), None)
    rows = groups(made.curated())
    assert {key: row["relation"] for key, row in rows.items()} == {first: "keeper", second: "bytes", third: "pixels"}
    assert alone not in rows
    assert made.pairs()[alone]["duplicate_group"] is None


@pytest.mark.parametrize("other", [{"width": 300}, {"brightness": 0.9}, {"colour_share": 0.9}, {"phash": 0b11111}])
def test_near_hashes_of_unlike_pictures_are_no_duplicates(made: Made, other: Row) -> None:
    made.figure(made.article(1), 0)
    phash = other.pop("phash", 0b11)
    made.figure(made.article(2), phash, **other)
    assert groups(made.curated()) == {}


def test_panels_are_duplicates_of_panels_only(made: Made) -> None:
    keys = []
    for number in (1, 2):
        image = made.figure(made.article(number), 0xFFFFFF << 20 * number)
        keys.append(made.panel(image, 0, 1 << 30))
    rows = groups(made.curated())
    assert [key for key, row in rows.items() if row["group_size"] > 1] == keys


def test_like_panels_of_one_figure_are_no_duplicates(made: Made) -> None:
    image = made.figure(made.article(1), 1 << 30)
    for order in (0, 1):
        made.panel(image, order, 0xFF << 20)
    assert groups(made.curated()) == {}


def test_all_pictures_of_a_linked_article_know_it(made: Made) -> None:
    made.figure(made.article(1), 1 << 30)
    later = made.article(2)
    made.figure(later, 1 << 30, index=1)
    alone = made.figure(later, 0xFFFFFF, index=2)
    row = groups(made.curated())[alone]
    assert (row["split_article"], row["group_size"], row["relation"]) == ("PMC1", 1, "keeper")
    assert made.pairs()[alone]["duplicate_group"] is None


def splits(made: Made) -> dict[str, str]:
    return {key: row["split"] for key, row in made.pairs().items()}


def test_splits_go_by_article_and_keep_their_sizes(made: Made) -> None:
    for number in range(1, 601):
        article = made.article(number)
        for index in (1, 2):
            made.figure(article, (number * 2 + index) * 0x9E3779B97F4A7C15 % 2**64, index=index)
    by_pair = splits(made.curated(val_share=0.2, test_share=0.3))
    by_article: dict[str, set[str]] = {}
    for key, split in by_pair.items():
        by_article.setdefault(key.split("_")[0], set()).add(split)
    assert all(len(found) == 1 for found in by_article.values())
    counts = {name: list(by_pair.values()).count(name) / len(by_pair) for name in ("train", "val", "test")}
    assert counts["train"] == pytest.approx(0.5, abs=0.08)
    assert counts["val"] == pytest.approx(0.2, abs=0.06)
    assert counts["test"] == pytest.approx(0.3, abs=0.06)


def test_what_shares_a_picture_shares_the_split_of_the_first_article(tmp_path: Path) -> None:
    def workspace(name: str, numbers: range) -> Made:
        made = Made(tmp_path / name)
        for number in numbers:
            article = made.article(number)
            # every article repeats a picture of the one before it, in another size: a chain of ten articles
            for index in (number, number + 1):
                made.figure(article, index * 0x9E3779B97F4A7C15 % 2**64, index=index - number + 1)
        return made

    settings = {"val_share": 0.3, "test_share": 0.3}
    alone = {
        number: splits(workspace(f"one{number}", range(number, number + 1)).curated(**settings)) for number in (9, 12)
    }
    chain = splits(workspace("chain", range(9, 19)).curated(**settings))
    assert set(chain.values()) == set(alone[9].values())
    grown = splits(workspace("grown", range(9, 30)).curated(**settings))
    assert chain.items() <= grown.items()


LONG = "Axial section of the left lung with a nodule of nine millimetres, cut in March, and then stained with iron red"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"caption": f"{LONG}."}, {"caption": LONG.upper()}, True),
        ({"caption": f"{LONG}."}, {"panel": f"{LONG}."}, True),
        ({"caption": " ".join(LONG.split()[:19])}, {"caption": " ".join(LONG.split()[:19])}, False),
        ({"caption": f"{LONG} {LONG} {LONG[::-1]}"}, {"caption": f"{LONG} {LONG} {LONG[::-1]} again"}, True),
        ({"colour_share": 0.6}, {"colour_share": 0.0}, True),
        ({"colour_share": 0.6}, {"colour_share": 0.3}, False),
    ],
)
def test_what_holds_two_articles_together(made: Made, one: Row, other: Row, together: bool) -> None:
    for number, changes in ((1, one), (4, other)):  # train and test, where nothing links them
        panel = changes.pop("panel", None)
        known = {"caption": f"{'What else there is. ' * 20 if panel else number} {panel}", **changes}
        phash = 0xFFFF << (30 if "colour_share" in changes else number * 8)
        image = made.figure(made.article(number), phash, n_panels=2 if panel else 1, **known)
        if panel:
            made.panel(image, 0, 1 << 20, subcaption=panel)
    found = splits(made.curated(val_share=0.0, test_share=0.5))
    assert (len(set(found.values())) == 1) is together


def test_articles_that_share_nothing_keep_their_split_when_the_data_grows(tmp_path: Path) -> None:
    found = []
    for count in (20, 60):
        made = Made(tmp_path / str(count))
        for number in range(1, count + 1):
            made.figure(made.article(number), number * 0x9E3779B97F4A7C15 % 2**64, shard="00000")
        found.append(splits(made.curated(val_share=0.2, test_share=0.2)))
    assert found[0].items() <= found[1].items()


def test_shards_are_curated_together(made: Made) -> None:
    first = made.figure(made.article(1, "00000"), 1 << 30, shard="00000", width=800, height=600)
    second = made.figure(made.article(2, "00001"), 1 << 30, shard="00001")
    rows = groups(made.curated())
    assert rows[second]["duplicate_group"] == first
    assert made.workspace.shards("pairs") == ["00000", "00001"]


def test_a_second_run_does_nothing_and_a_new_shard_reaches_the_others(made: Made) -> None:
    first = made.figure(made.article(1), 1 << 30)
    made.curated()
    before = {path: path.stat().st_mtime_ns for path in made.workspace.parts("pairs")}
    config = config_with()
    assert curate_state(made.workspace, config).current == ("00000",)
    assert curate(made.workspace, config, Execution()) is ExitCode.COMPLETE
    assert {path: path.stat().st_mtime_ns for path in made.workspace.parts("pairs")} == before

    made.figure(made.article(2, "00001"), 1 << 30, shard="00001", width=800, height=600)
    made.write()
    state = curate_state(made.workspace, config)
    assert (state.stale, state.missing) == ((), ("00001",))  # whom the new one touches is known once groups are found
    assert made.curated().pairs()[first]["is_duplicate"]


TABLES = ("captions", "duplicates", "caption_groups", "pairs")


def stamps(made: Made) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for table in TABLES for path in made.workspace.parts(table)}


def fill(made: Made, shards: int) -> None:
    """Shards of three articles; the last picture of shard 0 is one of shard 4's, which is larger."""
    for number in range(3 * shards):
        shard = f"{number // 3:05d}"
        phash, size = (77 << 40, 400 + number) if number in (2, 12) else (number * 0x9E3779B97F4A7C15 % 2**64, 300)
        made.figure(made.article(number + 1, shard), phash, shard=shard, width=size, height=size)


def test_a_new_shard_touches_only_the_parts_whose_rows_change(made: Made, tmp_path: Path) -> None:
    fill(made, 4)
    before = stamps(made.curated())
    fresh = Made(tmp_path / "fresh")
    fill(fresh, 5)
    made.shards = {}
    fill(made, 5)
    made.curated()
    touched = {str(path.relative_to(made.workspace.root)) for path in before if path.stat().st_mtime_ns != before[path]}
    assert touched == {"duplicates/00000.parquet", "pairs/00000.parquet"}, "a duplicate of what is new"
    fresh.curated()
    for path in stamps(made):
        assert path.read_bytes() == (fresh.workspace.root / path.relative_to(made.workspace.root)).read_bytes(), path


def test_inputs_made_again_with_the_same_rows_make_nothing_stale(made: Made) -> None:
    fill(made, 3)
    before = stamps(made.curated())
    for table in ("articles", "figures", "images", "pixels", "panels"):
        for path in made.workspace.parts(table):
            write_part(path, pq.read_table(path, partitioning=None), "made by another version")
    assert curate_state(made.workspace, config_with()).todo == ()
    made.curated()
    assert stamps(made) == before


@pytest.mark.parametrize("harm", ["lost", "flipped", "cut"])
def test_a_harmed_note_of_groups_is_made_again_and_touches_no_part(made: Made, harm: str) -> None:
    fill(made, 5)
    before = stamps(made.curated())
    note = made.workspace.root / "duplicates" / ".made_from"
    content = note.read_bytes()
    harms = {"flipped": content[:80] + bytes([content[80] ^ 1]) + content[81:], "cut": content[: len(content) // 2]}
    note.write_bytes(harms[harm]) if harm in harms else note.unlink()
    assert len(curate_state(made.workspace, config_with()).stale) == 5
    made.curated()
    assert note.read_bytes() == content
    assert stamps(made) == before


def test_same_input_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        made = Made(tmp_path / name)
        for number in range(1, 40):
            made.figure(made.article(number), number % 5 << 20, width=400 + number % 3)
        made.curated()
        tables = ("captions", "duplicates", "caption_groups", "pairs")
        contents.append([path.read_bytes() for table in tables for path in made.workspace.parts(table)])
    assert contents[0] == contents[1]


def test_groups_do_not_depend_on_how_wide_the_numbers_of_shards_are(tmp_path: Path) -> None:
    tables = ("captions", "duplicates", "caption_groups", "pairs")
    contents = []
    for names in (("00000", "00001", "00002"), ("99999", "100000", "1000000")):
        made = Made(tmp_path / names[0])
        for number in range(1, 40):
            shard = names[number % 3]
            caption = f"Growth of the cells of line {number % 7} after ten days in the medium."
            article = made.article(number, shard)
            made.figure(article, number % 5 << 20, shard=shard, caption=caption, width=400 + number % 3)
        made.curated()
        assert curate_state(made.workspace, config_with()).current == names
        assert curate_state(made.workspace, config_with(val_share=0.5)).todo == names
        contents.append([[row | {"shard": None} for row in made.rows(table)] for table in tables])
    assert all(contents[0])
    assert contents[0] == contents[1]


def test_a_change_of_the_settings_makes_the_parts_stale(made: Made) -> None:
    made.figure(made.article(1), 1 << 30)
    made.curated()
    assert curate_state(made.workspace, config_with(near_distance=2)).stale == ("00000",)
    assert curate_state(made.workspace, config_with(near_caption_distance=2)).stale == ("00000",)
    assert curate_state(made.workspace, config_with(val_share=0.5)).stale == ("00000",)


def test_a_shard_without_panels_is_left_undone(made: Made) -> None:
    made.figure(made.article(1), 1 << 30)
    made.figure(made.article(2, "00001"), 1 << 30, shard="00001")
    made.write()
    made.workspace.part("panels", "00001").unlink()
    assert curate(made.workspace, config_with(), Execution()) is ExitCode.INCOMPLETE
    assert made.workspace.shards("pairs") == ["00000"]
    assert curate_state(made.workspace, config_with()).missing == ("00001",)


def test_an_array_job_groups_when_all_captions_are_there(made: Made) -> None:
    shards = [f"{number:05d}" for number in range(4)]
    for number, shard in enumerate(shards):
        made.figure(made.article(number + 1, shard), 1 << 30, shard=shard, width=400 + number, height=300 + number)
    made.write()
    shares = [Execution(shard=(index, 2)) for index in range(2)]
    assert all(any(share.takes(shard) for shard in shards) for share in shares)
    codes = [curate(made.workspace, config_with(), share) for share in shares]
    assert codes == [ExitCode.INCOMPLETE, ExitCode.COMPLETE]
    assert curate(made.workspace, config_with(), shares[0]) is ExitCode.COMPLETE
    assert curate_state(made.workspace, config_with()).current == tuple(shards)
    assert {row["group_size"] for row in made.rows("duplicates")} == {4}


def test_an_array_job_does_not_wait_for_a_shard_that_cannot_be_captioned(made: Made) -> None:
    shards = [f"{number:05d}" for number in range(5)]
    for number, shard in enumerate(shards):
        made.figure(made.article(number + 1, shard), 1 << 30, shard=shard)
    made.write()
    shares = [Execution(shard=(index, 2)) for index in range(2)]
    lost = next(shard for shard in shards if shares[1].takes(shard))
    made.workspace.part("panels", lost).unlink()
    assert [curate(made.workspace, config_with(), share) for share in shares] == [ExitCode.INCOMPLETE] * 2
    assert curate(made.workspace, config_with(), shares[0]) is ExitCode.COMPLETE
    assert made.workspace.shards("pairs") == [shard for shard in shards if shard != lost]
    assert curate_state(made.workspace, config_with()).missing == (lost,)


def test_what_decides_the_split_leaves_the_captions_alone(made: Made) -> None:
    made.figure(made.article(1), 1 << 30)
    made.curated()
    [path] = made.workspace.parts("captions")
    before = path.stat().st_mtime_ns
    made.curated(val_share=0.5)
    assert path.stat().st_mtime_ns == before


def test_nothing_to_curate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pmc15m split"):
        curate(Workspace(tmp_path), config_with(), Execution())


def test_pairs_have_the_columns_of_the_schema(made: Made) -> None:
    made.figure(made.article(1), 1 << 30)
    assert list(made.curated().rows("pairs")[0]) == schema.PAIRS.names
    assert list(made.rows("pairs")[0]) == schema.PAIRS.names
