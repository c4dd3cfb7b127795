"""The generated PMC is what its truth says."""

import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from time import process_time

import pytest
from PIL import Image

from pmc15m.demo import ArticleFate, DemoTruth, GraphicFate, generate
from pmc15m.demo.legacy import BAD_PACKAGES
from pmc15m.demo.shapes import SHAPES
from pmc15m.errors import UsageError
from pmc15m.jats import FileNames, parse_article, resolve_graphic


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    """The miniature PMC of `make demo`, fully drawn; quick and small enough for that."""
    started = process_time()
    drawn = generate(tmp_path_factory.mktemp("drawn") / "bucket")
    assert process_time() - started < 10
    assert sum(map(len, contents(drawn.root).values())) < 15_000_000
    return drawn


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (generate(tmp_path / f"{i}/b", seed=seed, articles=12) for i, seed in enumerate((1, 1, 2)))
    assert contents(first.root) == contents(second.root)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert contents(first.root).keys() != contents(other.root).keys()


def test_dates_are_those_of_the_seed_too(truth: DemoTruth) -> None:
    assert (truth.root / "PMC70000000.1/PMC70000000.1.xml").stat().st_mtime == 1788220800


def test_the_truth_is_read_as_it_was_written(truth: DemoTruth) -> None:
    assert DemoTruth.read(truth.root) == truth


def test_all_shapes_are_there(truth: DemoTruth) -> None:
    assert {article.shape for article in truth.articles} == {shape.__name__ for shape in SHAPES}
    assert {graphic.fate for _, _, graphic in truth.graphics()} == set(GraphicFate)
    assert {article.fate for article in truth.articles} == set(ArticleFate) - set(BAD_PACKAGES)
    assert Counter(article.licence_code for article in truth.articles).keys() == {
        "CC0", "CC BY", "CC BY-SA", "CC BY-ND", "CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND", "TDM", None,
    }  # fmt: skip


def test_more_articles_begin_with_the_same_ones(truth: DemoTruth, tmp_path: Path) -> None:
    few = generate(tmp_path / "bucket", articles=5, figure_px=40, plain=True)
    assert few.articles == truth.articles[:5]


def test_metadata_leave_out_what_is_not_there(truth: DemoTruth) -> None:
    def metadata(shape: str, version: int = 1) -> dict[str, object]:
        article = next(a for a in truth.articles if (a.shape, a.version) == (shape, version))
        parsed: dict[str, object] = json.loads((truth.root / f"metadata/{article.article_version}.json").read_text())
        return parsed

    manuscript = metadata("author_manuscript")
    assert manuscript.keys().isdisjoint({"pdf_url", "media_urls"})
    assert (manuscript["license_code"], manuscript["is_pmc_openaccess"]) == ("TDM", False)
    assert metadata("null_licence")["license_code"] is None
    assert metadata("null_ids")["doi"] is metadata("null_ids")["pmid"] is None
    assert metadata("two_versions")["media_urls"] != metadata("two_versions", 2)["media_urls"]
    names = metadata("ordinary")["media_urls"]
    assert isinstance(names, list)
    assert names == sorted(names, key=lambda url: url.split("?")[0].encode())
    many = metadata("many_media")["media_urls"]
    assert isinstance(many, list)
    assert len(many) == 347


def test_versions_share_their_pictures(truth: DemoTruth) -> None:
    first, second = (a for a in truth.articles if a.shape == "two_versions")
    md5s = [
        {hashlib.md5(path.read_bytes()).hexdigest() for path in (truth.root / a.article_version).glob("*.jpg")}
        for a in (first, second)
    ]
    assert md5s[0] == md5s[1] != set()
    xml = [(truth.root / f"{a.article_version}/{a.article_version}.xml").read_bytes() for a in (first, second)]
    assert xml[0] != xml[1]


def test_every_picture_decodes_unless_the_truth_says_otherwise(drawn: DemoTruth) -> None:
    for article, _, graphic in drawn.graphics():
        if graphic.file is None:
            continue
        body = (drawn.root / article.article_version / graphic.file).read_bytes()
        if graphic.fate is GraphicFate.NOT_AN_IMAGE:
            with pytest.raises(OSError):  # noqa: PT011  Pillow's messages for the three differ
                Image.open(io.BytesIO(body)).load()
        else:
            with Image.open(io.BytesIO(body)) as image:
                image.load()
                width, height = image.size
            assert all(
                0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height for x0, y0, x1, y1 in (p.box for p in graphic.panels)
            )


def test_panels_do_not_overlap_and_labels_run_from_a(drawn: DemoTruth) -> None:
    for _, _, graphic in drawn.graphics():
        labels = [panel.label for panel in graphic.panels if panel.label]
        assert labels in (sorted(labels), [])
        assert len(labels) in (0, len(graphic.panels))
        for index, first in enumerate(graphic.panels):
            for second in graphic.panels[:index]:
                a, b = first.box, second.box
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_subcaptions_stand_verbatim_in_the_caption(drawn: DemoTruth) -> None:
    for _, figure, graphic in drawn.graphics():
        for panel in graphic.panels:
            if figure.caption is not None:
                assert panel.subcaption in figure.caption


def test_copies_of_one_picture_are_known(drawn: DemoTruth) -> None:
    common = [(article, graphic) for article, _, graphic in drawn.graphics() if graphic.picture == "common"]
    bodies = [(drawn.root / a.article_version / str(g.file)).read_bytes() for a, g in common]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] != bodies[2]


ORDER = {"abstract": 0, "body": 1, "back": 2, "floats": 3, "sub_article": 4}


def test_the_parser_finds_what_the_truth_says(truth: DemoTruth) -> None:
    for article in truth.articles:
        folder = truth.root / article.article_version
        parsed = parse_article((folder / f"{article.article_version}.xml").read_bytes())
        assert (parsed.pmcid, parsed.version, parsed.title) == (article.pmcid, article.version, article.title)
        assert parsed.licence_group == article.licence_group
        names = FileNames(path.name for path in folder.iterdir() if not path.name.startswith(article.pmcid))
        figures = sorted((f for f in article.figures if f.kind != "table"), key=lambda figure: ORDER[figure.origin])
        for expected, found in zip(figures, parsed.figures, strict=True):
            where = f"{article.shape} {expected.label}"
            assert found.caption == expected.caption, where
            assert found.group_caption == expected.group_caption, where
            assert (found.label, found.kind, found.origin) == (expected.label, expected.kind, expected.origin), where
            assert len(found.mentions) == expected.mentions, where
            files = [resolve_graphic(graphic.href, names).name for graphic in found.graphics]
            assert [name for name in files if name] == [
                graphic.file
                for graphic in expected.graphics
                if graphic.fate in (GraphicFate.IMAGE, GraphicFate.NOT_AN_IMAGE)
            ], where


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        generate(tmp_path, articles=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_same_arguments_find_their_bucket_again(truth: DemoTruth) -> None:
    before = truth.path.stat().st_mtime_ns
    assert generate(truth.root, figure_px=40, plain=True) == truth
    assert truth.path.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="something else"):
        generate(truth.root, figure_px=40, plain=True, seed=1)


def test_what_an_interrupted_run_left_is_no_bucket_and_goes(tmp_path: Path) -> None:
    left = tmp_path / ".bucket.partial" / "metadata" / "PMC1.1.json"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    root = generate(tmp_path / "bucket", articles=1, figure_px=40, plain=True).root
    assert not (root / "metadata" / left.name).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bucket", "bucket.truth.jsonl"]
