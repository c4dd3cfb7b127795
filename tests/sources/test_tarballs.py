"""Packages: kept ones, hostile ones, lists of them."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pmc15m.demo.legacy import generate_legacy
from pmc15m.errors import ExitCode, SourceError
from pmc15m.sources.tables import read_date, read_file_list, read_identifiers
from pmc15m.workspace import Workspace
from tests.crawl.conftest import Place
from tests.shared_data import SHARED

CORPUS = SHARED / "corpus"
XML = b"""<article xmlns:xlink="http://www.w3.org/1999/xlink"><body><fig id="F1"><caption><p>A cell.</p></caption>
<graphic xlink:href="f1"/></fig></body></article>"""
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 1000


def package(folder: Path, members: dict[str, bytes | tarfile.TarInfo], name: str = "PMC1.tar.gz") -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / name, "w:gz") as tar:
        for path, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def taken(tmp_path: Path, source: Path | str, *settings: str) -> Place:
    place = Place(Workspace(tmp_path / "workspace"), str(source))
    place.index(*settings)
    place.crawl(*settings)
    return place


@pytest.mark.corpus
@pytest.mark.skipif(not (CORPUS / "tarballs").is_dir(), reason=f"no packages in {CORPUS}")
def test_real_packages(tmp_path: Path) -> None:
    place = taken(tmp_path, CORPUS / "tarballs")
    assert [row["status"] for row in place.rows(role="article")] == ["complete"] * 4
    pictures = place.rows(role="media", status="ok")
    assert len(pictures) == 3 + 15 + 4 + 3
    assert {row["format"] for row in pictures} == {"jpeg"}, "never the thumbnails"
    assert {row["name"].rpartition(".")[2] for row in place.rows(reason="unreferenced")} == {"gif", "pdf"}


def test_nothing_but_the_workspace_is_written(tmp_path: Path) -> None:
    package(
        tmp_path / "kept",
        {
            "PMC1/main.nxml": XML,
            "PMC1/f1.jpg": JPEG,
            "../outside.jpg": JPEG,
            "/absolute.jpg": JPEG,
            "PMC1/../../up.jpg": JPEG,
            "PMC1\\back.jpg": JPEG,
            "link": special("PMC1/link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
            "hard": special("PMC1/hard.jpg", tarfile.LNKTYPE, "PMC1/main.nxml"),
            "device": special("PMC1/device.jpg", tarfile.CHRTYPE),
            "fifo": special("PMC1/fifo.jpg", tarfile.FIFOTYPE),
        },
    )
    place = taken(tmp_path, tmp_path / "kept")
    assert place.article("PMC1", 0)["status"] == "complete"
    assert [row["name"] for row in place.rows(role="media", status="ok")] == ["f1.jpg"]
    assert len(place.rows(reason="unsafe_name")) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "workspace"]


def test_a_name_in_another_encoding_costs_its_file_alone(tmp_path: Path) -> None:
    package(tmp_path / "kept", {"PMC1/main.nxml": XML, "PMC1/f1.jpg": JPEG, "PMC1/caf\udce9.jpg": JPEG})
    place = taken(tmp_path, tmp_path / "kept")
    assert place.article("PMC1", 0)["status"] == "complete"
    assert [row["name"] for row in place.rows(reason="unsafe_name")] == ["PMC1/caf\ufffd.jpg"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"PMC1/f1.jpg": JPEG}, "no_xml"),
        ({"PMC1/a.nxml": XML, "PMC1/b.nxml": XML}, "several_xml"),
        ({}, "no_xml"),
    ],
)
def test_packages_without_one_xml(tmp_path: Path, members: dict[str, bytes | tarfile.TarInfo], reason: str) -> None:
    package(tmp_path / "kept", members)
    assert taken(tmp_path, tmp_path / "kept").article("PMC1", 0)["reason"] == reason


@pytest.mark.parametrize("harm", ["cut", "not gzip", "empty", "flipped"])
def test_packages_that_cannot_be_read(tmp_path: Path, harm: str) -> None:
    package(tmp_path / "kept", {"PMC1/main.nxml": XML, "PMC1/f1.jpg": os.urandom(100_000)})
    path = tmp_path / "kept" / "PMC1.tar.gz"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    path.write_bytes({"cut": whole[: len(whole) // 2], "not gzip": b"<html>", "empty": b"", "flipped": flipped}[harm])
    package(tmp_path / "kept", {"PMC2/main.nxml": XML, "PMC2/f1.jpg": JPEG}, "PMC2.tar.gz")
    place = taken(tmp_path, tmp_path / "kept")
    assert place.article("PMC1", 0)["status"] == "failed" or harm == "flipped"
    assert place.article("PMC2", 0)["status"] == "complete", "the run goes on"


def test_a_package_that_unpacks_to_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmc15m.sources.tarballs._PACKAGE_LIMIT", 1 << 20)
    package(tmp_path / "kept", {"PMC1/main.nxml": XML, "PMC1/f1.jpg": bytes(2 << 20)})
    assert taken(tmp_path, tmp_path / "kept").article("PMC1", 0)["reason"] == "bad_archive"


def test_members_above_the_limit_are_left_out(tmp_path: Path) -> None:
    package(tmp_path / "kept", {"PMC1/main.nxml": XML, "PMC1/f1.jpg": JPEG})
    place = taken(tmp_path, tmp_path / "kept", "crawl.max_object_bytes=900")
    assert [(row["name"], row["member"]) for row in place.rows(reason="too_big")] == [("f1.jpg", None)]


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("legacy") / "packages"
    generate_legacy(root, plain=True, figure_px=96)
    return root


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(legacy: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *request: _Quiet(*request, directory=str(legacy)))
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["oa_file_list.csv", "oa_file_list.headerless.csv"])
def test_packages_over_http_are_those_of_the_folder(tmp_path: Path, legacy: Path, site: str, name: str) -> None:
    (tmp_path / "a").mkdir()
    local, remote = taken(tmp_path / "a", legacy), taken(tmp_path, f"{site}/{name}")
    assert [row | {"change_token": None} for row in remote.rows()] == [
        row | {"change_token": None} for row in local.rows()
    ]
    assert {row["reason"] for row in local.rows(role="article")} == {None, "bad_archive", "no_xml", "several_xml"}


def test_licences_of_packages_come_from_the_xml(tmp_path: Path, legacy: Path) -> None:
    place = taken(tmp_path, legacy, "select.where=licence_group = 'commercial'")
    kept = place.rows(role="article", status="complete")
    assert kept
    assert {row["licence_group"] for row in kept} == {"commercial"}


def test_two_folders_of_packages_make_one_catalog(tmp_path: Path) -> None:
    package(tmp_path / "one", {"PMC1/main.nxml": XML, "PMC1/f1.jpg": JPEG})
    package(tmp_path / "two", {"PMC2/main.nxml": XML, "PMC2/f1.jpg": JPEG}, "PMC2.tar.gz")
    taken(tmp_path, tmp_path / "one")
    place = taken(tmp_path, tmp_path / "two")
    assert [row["status"] for row in place.rows(role="article")] == ["complete"] * 2


@pytest.mark.parametrize(("source", "said"), [("absent", "no folder"), ("", "is no source")])
def test_no_source_is_one_line(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    place = Place(Workspace(tmp_path / "workspace"), str(tmp_path / "empty" / source))
    with pytest.raises(SourceError, match=said):
        place.index()
    assert ExitCode.USAGE == 2


@pytest.mark.corpus
@pytest.mark.skipif(not (CORPUS / "cloud").is_dir(), reason=f"no lists in {CORPUS}")
def test_real_file_lists() -> None:
    rows = list(read_file_list((CORPUS / "cloud" / "oa_file_list_headerless_first_rows.csv").read_bytes()))
    assert len(rows) == 10_000
    assert rows[0]["path"] == "oa_package/08/e0/PMC13900.tar.gz"
    assert all(read_date(row["updated"]) for row in rows)
    (first, *_) = read_file_list((CORPUS / "cloud" / "oa_file_list_4rows_with_header.csv").read_bytes())
    assert (first["pmcid"], str(read_date(first["updated"]))) == ("PMC7112410", "2020-04-06 14:56:00+00:00")


def test_identifiers_with_a_comma_that_is_not_quoted(tmp_path: Path) -> None:
    header = "Journal Title,ISSN,eISSN,Year,Volume,Issue,Page,DOI,PMCID,PMID,Manuscript Id,Release Date\n"
    text = (
        header + '"Ann Ex, Ser A",1-2,,2001,3,1,5,10.1/a,PMC1,11,,live\nAnn Ex, Ser B,1-2,3-4,2002,3,1,5,,PMC2,,,live\n'
    )
    path = tmp_path / "PMC-ids.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    rows = read_identifiers(path).read_all().to_pylist()
    assert rows == [
        {"pmcid": "PMC1", "journal": "Ann Ex, Ser A", "issn": "1-2", "year": "2001", "doi": "10.1/a", "pmid": "11"},
        {"pmcid": "PMC2", "journal": "Ann Ex, Ser B", "issn": "3-4", "year": "2002", "doi": None, "pmid": None},
    ]
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(SourceError, match=r"not PMC-ids\.csv"):
        read_identifiers(path)
