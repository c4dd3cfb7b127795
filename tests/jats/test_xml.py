"""Traps 66 to 72: XML plumbing. Whatever comes in, an article or a reason comes out."""

import sys
import time
from pathlib import Path

import pytest

from pmc15m.jats import ArticleFlag, ArticleReason, ArticleStatus, FigureReason, parse_article
from pmc15m.jats.article import parse_articles
from tests.jats.made import fig, graphic, pairs, plain_fig, xml

FIG = plain_fig(1)


def captions(data: bytes) -> list[str | None]:
    return [f.caption for f in parse_article(data).figures]


def test_trap_66_a_set_of_articles() -> None:
    one, two = (
        xml(plain_fig(1), meta='<article-id pub-id-type="pmc">1</article-id>'),
        xml(plain_fig(2), meta='<article-id pub-id-type="pmc">2</article-id>'),
    )
    data = b"<pmc-articleset>" + one + two + b"</pmc-articleset>"
    assert [[f.caption for f in a.figures] for a in parse_articles(data)] == [["Caption 1."], ["Caption 2."]]
    second = parse_article(data, pmcid="PMC2")
    assert (second.figures[0].caption, second.flags) == ("Caption 2.", (ArticleFlag.SEVERAL_ARTICLES,))


def test_trap_66_oai_pmh_with_every_element_in_a_namespace() -> None:
    article = xml(FIG).replace(b"<article ", b'<article xmlns="https://dtd.nlm.nih.gov/ns/archiving/2.3/" ')
    data = b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><GetRecord>' + article + b"</GetRecord></OAI-PMH>"
    (figure,) = parse_article(data).figures
    assert (figure.label, figure.caption, figure.graphics[0].href) == ("Figure 1", "Caption 1.", "f1")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ArticleReason.EMPTY),
        (b" \n", ArticleReason.EMPTY),
        (b"<!DOCTYPE html><html><body><p>Not found</body></html>", ArticleReason.NO_ARTICLE),
        (b"<Error><Code>NoSuchKey</Code></Error>", ArticleReason.NO_ARTICLE),
        (b"no markup at all", ArticleReason.NOT_XML),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ArticleReason.NOT_XML),
    ],
)
def test_trap_67_what_is_no_article_has_a_reason(data: bytes, reason: ArticleReason) -> None:
    article = parse_article(data, pmcid="PMC1")
    assert (article.status, article.reason, article.pmcid) == (ArticleStatus.UNUSABLE, reason, "PMC1")


def test_trap_67_nothing_outside_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    doctype = f'<!DOCTYPE article SYSTEM "{secret.as_uri()}" [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
    data = doctype.encode() + xml(fig(f"<caption><p>A &s; B</p></caption>{graphic('f1')}"))
    assert "SECRET" not in str(parse_article(data))


def test_trap_67_entities_of_the_file_itself_are_text_but_no_bomb() -> None:
    data = b'<!DOCTYPE article [<!ENTITY who "A. Author">]>' + xml(fig("<caption><p>By &who;.</p></caption>"))
    assert captions(data) == ["By A. Author."]
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 20}">' for n in range(9))
    bomb = f'<!DOCTYPE article [<!ENTITY l0 "ha">{laughs}]>'.encode() + xml("<p>&l9;</p>")
    start = time.process_time()
    assert parse_article(bomb).reason is ArticleReason.RESOURCE_LIMIT
    assert time.process_time() - start < 2


