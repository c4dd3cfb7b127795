"""Loose articles: with their pictures beside them, several in one file, in bioRxiv's archives."""

import gzip
import random
import zipfile
from pathlib import Path

import pytest

from pmc15m.config import CrawlConfig, load_config
from pmc15m.crawl.media import XmlReader
from pmc15m.errors import SourceError
from pmc15m.sources import open_source
from pmc15m.sources.model import FetchTask, Wanted
from pmc15m.sources.names import PMCID, number_outside_pmc
from pmc15m.workspace import Workspace
from tests.crawl.conftest import Place
from tests.shared_data import SHARED
from tests.sources.test_tarballs import JPEG, taken

ARTICLES = SHARED / "corpus" / "articles"
TIFF = b"II*\x00" + b"x" * 1000


def xml(figure: str = "f1", **ids: str) -> bytes:
    """An article with one figure; `ids` by their type."""
    written = "".join(f'<article-id pub-id-type="{kind}">{value}</article-id>' for kind, value in ids.items())
    return f"""<?xml version="1.0"?><!-- some journal's --><article xmlns:xlink="http://www.w3.org/1999/xlink">
<front><article-meta>{written}</article-meta></front><body><fig id="F1"><caption><p>A cell of {figure}.</p></caption>
<graphic xlink:href="{figure}"/></fig></body></article>""".encode()


def biorxiv(doi: str, edition: str, figure: str = "030213v1_fig1.tif") -> bytes:
    made = xml(figure, doi=doi)
    return made.replace(b"</article-id>", f"</article-id><article-version>{edition}</article-version>".encode())


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def stored(place: Place) -> dict[str, list[str]]:
    """PMCID to the names of the pictures that are kept of it."""
    articles: dict[str, list[str]] = {row["pmcid"]: [] for row in place.rows(role="article", status="complete")}
    for row in place.rows(role="media", status="ok"):
        articles[row["pmcid"]].append(row["name"])
    return articles


def test_unpacked_packages_are_read_as_packages_are(tmp_path: Path) -> None:
    source = write(
        tmp_path / "kept",
        {
            "a0/PMC1/one.nxml": xml(),  # no identifier in it: the folder's name says which article it is
            "a0/PMC1/f1.jpg": JPEG,
            "a0/PMC1/f1.gif": b"GIF89a" + b"x" * 99,
            "a0/PMC1/paper.pdf": b"%PDF-1.4",
            "b1/PMC2/two.nxml": xml(pmc="2"),
            "b1/PMC2/pictures/f1.jpg": JPEG,
            "b1/README.txt": b"nothing",
        },
    )
    place = taken(tmp_path, source)
    assert stored(place) == {"PMC1": ["f1.jpg"], "PMC2": ["f1.jpg"]}
    assert {row["name"]: row["reason"] for row in place.rows(status="skipped")} == {
        "f1.gif": "unreferenced",
        "paper.pdf": "unreferenced",
    }
    [row] = place.rows(role="xml", pmcid="PMC1")
    tar = place.workspace.tar("00000").read_bytes()
    assert tar[row["offset"] : row["offset"] + row["size"]] == xml(), "byte for byte"


def test_europe_pmc_s_full_texts_have_their_pictures_in_folders(tmp_path: Path) -> None:
    source = write(
        tmp_path / "europe",
        {
            "PMC11.xml": xml(pmcid="PMC11"),
            "PMC11/f1.jpg": JPEG,
            "PMC12.xml.gz": gzip.compress(xml(pmcid="12")),
            "PMC12/bin/f1.jpg": JPEG,
            "1471-9-1.xml": xml("1471-9-1-1", pmc="13"),
            "1471-9-1-1.jpg": JPEG,
            "1471-9-12.xml": xml("1471-9-12-1", pmc="14"),
            "1471-9-12-1.jpg": JPEG,
            "f1.jpg": JPEG,
            "PMC99/f1.jpg": JPEG,  # nobody's
        },
    )
    assert stored(taken(tmp_path, source)) == {
        "PMC11": ["f1.jpg"],
        "PMC12": ["f1.jpg"],
        "PMC13": ["1471-9-1-1.jpg"],
        "PMC14": ["1471-9-12-1.jpg"],
    }


