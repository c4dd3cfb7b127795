"""Traps 18 to 33: which elements are figures."""

import pytest

from pmc15m.jats import (
    ArticleFlag,
    ArticleReason,
    ArticleStatus,
    FigureKind,
    FigureReason,
    FigureStatus,
    Origin,
    OtherGraphicKind,
    parse_article,
)
from tests.jats.made import fig, figures, graphic, pairs, plain_fig, read, xml

FIG = plain_fig(1)


@pytest.mark.parametrize(
    ("parts", "origin"),
    [
        ({"after": f"<floats-group>{FIG}</floats-group>"}, Origin.FLOATS),
        ({"after": f"<floats-wrap>{FIG}</floats-wrap>"}, Origin.FLOATS),
        ({"body": f"<sec><p>Text {FIG} text.</p></sec>"}, Origin.BODY),
        ({"body": f"<list><list-item>{FIG}</list-item></list>"}, Origin.BODY),
        ({"body": f"<table-wrap><table><tr><td>{FIG}</td></tr></table></table-wrap>"}, Origin.BODY),
        ({"body": f"<boxed-text>{FIG}</boxed-text>"}, Origin.BOXED_TEXT),
        ({"back": f"<back><app-group><app>{FIG}</app></app-group></back>"}, Origin.BACK),
    ],
)
def test_trap_18_every_figure_wherever_it_stands(parts: dict[str, str], origin: Origin) -> None:
    (figure,) = figures(**parts)
    assert (figure.figure_id, figure.caption, figure.origin) == ("F1", "Caption 1.", origin)


def test_trap_18_the_section_path_of_a_figure() -> None:
    (figure,) = figures(f"<sec><title>Results</title><sec><title>Of <italic>mice</italic></title>{FIG}</sec></sec>")
    assert figure.section_path == ("Results", "Of mice")


def test_trap_19_order_by_the_numbers_in_the_labels() -> None:
    found = figures(
        plain_fig(1) + plain_fig(5), after=f"<floats-group>{plain_fig(2)}{plain_fig(10)}{plain_fig(3)}</floats-group>"
    )
    assert [f.label for f in found] == ["Figure 1", "Figure 5", "Figure 2", "Figure 10", "Figure 3"]
    assert [f.position for f in found] == [1, 2, 3, 4, 5]
    assert [f.order for f in found] == [1, 4, 2, 5, 3]


def test_trap_20_a_group_caption_is_kept_and_passed_on() -> None:
    one, two = figures(
        '<fig-group id="g"><label>Figure 1</label><caption><p>Irrigated (a) and dry (b).</p></caption>'
        f"{fig('<label>(a)</label>' + graphic('1a'), 'Fa')}"
        f"{fig('<label>(b)</label><caption><p>Dry.</p></caption>' + graphic('1b'), 'Fb')}</fig-group>"
    )
    assert (one.label, one.caption, one.group_label) == ("(a)", None, "Figure 1")
    assert one.full_caption == "Irrigated (a) and dry (b)."
    assert one.status is FigureStatus.OK
    assert (two.caption, two.full_caption) == ("Dry.", "Irrigated (a) and dry (b). Dry.")
    assert {f.group_id for f in (one, two)} == {"g"}


def test_trap_20_a_group_with_pictures_and_no_figure_is_a_figure() -> None:
    (figure,) = figures(
        f'<fig-group id="g"><label>Fig. 1</label><caption><p>C.</p></caption>{graphic("1")}</fig-group>'
    )
    assert (figure.figure_id, figure.label, figure.caption, figure.graphics[0].href) == ("g", "Fig. 1", "C.", "1")


def test_trap_21_supplements_beside_their_parent_inherit_nothing() -> None:
    found = figures(
        plain_fig(2)
        + fig(f"<label>Figure 2—figure supplement 1.</label>{graphic('f2s1')}", "F2s1", 'specific-use="child-fig"')
    )
    assert [(f.caption, f.reason) for f in found] == [("Caption 2.", None), (None, FigureReason.NO_CAPTION)]


def test_trap_22_figures_in_figures() -> None:
    inner = plain_fig(7)
    outer, nested = figures(
        fig(
            f"<label>Figure 6</label><caption><p>Outer.</p></caption>{graphic('f6')}"
            f'<p content-type="supplemental-figure">{inner}</p>',
            "F6",
        )
    )
    assert (outer.caption, [g.href for g in outer.graphics]) == ("Outer.", ["f6"])
    assert (nested.caption, [g.href for g in nested.graphics]) == ("Caption 7.", ["f7"])