@pytest.mark.parametrize("doctype", [b"", b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS" "JATS.dtd">'])
def test_trap_68_entities_that_only_the_dtd_knows(doctype: bytes) -> None:
    data = doctype + xml(fig("<caption><p>5 &plusmn; 1 &agr;-&alpha; &szlig;&sol;&plus; &lt; &b.Gamma;</p></caption>"))
    assert captions(data) == ["5 ± 1 α-α ß/+ < Γ"]
    assert parse_article(data).flags == (ArticleFlag.NAMED_ENTITIES,)
    unknown = parse_article(doctype + xml(fig("<caption><p>A &nosuch; B</p></caption>")))
    assert (unknown.figures[0].caption, unknown.flags[1]) == ("A &nosuch; B", ArticleFlag.UNKNOWN_ENTITIES)


def test_trap_68_comments_and_cdata_are_no_place_for_entities() -> None:
    data = xml(fig("<!-- &alpha; --><caption><p><![CDATA[&alpha;]]></p></caption>"))
    assert captions(data) == ["&alpha;"]
    assert parse_article(data).flags == ()


def test_trap_69_what_is_not_well_formed_gives_its_sound_figures() -> None:
    broken = xml(plain_fig(1) + "<p>An <italic>unclosed paragraph</p>" + plain_fig(2))
    article = parse_article(broken)
    assert [f.caption for f in article.figures] == ["Caption 1.", "Caption 2."]
    assert ArticleFlag.RECOVERED in article.flags


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        ("</caption>", ""),  # the graphic falls into the caption
        ("</fig>", ""),  # the next figure falls into this one
        ("<caption>", ""),
        ("</p>", "</q>"),
        ("Caption 1.", "Caption < 1."),
    ],
)
def test_trap_69_a_figure_that_the_damage_touches_gives_no_pair(sound: str, damaged: str) -> None:
    article = parse_article(xml(plain_fig(1).replace(sound, damaged) + plain_fig(2) + plain_fig(3)))
    assert {g.href: f.caption for f, g in pairs(article)} == {"f2": "Caption 2.", "f3": "Caption 3."}
    touched = [f for f in article.figures if f.reason is FigureReason.DAMAGED_XML]
    assert all(f.caption is None and not f.graphics for f in touched)
    assert touched


def test_trap_69_a_truncated_file() -> None:
    data = xml(plain_fig(1) + plain_fig(2))
    cut = data[: data.index(b"Caption 2") + 5]
    assert {g.href: f.caption for f, g in pairs(parse_article(cut))} == {"f1": "Caption 1."}


def test_trap_69_bytes_and_characters_that_xml_forbids() -> None:
    latin = xml(fig("<caption><p>M{}ller {} x</p></caption>")).replace(b"{}", b"\xfc", 1).replace(b"{}", b"\x01", 1)
    article = parse_article(latin)
    assert (article.figures[0].caption, article.flags) == ("Müller x", (ArticleFlag.ENCODING_REPAIRED,))
    bom = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>' + xml(FIG)
    assert captions(bom) == ["Caption 1."]
    assert captions(xml(FIG).decode().encode("utf-16")) == ["Caption 1."]
    assert captions(b'<?xml version="1.0" encoding="no-such"?>' + xml(FIG)) == ["Caption 1."]


def test_trap_69_an_undeclared_prefix_is_harmless() -> None:
    data = xml(FIG).replace(b'xmlns:xlink="http://www.w3.org/1999/xlink"', b"")
    article = parse_article(data)
    assert article.flags == (ArticleFlag.UNDECLARED_PREFIX,)
    assert [(f.caption, f.graphics[0].href) for f in article.figures] == [("Caption 1.", "f1")]


def test_trap_70_processing_instructions_and_comments_leave_the_text_whole() -> None:
    data = xml(
        fig(
            "<?FILEgr1 jpg ?><label>Fig<!-- x -->ure 1</label><caption><!-- c --><p>On<?pi?>e<!--a--> t<!--b-->wo</p>"
            f"</caption><!-- <caption><p>Old.</p></caption> -->{graphic('f1')}"
        )
    )
    (figure,) = parse_article(data).figures
    assert (figure.label, figure.caption) == ("Figure 1", "One two")


def test_trap_71_size_and_depth_are_bounded() -> None:
    assert parse_article(xml(FIG), max_bytes=100).reason is ArticleReason.TOO_LARGE
    deep = xml("<sec>" * 300 + FIG + "</sec>" * 300)
    assert parse_article(deep).reason is ArticleReason.TOO_DEEP
    nested = xml("<sec>" * 200 + FIG + "</sec>" * 200)
    assert captions(nested) == ["Caption 1."]


