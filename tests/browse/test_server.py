"""What is answered, to whom, and what is not."""

import contextlib
import io
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pmc15m import schema
from pmc15m.browse import articles
from pmc15m.browse.index import Index
from pmc15m.browse.server import browse, listen
from pmc15m.errors import UsageError
from pmc15m.workspace import Workspace
from tests.browse.conftest import Site
from tests.browse.made import fill_browsed
from tests.query.made_up import HOSTILE, pair, write

PAGES = (
    *("/lost", "/lost?step=parsed&reason=not_xml", "/articles/PMC4", "/articles/PMC5", "/articles/PMC2"),
    *("/figures", "/pairs", "/figures?sort=worst", "/pairs?sort=random&seed=3", "/pairs?words=squares", "/marks"),
    *("/things/PMC1_1_f001_g01_p01", "/things/PMC2_1_f002", "/things/PMC6_1_f002_g01?sort=worst&in=figures&n=2"),
)


def add_mark(site: Site, body: object, **headers: str) -> Any:
    sent = {"origin": site.address, "content_type": "application/json"} | headers
    return site.ask("/marks", "POST", body if isinstance(body, str) else json.dumps(body), **sent)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_forbids_scripts_that_are_not_ours(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["img-src"] == "'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:{port}", ""])
def test_other_names_are_refused(site: Site, host: str) -> None:
    answer = site.ask("/figures", host=host.format(port=site.port))
    assert answer.status == 403
    assert "PMC" not in answer.text


def test_localhost_is_ours(site: Site) -> None:
    assert site.ask("/figures", host=f"localhost:{site.port}").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
@pytest.mark.parametrize("path", ["/figures", "/pictures/PMC1_1_f001_g01", "/assets/browse.js"])
def test_other_verbs_are_refused(site: Site, method: str, path: str) -> None:
    assert site.ask(path, method).status == 403
    assert site.ask(path, method, origin=site.address).status == 405


@pytest.mark.parametrize(
    "path",
    [
        *("/config.toml", "/assets/../server.py", "/assets/%2e%2e/server.py", "/assets/", "/figures/", "/figures/x"),
        *("/things/", "/things/PMC1", "/things/PMC9_1_f001", "/things/..%2fconfig.toml", "/things/PMC1_1_f001_g01_p07"),
        *("/pictures/PMC1_1_f001", "/pictures/PMC9_1_f001_g01", "/pictures/PMC1_1_f001_g01?side=481", "/raw/00000.tar"),
        *("/articles/", "/articles/PMC9", "/articles/x", "/articles/PMC", "/articles/PMC4.1", "/lost?step=parsed"),
        *("/pictures/PMC2_1_f004_g01", "/docs", "/openapi.json", "//evil.example"),
    ],
)
def test_other_paths_lead_nowhere(site: Site, path: str) -> None:
    assert site.ask(path).status == 404