def test_several_articles_in_one_file_are_told_apart(tmp_path: Path) -> None:
    bodies = [xml(f"f{number}", pmcid=f"PMC{number}").partition(b"-->")[2] for number in (21, 22)]
    bundle = b"<articles>\n" + b"\n".join(bodies) + b"\n</articles>"
    source = write(
        tmp_path / "europe",
        {"PMC21_PMC22.xml": bundle, "packed.xml.gz": gzip.compress(bundle), "PMC22/f22.jpg": JPEG, "f21.jpg": JPEG},
    )
    place = taken(tmp_path, source)
    assert stored(place) == {"PMC21": [], "PMC22": ["f22.jpg"]}, "a picture beside them may be anybody's"
    assert [row["size"] for row in place.rows(role="xml")] == [len(body) for body in bodies]


def archive(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def test_bio_rxiv_s_archives_are_articles_that_pmc_does_not_have(tmp_path: Path) -> None:
    doi = "10.1101/2020.04.07.030213"
    for name, edition in (("0a", "1.1"), ("0b", "1.3"), ("0c", "1.2")):
        archive(
            tmp_path / "April_2020" / f"{name}.meca",
            {
                "manifest.xml": b"<manifest/>",
                "transfer.xml": b"<transfer/>",
                "content/030213.xml": biorxiv(doi, edition, f"030213v{edition[-1]}_fig1.tif"),
                f"content/030213v{edition[-1]}_fig1.tif": TIFF,
                "content/030213.pdf": b"%PDF-1.4",
                "content/../../../outside.tif": TIFF,
                "../up.tif": TIFF,
            },
        )
    place = taken(tmp_path, tmp_path / "April_2020")
    number = number_outside_pmc(doi)
    assert stored(place) == {number: ["030213v3_fig1.tif"]}, "of three editions the last"
    assert PMCID.fullmatch(number)
    assert len(number) == 15
    assert number != number_outside_pmc(doi + "1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["April_2020", "workspace"]


def test_unpacked_archives_have_their_pictures_without_an_extension(tmp_path: Path) -> None:
    source = write(
        tmp_path / "kept",
        {
            "manifest.xml": b"<manifest/>",
            "content/1.xml": biorxiv("10.1101/1", "1.1"),
            "content/030213v1_fig1.tif": TIFF,
        },
    )
    assert stored(taken(tmp_path, source)) == {number_outside_pmc("10.1101/1"): ["030213v1_fig1.tif"]}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("PMC5.meca", b"PK\x03\x04 no zip", "bad_archive"),
        ("PMC5.nxml.gz", b"\x1f\x8b\x08 no gzip", "bad_archive"),
        ("PMC5.nxml.gz", gzip.compress(xml())[:-20], "bad_archive"),
    ],
)
def test_what_cannot_be_read_is_a_row_with_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    source = write(tmp_path / "kept", {name: content, "PMC6/a.nxml": xml(), "PMC6/f1.jpg": JPEG})
    place = taken(tmp_path, source)
    assert place.article("PMC5", 0)["reason"] == reason
    assert stored(place) == {"PMC6": ["f1.jpg"]}, "the run goes on"


def test_an_empty_article_goes_on_to_the_parser_which_says_so(tmp_path: Path) -> None:
    place = taken(tmp_path, write(tmp_path / "kept", {"PMC5.nxml": b""}))
    assert stored(place) == {"PMC5": []}


def test_an_archive_without_an_article_says_so(tmp_path: Path) -> None:
    archive(tmp_path / "kept" / "PMC5.meca", {"content/a.tif": TIFF})
    assert taken(tmp_path, tmp_path / "kept").article("PMC5", 0)["reason"] == "no_xml"