def test_trap_23_sub_articles_have_their_own_id_space() -> None:
    translated = fig(f"<label>Figura 1</label><caption><p>Legenda.</p></caption>{graphic('pt')}", "F1")
    article = read(
        f'<p><xref ref-type="fig" rid="F1">Figure 1</xref></p>{FIG}',
        after=f'<sub-article article-type="translation" xml:lang="pt"><body><p>A <xref rid="F1">Figura 1</xref>.</p>'
        f"{translated}</body></sub-article>",
    )
    main, other = article.figures
    assert (main.caption, main.sub_article_type, len(main.mentions)) == ("Caption 1.", None, 1)
    assert (other.caption, other.origin, other.sub_article_type) == ("Legenda.", Origin.SUB_ARTICLE, "translation")
    assert (other.language, len(other.mentions)) == ("pt", 1)
    assert [f.position for f, _ in pairs(article)] == [1, 2]
    assert ArticleFlag.DUPLICATE_FIGURE_IDS not in article.flags


@pytest.mark.parametrize(("of_pt", "of_en"), [("", graphic("f1")), (graphic("f1"), ""), ("", "")])
def test_trap_24_one_figure_in_two_languages(of_pt: str, of_en: str) -> None:
    pt = fig(f"<label>Figura 1</label><caption><title>Mapa.</title></caption>{of_pt}", "a", 'xml:lang="pt"')
    en = fig(f"<label>Figure 1</label><caption><title>Map.</title></caption>{of_en}", "b", 'xml:lang="en"')
    group = f"<fig-group>{pt}{en}</fig-group>"
    (figure,) = read(group + '<p><xref rid="a">1</xref><xref rid="b">1</xref></p>', attributes='xml:lang="pt"').figures
    assert (figure.label, figure.caption) == ("Figura 1", "Mapa.")
    assert [(o.language, o.label, o.caption) for o in figure.other_captions] == [("en", "Figure 1", "Map.")]
    assert [g.href for g in figure.graphics] == (["f1"] if of_pt or of_en else [])
    assert len(figure.mentions) == 2


def test_trap_25_graphical_abstracts_are_a_kind_of_their_own() -> None:
    meta = (
        f'<abstract abstract-type="graphical"><p>{graphic("ga")}Words of the abstract.</p></abstract>'
        f'<abstract abstract-type="graphical">{fig(graphic("fx2"), "f0025")}</abstract>'
    )
    bare, in_fig, ordinary = read(FIG, meta=meta).figures
    for figure in (bare, in_fig):
        assert (figure.kind, figure.origin) == (FigureKind.GRAPHICAL_ABSTRACT, Origin.ABSTRACT)
        assert (figure.caption, figure.reason) == (None, FigureReason.NO_CAPTION)
    assert ordinary.kind is FigureKind.FIGURE


def test_trap_26_bare_graphics_are_no_figures_and_reported_when_asked() -> None:
    body = f"<p>{graphic('logo')}</p>{FIG}"
    back = f"<back><bio><p>{graphic('face')}</p></bio></back>"
    assert [f.figure_id for f in figures(body, back=back)] == ["F1"]
    article = parse_article(xml(body, back=back), other_graphics=True)
    assert [(o.kind, o.href) for o in article.other_graphics] == [
        (OtherGraphicKind.BARE, "logo"),
        (OtherGraphicKind.PORTRAIT, "face"),
    ]


@pytest.mark.parametrize(
    ("inner", "reason", "media"),
    [
        ('<media mimetype="video" xlink:href="m.mp4"/>', FigureReason.NOT_AN_IMAGE, ("m.mp4",)),
        (
            f'<alternatives><media xlink:href="m.mp4"/>{graphic("m-thumb")}</alternatives>',
            FigureReason.NOT_AN_IMAGE,
            ("m.mp4",),
        ),
        ("<p>Nothing.</p>", FigureReason.NO_GRAPHIC, ()),
        (graphic(""), FigureReason.EMPTY_HREF, ()),
    ],
)
def test_trap_27_a_figure_that_is_no_picture(inner: str, reason: FigureReason, media: tuple[str, ...]) -> None:
    article = read(fig(f"<caption><p>C.</p></caption>{inner}") + plain_fig(2))
    figure, following = article.figures
    assert (figure.status, figure.reason, figure.media) == (FigureStatus.UNUSABLE, reason, media)
    assert following.status is FigureStatus.OK
    assert [f.figure_id for f, _ in pairs(article)] == ["F2"]