@pytest.mark.parametrize("path", ["/pairs?colour=red", "/pairs?page=0", "/pairs?where=yaer%3D1", "/figures?seed=x"])
def test_a_wrong_question_is_answered_with_what_is_wrong(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert answer.status == 400
    assert 'role="alert"' in answer.text
    assert site.ask(path, accept="*/*").headers["content-type"] == "text/plain; charset=utf-8"


def test_pages_of_other_sites_may_link_here_and_nothing_else(site: Site) -> None:
    cross = {"sec_fetch_site": "cross-site"}
    assert site.ask("/figures", sec_fetch_mode="navigate", **cross).status == 200
    assert site.ask("/figures", sec_fetch_mode="no-cors", **cross).status == 403
    assert site.ask("/pictures/PMC1_1_f001_g01", sec_fetch_mode="no-cors", **cross).status == 403
    assert site.ask("/assets/browse.js", sec_fetch_mode="cors", sec_fetch_site="same-site").status == 403


def test_a_hostile_text_stays_text(site: Site) -> None:
    for path in (
        "/figures",
        "/pairs",
        "/articles/PMC2",
        "/things/PMC2_1_f001_g01",
        "/figures?journal=" + "%3Cscript%3E",
    ):
        page = site.ask(path).text
        assert page.count("<script") == 1  # ours
        assert "alert('x')" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in site.ask("/things/PMC2_1_f001_g01").text
    assert HOSTILE not in page


def test_a_hostile_address_stays_text(site: Site, marks_file: Path) -> None:
    hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (f"/pairs?words={hostile}", f"/pairs?where={hostile}", f"/things/{hostile}", f"/pairs?sort={hostile}"):
        assert "<script>alert" not in site.ask(path).text
    seen_in = {
        "key": "PMC1_1_f001_g01",
        "verdict": "right",
        "seen_in": "javascript:alert(1)",
        "note": "<script>alert(1)",
    }
    assert add_mark(site, seen_in).status == 200
    page = site.ask("/marks").text
    assert "javascript:" not in page
    assert "<script>alert" not in page


def test_a_picture_is_what_was_published(site: Site, workspace: Workspace) -> None:
    stored = workspace.tar("00001").read_bytes()
    answer = site.ask("/pictures/PMC6_1_f001_g01")
    assert answer.headers["content-type"] == "image/png"
    assert stored.startswith(answer.content)
    small = Image.open(io.BytesIO(site.ask("/pictures/PMC6_1_f001_g01?side=160").content))
    assert (small.format, small.size) == ("JPEG", (160, 53))


def test_a_panel_is_its_crop(site: Site) -> None:
    whole = Image.open(io.BytesIO(site.ask("/pictures/PMC6_1_f001_g01").content)).convert("RGB")
    crop = Image.open(io.BytesIO(site.ask("/pictures/PMC6_1_f001_g01_p01").content))
    assert crop.convert("RGB").tobytes() == whole.crop((300, 0, 600, 200)).tobytes()


def test_a_damaged_picture_is_not_shown(site: Site, workspace: Workspace) -> None:
    tar = workspace.tar("00001")
    stored = tar.read_bytes()
    tar.write_bytes(stored[:100] + b"?" + stored[101:])
    answer = site.ask("/pictures/PMC6_1_f001_g01")
    tar.write_bytes(stored)
    assert (answer.status, "damaged" in answer.text) == (404, True)


def test_a_story_tells_why_there_is_no_pair(site: Site) -> None:
    assert "missing file" in site.ask("/things/PMC2_1_f004").text
    assert "no caption" in site.ask("/things/PMC2_1_f002").text
    unaligned = site.ask("/things/PMC6_1_f002_g01").text
    assert unaligned.count("dropped: no caption labels") == 2
    assert unaligned.count('class="p0 dropped"') == 1  # its boxes are drawn all the same


def test_a_story_of_a_pair_tells_of_article_mentions_doubles_and_recipes(site: Site) -> None:
    page = site.ask("/things/PMC6_1_f001_g01_p00").text
    for told in ("Olives rest (Fig. 1).", "Cells at rest.", "left out by certain alignment", "CC0", "2016-05-01"):
        assert told in page
    double = site.ask("/things/PMC2_1_f001_g01").text
    assert "/pictures/PMC1_1_f001_g01?side=160" in double


@pytest.mark.parametrize(
    ("pmcid", "told"),
    [
        ("PMC3", ["<b>with figures</b> – front only", "complete"]),
        ("PMC4", ["<b>parsed</b> – not xml", "<b>fetched</b></li>", "unusable"]),
        ("PMC5", ["<b>fetched</b> – by licence", "excluded: by licence"]),
        ("PMC6", ["<b>fetched</b> – not fetched", "It was not fetched", "Olives", "/things/PMC6_1_f001"]),
        ("PMC7", ["<b>fetched</b> – removed", "It was not fetched"]),
    ],
)
def test_an_article_that_was_lost_whole_has_a_page_of_its_own(site: Site, pmcid: str, told: list[str]) -> None:
    page = site.ask(f"/articles/{pmcid}").text
    for words in (*told, f'href="https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"'):
        assert words in page
    [lost] = re.findall(r'class="lost"><b>([a-z ]+)</b> – ([a-z ]+)', page)
    listed = f"/lost?step={lost[0].replace(' ', '_')}&amp;reason={lost[1].replace(' ', '_')}"
    assert f'href="{listed}"' in site.ask("/lost").text
    assert f'href="/articles/{pmcid}"' in site.ask(listed.replace("&amp;", "&")).text


def test_an_article_that_came_through_is_told_of_too(site: Site) -> None:
    page = site.ask("/articles/PMC1").text
    assert 'class="lost"' not in page
    assert page.count('class="passed"') == 3
    assert "/things/PMC1_1_f002" in page
    assert 'href="/articles/PMC1"' in site.ask("/things/PMC1_1_f002").text


@pytest.mark.parametrize("words", ["PMC4", "pmc4", "+PMC4+"])
def test_a_pmcid_in_the_search_leads_to_its_article(site: Site, words: str) -> None:
    answer = site.ask(f"/pairs?words={words}")
    assert (answer.status, answer.headers["location"]) == (303, "/articles/PMC4")
    assert site.ask("/pairs?words=PMC9").status == 200
    assert site.ask("/pairs?words=PMC4+cells").status == 200


def test_every_attempt_and_file_of_a_failed_article_is_shown_as_text(tmp_path: Path) -> None:
    workspace = fill_browsed(tmp_path)
    known = {"pmcid": "PMC8", "version": 2}
    first = [{**known, "role": "article", "status": "superseded", "reason": None}]
    again = [
        {**known, "role": "article", "status": "failed", "reason": "md5_mismatch"},
        {**known, "role": "xml", "name": f"{HOSTILE}.xml", "status": "failed", "reason": "md5_mismatch", "size": 4321},
    ]
    write(workspace, "raw", schema.RAW_INDEX, first, "00001")
    write(workspace, "raw", schema.RAW_INDEX, again, "00002")
    index = Index(workspace)
    with contextlib.closing(index), contextlib.closing(Site(index)) as failed:
        page = failed.ask("/articles/PMC8").text
    assert "<b>fetched</b> – md5 mismatch" in page
    assert page.index("superseded") < page.index("shard 00001") < page.index("failed: md5 mismatch")
    assert "4,321" in page
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page


def test_a_long_list_of_lost_articles_has_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "PAGE", 2)
    workspace = fill_browsed(tmp_path)
    left_out = {"version": 1, "role": "article", "status": "excluded", "reason": "budget"}
    rows = [{"pmcid": f"PMC{n}", **left_out} for n in (100, 99, 8)]
    write(workspace, "raw", schema.RAW_INDEX, rows, "00001")
    index = Index(workspace)
    with contextlib.closing(index), contextlib.closing(Site(index)) as long:
        pages = [long.ask(f"/lost?step=fetched&reason=budget&page={page}").text for page in (1, 2)]
    assert [re.findall(r"/articles/(PMC\d+)", page) for page in pages] == [["PMC8", "PMC99"], ["PMC100"]]
    assert ['rel="next"' in page for page in pages] == [True, False]


