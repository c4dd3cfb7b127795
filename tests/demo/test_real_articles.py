"""Real articles served as if they lay in the bucket."""

import csv
import json
from pathlib import Path

import pytest

from pmc15m.demo import bucket_of_articles
from pmc15m.demo.real_articles import licence_code
from tests.shared_data import SHARED

COLUMNS = ("folder", "pmcid", "doi", "journal", "year", "licence", "xml_file")
XML = "<article><front><article-meta><article-id pub-id-type='pmid'>17</article-id><title-group><article-title>On <b>x</b></article-title></title-group></article-meta></front></article>"  # noqa: E501


def folder_of(root: Path, *rows: tuple[str, ...]) -> Path:
    with (root / "INDEX.csv").open("w", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *rows])
    for row in rows:
        (root / row[0]).mkdir()
        (root / row[0] / row[-1]).write_text(XML)
    return root


def metadata(root: Path) -> list[dict[str, object]]:
    bucket = bucket_of_articles(root)
    return [json.loads(bucket[key].read()) for key in bucket.keys("metadata/")]


def test_an_article_and_its_images(tmp_path: Path) -> None:
    root = folder_of(tmp_path, ("one", "PMC5", "10.1/x", "J Real", "2011", "CC BY (text)", "main.nxml"))
    (root / "one/media").mkdir()
    (root / "one/media/fig1").write_bytes(b"image")
    bucket = bucket_of_articles(root)
    assert bucket["PMC5.1/PMC5.1.xml"].read() == XML.encode()
    assert bucket["PMC5.1/PMC5.1.xml"].body == root / "one/main.nxml"
    (found,) = metadata(root)
    assert found["media_urls"] == ["s3://pmc-oa-opendata/PMC5.1/fig1?md5=78805a221a988e79ef3f42d7c5bfd418"]
    assert (found["title"], found["pmid"], found["license_code"]) == ("On x", 17, "CC BY")
    assert found["citation"] == "J Real. 2011. doi: 10.1/x"


def test_a_figmap_gives_pictures_the_names_of_their_graphics(tmp_path: Path) -> None:
    root = folder_of(tmp_path, ("one", "PMC5", "", "J", "2011", "CC0", "x.xml"))
    (root / "one/image.2.png").write_bytes(b"image")
    (root / "one/figmap.csv").write_text("fig_id,label,graphic_href,file\nF1,Fig. 1,aay-F1,image.2.png\n")
    assert [key for key in bucket_of_articles(root).keys("PMC5.1/") if "aay" in key or "figmap" in key] == [
        "PMC5.1/aay-F1.png"
    ]


def test_numbers_of_articles_without_one_are_stable_and_out_of_pmcs_range(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    row = ("10.1_x", "", "10.1/x", "J", "2011", "CC BY", "x.xml")
    (alone,) = metadata(folder_of(tmp_path / "a", row))
    several = metadata(folder_of(tmp_path / "b", ("10.1_y", *row[1:]), row, ("z", "PMC5", *row[2:])))
    numbers = [int(str(found["pmcid"])[3:]) for found in several]
    assert alone["pmcid"] in [found["pmcid"] for found in several]
    assert len(set(numbers)) == 3
    assert all(number == 5 or 1_000_000_000 <= number < 2_000_000_000 for number in numbers)


def test_xml_that_is_none_still_gets_its_place(tmp_path: Path) -> None:
    root = folder_of(tmp_path, ("one", "PMC5", "", "J", "2011", "", "x.xml"))
    (root / "one/x.xml").write_bytes(b"not xml at all")
    (found,) = metadata(root)
    assert (found["title"], found["pmid"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "code"),
    [("CC BY", "CC BY"), ("CC BY-NC (text)", "CC BY-NC"), ("cc0/pd", "CC0"), ("CC CC-BY", "CC BY"), ("CC CC", None),
     ("open (text, no CC named)", None), ("", None)],
)  # fmt: skip
def test_licence_words(words: str, code: str | None) -> None:
    assert licence_code(words) == code


def test_a_folder_without_index(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"INDEX\.csv"):
        bucket_of_articles(tmp_path)


@pytest.mark.corpus
def test_the_real_corpus_becomes_a_bucket(tmp_path: Path) -> None:
    articles = SHARED / "corpus" / "articles"
    if not articles.is_dir():
        pytest.skip(f"the real corpus is not at {articles}")
    with (articles / "INDEX.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    bucket = bucket_of_articles(articles)
    assert len(list(bucket.keys("metadata/"))) == len(rows)
    n_images = sum(int(row["n_image_files"]) for row in rows)
    n_xml = len([key for key in bucket.keys("PMC") if key.endswith(".xml")])
    assert n_xml == len(rows)
    assert len(list(bucket.keys("PMC"))) - 2 * len(rows) - 1 == n_images