def test_of_two_pictures_with_one_name_the_first_is_taken(tmp_path: Path) -> None:
    files = {"PMC7/a.nxml": xml(), "PMC7/f1.jpg": JPEG, "PMC7/thumbnails/f1.jpg": JPEG + b"small"}
    place = taken(tmp_path, write(tmp_path / "kept", files))
    assert [(row["name"], row["size"]) for row in place.rows(role="media", status="ok")] == [("f1.jpg", len(JPEG))]
    assert [row["name"] for row in place.rows(reason="unsafe_name")] == ["thumbnails/f1.jpg"]


def test_a_changed_article_is_taken_again(tmp_path: Path) -> None:
    source = write(tmp_path / "kept", {"PMC1.nxml": xml(), "PMC1/f1.jpg": JPEG})
    taken(tmp_path, source)
    write(source, {"PMC1.nxml": xml() + b"\n"})
    place = taken(tmp_path, source)
    assert place.article("PMC1", 0)["status"] == "complete"
    assert len(place.rows(role="article", status="superseded")) == 1


def test_pictures_that_come_later_are_taken_then(tmp_path: Path) -> None:
    source = write(tmp_path / "kept", {"PMC1.nxml": xml(), "PMC2.nxml": xml(), "PMC2/f1.jpg": JPEG})
    assert stored(taken(tmp_path, source)) == {"PMC1": [], "PMC2": ["f1.jpg"]}
    write(source, {"PMC1/f1.jpg": JPEG})
    place = taken(tmp_path, source)
    assert stored(place) == {"PMC1": ["f1.jpg"], "PMC2": ["f1.jpg"]}
    assert len(place.rows(role="article", pmcid="PMC2")) == 1, "what did not change is not taken again"


def test_odd_names_are_no_obstacle(tmp_path: Path) -> None:
    files = {f"a #1-2/{name}.jpg": JPEG for name in ("f1", "\udcff", "\n")} | {"a #1-2/it's [x].nxml": xml(pmc="8")}
    place = taken(tmp_path, write(tmp_path / "kept", files | {"b\udcff.nxml": xml(pmc="9")}))
    assert stored(place) == {"PMC8": ["f1.jpg"]}
    assert len(place.rows(reason="unsafe_name")) == 2


@pytest.mark.parametrize("seed", range(40))
def test_damaged_archives_end_no_run(tmp_path: Path, seed: int) -> None:
    archive(tmp_path / "kept" / "PMC5.meca", {"content/a.xml": biorxiv("10.1101/1", "1.1"), "content/a.tif": TIFF})
    whole = bytearray((tmp_path / "kept" / "PMC5.meca").read_bytes())
    chance = random.Random(seed)
    for _ in range(3):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    (tmp_path / "kept" / "PMC5.meca").write_bytes(whole)
    folder = open_source(load_config(None, [f"source={tmp_path / 'kept'}"]), tmp_path)
    [row] = folder.listing(tmp_path).read_all().to_pylist()
    task = FetchTask(
        versions=[Wanted(pmcid=row["pmcid"], version=0, change_token=None, locator=row["locator"], row=row)],
        keep_all=False,
        is_selected=lambda *_: True,
        read_xml=XmlReader(CrawlConfig()),
        stored=lambda *_: None,
        each=lambda function, objects: list(map(function, objects)),
    )
    [article] = folder.fetch(task)
    assert article.status in {"complete", "failed"}


def test_a_folder_of_other_xml_is_no_source(tmp_path: Path) -> None:
    source = write(tmp_path / "other", {"page.xml": b"<html><body>article</body></html>", "a.xml": b"", "f1.jpg": JPEG})
    with pytest.raises(SourceError, match=r"no article as \.nxml"):
        Place(Workspace(tmp_path / "workspace"), str(source)).index()


@pytest.mark.corpus
@pytest.mark.skipif(not ARTICLES.is_dir(), reason=f"no articles in {ARTICLES}")
@pytest.mark.parametrize(("name", "count"), [("10.1101_2020.04.07.030213", 29), ("10.1101_2021.11.17.469032", 14)])
def test_real_preprints_have_all_their_figures(tmp_path: Path, name: str, count: int) -> None:
    place = taken(tmp_path, ARTICLES / name)
    assert [len(pictures) for pictures in stored(place).values()] == [count]