def test_the_place_in_a_selection_leads_on(site: Site) -> None:
    first = site.ask("/pairs/1?sort=worst")
    assert first.status == 303
    assert first.headers["location"] == "/things/PMC6_1_f001_g01_p00?sort=worst&in=pairs&n=1"
    page = site.ask(first.headers["location"]).text
    assert 'href="/pairs/2?sort=worst"' in page
    assert site.ask("/pairs/999?sort=worst").headers["location"] == "/pairs?sort=worst"


def test_a_selection_can_be_taken_away(site: Site) -> None:
    keys = site.ask("/pairs/keys.txt?kind=microscopy&level=panel")
    assert keys.headers["content-disposition"] == 'attachment; filename="pairs.txt"'
    assert keys.text.split() == [f"PMC1_1_f001_g01_p0{n}" for n in (0, 1)] + [f"PMC6_1_f001_g01_p0{n}" for n in (0, 1)]
    assert "list_contains(flags, 'compound')" in site.ask("/pairs/recipe.toml?flag=compound").text


def test_a_mark_is_a_line_of_the_workspace(site: Site, marks_file: Path) -> None:
    mark = {"key": "PMC6_1_f001_g01_p00", "verdict": "wrong", "note": "it is B", "seen_in": "/pairs?sort=random"}
    assert add_mark(site, mark).status == 200
    [line] = [json.loads(line) for line in marks_file.read_text().splitlines()]
    assert {name: line[name] for name in mark} == mark
    page = site.ask("/marks").text
    assert "0.000 – 0.793" in page
    assert "it is B" in page
    assert 'data-verdict="wrong"' in site.ask("/pairs?level=panel").text


