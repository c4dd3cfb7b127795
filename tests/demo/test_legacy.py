"""Packages as people kept them."""

import csv
import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from pmc15m.demo import ArticleFate, DemoTruth, GraphicFate, generate_legacy
from pmc15m.demo.legacy import BAD_PACKAGES
from pmc15m.jats import FileNames, parse_article, resolve_graphic


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return generate_legacy(tmp_path_factory.mktemp("legacy") / "packages", figure_px=120, plain=True)


def members(truth: DemoTruth, pmcid: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    (path,) = truth.root.rglob(f"{pmcid}.tar.gz")
    with tarfile.open(path) as archive:
        files = ((info, archive.extractfile(info) if info.isreg() else None) for info in archive)
        return {info.name: (info, file.read() if file else b"") for info, file in files}


def test_good_packages_hold_what_the_truth_says(packages: DemoTruth) -> None:
    for article in packages.articles[: -len(BAD_PACKAGES)]:
        files = {Path(name).name: body for name, (_, body) in members(packages, article.pmcid).items()}
        (xml,) = (body for name, body in files.items() if name.endswith(".nxml"))
        parsed = parse_article(xml)
        assert (parsed.pmcid, parsed.version) == (article.pmcid, None)
        names = FileNames(files)
        for _, figure, graphic in packages.graphics():
            if figure in article.figures and graphic.fate is GraphicFate.IMAGE:
                assert "." not in graphic.href
                assert resolve_graphic(graphic.href, names).name == graphic.file
                thumbnail = Image.open(io.BytesIO(files[f"{graphic.href}.gif"]))
                assert max(thumbnail.size) == 100


def test_top_folders_are_pmcids_and_citations(packages: DemoTruth) -> None:
    tops = {
        article.pmcid: {name.split("/")[0] for name in members(packages, article.pmcid)}
        for article in packages.articles[:-4]
    }
    assert all(len(names) == 1 for names in tops.values())
    assert {pmcid in names for pmcid, names in tops.items()} == {True, False}


def test_bad_packages(packages: DemoTruth) -> None:
    bad = {article.fate: article.pmcid for article in packages.articles[-len(BAD_PACKAGES) :]}
    assert tuple(bad) == BAD_PACKAGES
    with pytest.raises(EOFError):
        members(packages, bad[ArticleFate.CORRUPT_PACKAGE])
    hostile = members(packages, bad[ArticleFate.HOSTILE_PACKAGE])
    assert "../evil.txt" in hostile
    assert {info.type for info, _ in hostile.values()} > {tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE}
    for fate, n_xml in ((ArticleFate.NO_XML, 0), (ArticleFate.SEVERAL_XML, 2)):
        assert sum(name.endswith(".nxml") for name in members(packages, bad[fate])) == n_xml


def test_file_lists_with_and_without_header(packages: DemoTruth) -> None:
    def rows(name: str) -> list[list[str]]:
        return list(csv.reader((packages.root / name).read_text().splitlines()))

    header, *with_header = rows("oa_file_list.csv")
    assert header[3] == "Last Updated (YYYY-MM-DD HH:MM:SS)"
    headerless = rows("oa_file_list.headerless.csv")
    assert [row[0] for row in headerless] == [row[0] for row in with_header]
    assert (with_header[4][3], headerless[4][3]) == ("2019-11-05 11:56:12", "05-11-19 11:56")
    assert all((packages.root / row[0]).is_file() for row in headerless)
    assert "" in {row[4] for row in headerless}
    assert "NO-CC CODE" in {row[5] for row in headerless}


def test_the_same_seed_gives_the_same_packages_flat_or_not(packages: DemoTruth, tmp_path: Path) -> None:
    flat = generate_legacy(tmp_path / "flat", figure_px=120, plain=True, flat=True)
    for path in packages.root.rglob("*.tar.gz"):
        assert path.read_bytes() == (flat.root / path.name).read_bytes()


def test_the_articles_are_those_of_the_bucket(truth: DemoTruth, tmp_path: Path) -> None:
    packages = generate_legacy(tmp_path / "packages", figure_px=40, plain=True)
    article = packages.articles[0]
    for name, (_, body) in members(packages, article.pmcid).items():
        if name.endswith(".jpg"):
            assert body == (truth.root / article.article_version / Path(name).name).read_bytes()


def test_too_few_articles(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too few"):
        generate_legacy(tmp_path / "packages", articles=4)