def test_trap_71_the_cost_is_linear() -> None:
    """Counted in calls, not in seconds: twenty times the figures take at most twenty-five times the work."""

    def calls(figures: int) -> int:
        body = "".join(
            f'<sec><title>S</title><p>See <xref ref-type="fig" rid="F{n}">Fig. {n}</xref>.</p>{plain_fig(n)}</sec>'
            for n in range(figures)
        )
        data = xml(body)
        made = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            assert len(parse_article(data).figures) == figures
        finally:
            sys.setprofile(None)
        return made

    assert calls(1000) < 25 * calls(50)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'<?xml version="1.0"?>',
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE article PUBLIC "-//NLM//DTD" "x.dtd">\n',
    ],
)
def test_trap_72_with_and_without_doctype_and_declaration(head: bytes) -> None:
    article = parse_article(head + xml(fig("<caption><p>Größe</p></caption>")))
    assert (article.figures[0].caption, article.flags) == ("Größe", ())


@pytest.mark.parametrize("tag", ["bold", "sup", "p", "list", "sec", "mml:mrow", "fig", "alternatives", "xref"])
def test_trap_71_deep_nesting_of_any_element_gives_an_article(tag: str) -> None:
    nested = f"<{tag}>" * 240 + "x" + f"</{tag}>" * 240
    figure = fig(f"<caption><p>{nested}</p></caption>{graphic('f1')}")
    assert parse_article(xml(figure)).status is ArticleStatus.OK


@pytest.mark.parametrize(
    "hostile",
    [
        "&alpha;" + "<!--" * 100_000,
        "&alpha;" + "<fig>" * 20_000 + "</fig>" * 20_000 + "<",
        fig("<caption><p>" + "<sup>1</sup>" * 20_000 + "</p></caption>"),
        "".join(fig("", "F") for _ in range(1000)) + "<p>" + '<xref rid="F">1, 1, </xref>' * 1000 + "</p>",
        '<p><xref rid="F1">' + "1, " * 50_000 + f"x</xref></p>{FIG}",
        fig("<caption><p>" + "figure" * 20_000 + " permission " + "(" * 20_000 + "</p></caption>"),
    ],
)
def test_trap_71_hostile_files_cost_no_more_than_others(hostile: str) -> None:
    start = time.process_time()
    parse_article(xml(hostile))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("M &#xD835;&#xDC40; N", "M 𝑀 N"),
        ("M &#55349;&#56384; N", "M 𝑀 N"),
        ("M &#xD835; N&#xDC40;", "M � N�"),
        ("M &#x41;&#xD835;&#x42; N", "M A�B N"),
        ("M &#xDC40;&#xD835; N", "M �� N"),
        ("M &#x1F;&#0;&#xFFFE;&#x110000; N", "M N"),
        (f"M &#{'9' * 5000}; N", "M N"),
        ("M &lt;&#60;&#xD835;&#38; N", "M <<�& N"),
        ("M <![CDATA[&#xD835;]]>&#xD835; N", "M &#xD835;� N"),
    ],
)
def test_trap_69_references_to_what_is_no_character(written: str, read: str) -> None:
    article = parse_article(xml(fig(f"<caption><p>{written}</p></caption>{graphic('f1')}")))
    assert [(figure.caption, figure.reason) for figure in article.figures] == [(read, None)]
    assert article.flags == (ArticleFlag.ENCODING_REPAIRED,)


@pytest.mark.parametrize("half", ["&#xD9AB;", "&#56789;"])
def test_trap_69_half_a_character_anywhere(half: str) -> None:
    title = f"<title-group><article-title>On {half}</article-title></title-group>"
    whole = xml(f'<sec id="s{half}"><p>{half}</p>{plain_fig(1)}{fig("", half)}</sec>{graphic(half)}', meta=title)
    assert parse_article(whole).title == "On �"
    broken = parse_article(whole.replace(b"</sec>", b""))
    assert (broken.title, broken.figures[0].caption) == ("On �", "Caption 1.")
    declared = f'<!DOCTYPE article [<!ENTITY h "{half}">]>'.encode()
    assert parse_article(declared + whole.replace(half.encode(), b"&h;")).title == "On �"
    doubled = b'<!DOCTYPE article [<!ENTITY h "&#38;#xD9AB;">]>' + whole.replace(half.encode(), b"&h;")
    assert parse_article(doubled).reason is ArticleReason.NOT_XML