def test_the_summary_of_marks_leads_to_what_is_marked_so(site: Site, marks_file: Path) -> None:
    mark = {"key": "PMC6_1_f001_g01_p00", "verdict": "partly", "seen_in": "/pairs?level=panel&sort=random"}
    assert add_mark(site, mark).status == 200
    assert add_mark(site, {"key": "PMC1_1_f001_g01", "verdict": "wrong", "seen_in": '/pairs?level="><b>'}).status == 200
    page = site.ask("/marks").text
    assert 'href="/pairs?level=panel&amp;mark=partly&amp;sort=random"' in page
    assert 'href="/pairs?mark=">unmarked</a> 6' in page
    assert 'href="/figures?mark=wrong">wrong</a> 1' in page
    assert "<b>" not in page.partition("<tbody>")[2].partition("</td>")[0]
    found = site.ask("/pairs?mark=partly").text
    assert found.count('class="card"') == 1
    assert 'data-facet="mark"' in found
    assert "unmarked" in found
    assert site.ask("/pairs/keys.txt?mark=partly").text == "PMC6_1_f001_g01_p00\n"
    assert "pair_key IN ('PMC6_1_f001_g01_p00')" in site.ask("/pairs/recipe.toml?mark=partly").text
    assert len(site.ask("/pairs/keys.txt?mark=").text.split()) == 6


def test_a_mark_made_elsewhere_is_seen_at_the_next_look(site: Site, marks_file: Path) -> None:
    marks_file.write_text('{"key": "PMC1_1_f002_g01", "verdict": "wrong"}\n')
    assert site.ask("/pairs/keys.txt?mark=wrong").text == "PMC1_1_f002_g01\n"
    marks_file.unlink()
    assert site.ask("/pairs/keys.txt?mark=wrong").text == ""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_marks_from_elsewhere_are_refused(site: Site, marks_file: Path, headers: dict[str, str], status: int) -> None:
    assert add_mark(site, {"key": "PMC1_1_f001_g01", "verdict": "wrong"}, **headers).status == status
    assert not marks_file.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ([], 400),
        ({"key": "PMC1_1_f001_g01"}, 400),
        ({"key": "PMC1_1_f001_g01", "verdict": "so-so"}, 400),
        ({"key": "PMC9_1_f001_g01", "verdict": "right"}, 400),
        ({"key": ["PMC1_1_f001_g01"], "verdict": "right"}, 400),
        ({"key": "PMC1_1_f001_g01", "verdict": "right", "note": 3}, 400),
        ({"key": "PMC1_1_f001_g01", "verdict": "right", "note": "a" * 3000}, 400),
        ("[" * 3000, 400),
        (" " * 20_000, 413),
    ],
)
def test_what_is_no_mark_is_refused(site: Site, marks_file: Path, body: object, status: int) -> None:
    assert add_mark(site, body).status == status
    assert not marks_file.exists()


def test_looking_changes_nothing(site: Site, workspace: Workspace) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in workspace.root.rglob("*") if path.is_file() and path.name != "marks.jsonl"]
        return {str(path): (os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in files}

    before = state()
    for path in PAGES:
        site.ask(path)
    assert state() == before


def test_it_listens_on_the_loopback_address_alone() -> None:
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="--port"):
            listen(taken.getsockname()[1])


def test_an_empty_workspace_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing in"):
        browse(Workspace(tmp_path), 0)


def test_pairs_without_other_tables_can_be_looked_at(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write(workspace, "pairs", schema.PAIRS, [pair("PMC1_1_f001_g01", text="Alone.", label="Fig. 1", shard="00000")])
    index = Index(workspace)
    with contextlib.closing(index), contextlib.closing(Site(index)) as alone:
        assert alone.ask("/").headers["location"] == "/pairs"
        assert "Alone." in alone.ask("/pairs").text
        assert "Alone." in alone.ask("/things/PMC1_1_f001_g01").text
        assert alone.ask("/pictures/PMC1_1_f001_g01").status == 404