def test_trap_28_tables_as_pictures_and_a_table_in_a_figure() -> None:
    table = f'<table-wrap id="T1"><label>Table 1</label><caption><p>T.</p></caption>{graphic("t1")}</table-wrap>'
    inside = fig(f"<caption><p>C.</p></caption><table><tr><td>{graphic('cell')}</td></tr></table>", "F1")
    article = parse_article(xml(table + inside + plain_fig(2)), other_graphics=True)
    assert [(f.figure_id, f.reason) for f in article.figures] == [("F1", FigureReason.NO_GRAPHIC), ("F2", None)]
    assert (OtherGraphicKind.TABLE, "t1") in [(o.kind, o.href) for o in article.other_graphics]


def test_trap_29_formulas_as_pictures_are_never_figures() -> None:
    formula = f'<disp-formula>{graphic("e1")}</disp-formula><inline-graphic xlink:href="i1"/>'
    inline = '<inline-formula><inline-graphic xlink:href="i2"/></inline-formula>'
    found = figures(f"<p>{formula}</p>" + fig(f"<caption><p>A {inline} b.</p></caption>{formula}{graphic('f1')}"))
    assert [[g.href for g in f.graphics] for f in found] == [["f1"]]


@pytest.mark.parametrize(
    ("attributes", "label", "kind"),
    [
        ('fig-type="Scheme"', "1", FigureKind.SCHEME),
        ("", "Scheme 1", FigureKind.SCHEME),
        ("", "Gráfico 2", FigureKind.CHART),
        ('fig-type="plate"', "Pl. 1", FigureKind.PLATE),
        ('fig-type="FIGURE"', "Fig. 1", FigureKind.FIGURE),
        ('fig-type="featured"', "", FigureKind.FIGURE),
        ('fig-type="other"', "Quadro 1", FigureKind.OTHER),
    ],
)
def test_trap_30_kinds_are_recorded_and_nothing_is_dropped(attributes: str, label: str, kind: FigureKind) -> None:
    inner = f"<label>{label}</label><caption><p>C.</p></caption>{graphic('f1')}"
    (figure,) = figures(fig(inner, attributes=attributes))
    assert (figure.kind, figure.status) == (kind, FigureStatus.OK)
    (structure,) = figures(f"<chem-struct-wrap>{fig(inner, attributes=attributes)}</chem-struct-wrap>")
    assert structure.kind is kind


def test_trap_31_supplements_and_their_boilerplate() -> None:
    click = "<caption><p>Click here for additional data file.</p></caption>"
    article = read(
        f'<supplementary-material><media xlink:href="s1.pdf">{click}</media></supplementary-material>'
        + fig(click + graphic("s2"), "S2", 'fig-type="supplementary-material"')
        + fig(f"<caption><p>Real words.</p></caption>{graphic('s3')}", "S3", 'fig-type="supplementary-material"')
    )
    boilerplate, real = article.figures
    assert (boilerplate.caption, boilerplate.reason) == (None, FigureReason.BOILERPLATE_CAPTION)
    assert (real.kind, real.caption, real.status) == (FigureKind.SUPPLEMENTARY, "Real words.", FigureStatus.OK)
    assert [f.figure_id for f, _ in pairs(article)] == ["S3"]


def test_trap_32_missing_and_doubled_ids() -> None:
    article = read(
        "".join(fig(f"<caption><p>{n}.</p></caption>{graphic(n)}", i) for n, i in [("a", None), ("b", "F"), ("c", "F")])
    )
    assert [(f.position, f.figure_id, f.id_is_given, f.caption) for f in article.figures] == [
        (1, "#1", False, "a."),
        (2, "F", True, "b."),
        (3, "F", True, "c."),
    ]
    assert ArticleFlag.DUPLICATE_FIGURE_IDS in article.flags


def test_trap_33_scans_and_front_matter_only_are_no_errors() -> None:
    scan = read('<preformat preformat-type="pmc-ocr-text">Text of a scan</preformat>')
    assert (scan.status, scan.reason, scan.is_historical_ocr) == (ArticleStatus.OK, ArticleReason.OCR_TEXT, True)
    front = parse_article(b"<article><front><article-meta/></front></article>")
    assert (front.status, front.reason) == (ArticleStatus.OK, ArticleReason.FRONT_ONLY)
    assert read("<p>Words.</p>").reason is ArticleReason.NO_FIGURES
