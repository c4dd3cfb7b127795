"""Traps 34 to 50: label and caption text."""

import unicodedata

import pytest

from pmc15m.jats import CaptionSource, Figure, FigureReason, FigureStatus, Mark
from tests.jats.made import caption_of, fig, figures, graphic, plain_fig, read

MATH = "<mml:math><mml:mo>⟨</mml:mo><mml:mi>O</mml:mi><mml:mo>⟩</mml:mo></mml:math>"
TEX = (
    r"<tex-math>\documentclass[12pt]{minimal} \usepackage{amsmath} \begin{document}"
    r"}{}$$\langle O\rangle$$\end{document}</tex-math>"
)
PICTURE = '<inline-graphic xlink:href="IEq9.gif"/>'


def marked(figure: Figure, kind: Mark) -> list[str]:
    """The pieces of the caption that bear a mark."""
    text = figure.caption or ""
    return [text[span.start : span.end] for span in figure.caption_markup if span.kind is kind]


def captioned(caption: str, attributes: str = "") -> Figure:
    (figure,) = figures(fig(f"<caption {attributes}>{caption}</caption>{graphic('f1')}"))
    return figure


def test_trap_34_no_caption_is_null_and_never_the_one_before() -> None:
    found = figures(plain_fig(1) + fig(f"<label>Figure 2</label>{graphic('f2')}", "F2") + plain_fig(3))
    assert [f.caption for f in found] == ["Caption 1.", None, "Caption 3."]
    assert (found[1].status, found[1].reason) == (FigureStatus.UNUSABLE, FigureReason.NO_CAPTION)
    assert captioned("<p> </p>").reason is FigureReason.NO_CAPTION


def test_trap_34_a_paragraph_after_the_figure_is_not_its_caption() -> None:
    (figure,) = figures(fig(graphic("f1")) + "<p><bold>Figure 1.</bold> Words that serve as a caption.</p>")
    assert (figure.label, figure.caption) == (None, None)


def test_trap_35_a_label_within_the_caption_is_derived_and_left_out() -> None:
    figure = captioned("<p><italic>Figure 1.</italic> Our approach.</p>")
    assert (figure.label, figure.derived_label) == (None, "Figure 1")
    assert figure.caption == "Our approach."
    assert captioned("<p>Figures of speech.</p>").derived_label is None
    assert captioned("<p>Scheme of the flow.</p>").derived_label is None


def test_trap_36_title_and_paragraphs_are_set_off() -> None:
    figure = captioned("<title>T one</title><p>Para A</p><p>Para B</p>")
    assert (figure.title, figure.caption) == ("T one", "T one Para A Para B")
    assert marked(figure, Mark.TITLE) == ["T one"]
    assert marked(figure, Mark.PARAGRAPH) == ["Para A", "Para B"]
    only = captioned("<title>Mapa do parque.</title>")
    assert (only.title, only.caption) == ("Mapa do parque.", "Mapa do parque.")


def test_trap_37_nested_text_is_complete() -> None:
    assert caption_of("<p><bold>(A) <italic>Mus musculus</italic> liver section</bold>, H&amp;E.</p>") == (
        "(A) Mus musculus liver section, H&E."
    )
    assert caption_of("<p>(<italic>P</italic> &lt; 0.05; <bold><italic>n</italic> = 5 mice</bold>)</p>") == (
        "(P < 0.05; n = 5 mice)"
    )
    assert (
        caption_of("<p>a<named-content><styled-content>b<sc>c</sc></styled-content>d</named-content>e</p>") == "abcde"
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("m<sup>2</sup>", "m²"),
        ("CO<sub>2</sub>", "CO₂"),
        ("10<sup>5</sup> cells", "10⁵ cells"),
        ("10<sup>−5</sup>", "10⁻⁵"),
        ("kg<sup>-1</sup>", "kg^-1"),  # NFKC would turn a raised hyphen into a minus sign
        ("Na<sub>V</sub>1.7", "NaV1.7"),
        ("x<sup>2,3</sup>", "x²,³"),
        ("Ca<sup>2+</sup>", "Ca²⁺"),
        ("up to 10<sup>3.5</sup> cells", "up to 10^3.5 cells"),
        ("10<sup>3.5</sup>M", "10^(3.5)M"),
        ("<bold>10<sup>4.5</sup></bold>2", "10^(4.5)2"),
        ("10 <sup>−2.5</sup>", "10 ^−2.5"),
        ("at 10<sup>-9</sup> M", "at 10^-9 M"),
        ("2<sup>n</sup> wells", "2^n wells"),
        ("e<sup>-kt</sup>", "e^-kt"),
        ("x<sup>2<italic>n</italic>+1</sup>", "x^(2n+1)"),
        ("ras1<sup>5E</sup>-GFP", "ras1^5E-GFP"),
        ("x1<sub>2.5</sub>", "x1_2.5"),
        ("F<sub>3,17</sub> = 9", "F₃,₁₇ = 9"),
        ("Tau2<sup>24–80</sup>", "Tau2²⁴–⁸⁰"),
        ("t<sub>1/2</sub>", "t₁/₂"),
        ("<sup>99m</sup>Tc and [<sup>18</sup>F]", "99mTc and [¹⁸F]"),
        ("the 1<sup>st</sup>, 2<sup>nd</sup>", "the 1st, 2nd"),
        ("Fe<sup>III</sup>, Lep<sup>-/-</sup>", "FeIII, Lep-/-"),
        ("H<sub>2</sub>O, P<sub>2</sub>W<sub>5</sub>, χ<sup>2</sup>", "H₂O, P₂W₅, χ²"),
        ("BiO<sub>6.8</sub>", "BiO6.8"),
        ("ref<sup><xref rid='b1'>17</xref></sup>", "ref¹⁷"),
    ],
)
def test_trap_38_super_and_subscripts(source: str, text: str) -> None:
    assert caption_of(f"<p>{source}</p>") == text


def test_trap_38_what_stays_plain_is_marked() -> None:
    figure = captioned(
        "<p>5 mg kg<sup>-1</sup> of CO<sub>2</sub> <bold>at 10<sup>0.<italic>5</italic></sup></bold></p>"
    )
    assert marked(figure, Mark.SUP) == ["^-1", "^0.5"]
    assert marked(figure, Mark.SUB) == ["₂"]
    assert (marked(figure, Mark.BOLD), marked(figure, Mark.ITALIC)) == (["at 10^0.5"], ["5"])


def test_trap_39_less_than_is_text() -> None:
    assert caption_of("<p>P&lt;0.05 and Q&gt;3 &amp; R<![CDATA[<b>]]></p>") == "P<0.05 and Q>3 & R<b>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (f"<alternatives>{TEX}{MATH}{PICTURE}</alternatives>", "⟨O⟩"),
        (TEX, r"\langle O\rangle"),
        (MATH, "⟨O⟩"),
        (f"<alternatives>{PICTURE}{MATH}</alternatives>", "⟨O⟩"),
        (f"{PICTURE}<alt-text>bra O ket</alt-text>", "bra O ket"),
        (PICTURE, "[formula]"),
        (f"<alternatives>{TEX.replace('O', '')}<mml:math/></alternatives>", r"\langle \rangle"),
        ("<italic>E</italic> = mc<sup>2</sup>", "E = mc²"),
        ("<tex-math>$a_1$</tex-math>", "a_1"),
    ],
)
def test_trap_40_a_formula_stands_once(formula: str, text: str) -> None:
    figure = captioned(f"<p>cap <inline-formula>{formula}</inline-formula>; end</p>")
    assert figure.caption == f"cap {text}; end"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<mml:mfrac><mml:mi>V</mml:mi><mml:mi>R</mml:mi></mml:mfrac>", "V/R"),
        (
            "<mml:mfrac><mml:mrow><mml:mi>p</mml:mi><mml:mo>+</mml:mo><mml:mn>1</mml:mn></mml:mrow>"
            "<mml:mrow><mml:mn>4</mml:mn><mml:mi>q</mml:mi></mml:mrow></mml:mfrac>",
            "(p+1)/(4q)",
        ),
        (
            "<mml:mmultiscripts><mml:mprescripts/><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mmultiscripts>",
            "₁²",
        ),
        (
            "<mml:mfrac><mml:mrow><mml:mo>(</mml:mo><mml:mi>a</mml:mi><mml:mo>+</mml:mo><mml:mi>b</mm"
            "l:mi><mml:mo>)</mml:mo><mml:mo>+</mml:mo><mml:mo>(</mml:mo><mml:mi>c</mml:mi><mml:mo>+</"
            "mml:mo><mml:mi>d</mml:mi><mml:mo>)</mml:mo></mml:mrow><mml:mn>2</mml:mn></mml:mfrac>",
            "((a+b)+(c+d))/2",
        ),
        (
            "<mml:msup><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac><mml:mn>2</mml:mn></mml:msup>",
            "(a/b)²",
        ),
        (
            "<mml:mroot><mml:mi>a</mml:mi><mml:mrow><mml:mi>b</mml:mi><mml:mo>+</mml:mo><mml:mn>1</mm"
            "l:mn></mml:mrow></mml:mroot>",
            "a^(1/(b+1))",
        ),
        (
            '<mml:mfrac linethickness="0"><mml:mi>c</mml:mi><mml:mi>d</mml:mi></mml:mfrac>',
            "(c over d)",
        ),
        ("<mml:mi>x</mml:mi><mml:mmultiscripts/>", "x"),
        ("<mml:mn>3</mml:mn><mml:mfrac><mml:mn>1</mml:mn><mml:mn>4</mml:mn></mml:mfrac>", "3 1/4"),
        ("<mml:mn>2</mml:mn><mml:mo>\u2062</mml:mo><mml:mn>7</mml:mn>", "2 7"),
        ("<mml:msup><mml:mn>10</mml:mn><mml:mn>6.5</mml:mn></mml:msup><mml:mi>M</mml:mi>", "10^6.5 M"),
        ("<mml:msup><mml:mn>10</mml:mn><mml:mrow><mml:mo>−</mml:mo><mml:mn>6</mml:mn></mml:mrow></mml:msup>", "10⁻⁶"),
        ("<mml:msup><mml:mi>b</mml:mi><mml:mi>n</mml:mi></mml:msup>", "b^n"),
        ("<mml:msup><mml:mi>b</mml:mi><mml:mo>′</mml:mo></mml:msup>", "b′"),
        ("<mml:msubsup><mml:mi>s</mml:mi><mml:mi>max</mml:mi><mml:mn>2</mml:mn></mml:msubsup>", "smax²"),
        ("<mml:msqrt><mml:mi>n</mml:mi><mml:mo>−</mml:mo><mml:mn>1</mml:mn></mml:msqrt>", "√(n−1)"),
        ("<mml:mroot><mml:mi>n</mml:mi><mml:mn>3</mml:mn></mml:mroot>", "n^(1/3)"),
        ("<mml:mfenced open='['><mml:mi>r</mml:mi><mml:mi>s</mml:mi></mml:mfenced>", "[r,s)"),
        (
            "<mml:mmultiscripts><mml:mi>C</mml:mi><mml:mprescripts/><mml:none/><mml:mn>13</mml:mn></mml:mmultiscripts>",
            "¹³C",
        ),
        ("<mml:mtable><mml:mtr><mml:mtd><mml:mi>u</mml:mi></mml:mtd></mml:mtr><mml:mtr/></mml:mtable>", "u;"),
        (
            "<mml:mi>u</mml:mi><mml:mtext> if  wet</mml:mtext><mml:mphantom><mml:mi>v</mml:mi></mml:mphantom>",
            "u if wet",
        ),
    ],
)
def test_a_formula_in_a_line_keeps_its_numbers_apart(source: str, text: str) -> None:
    assert caption_of(f"<p>is <mml:math>{source}</mml:math> so</p>") == f"is {text} so"


def test_tex_beside_mathml_is_left_out_whole() -> None:
    tex = r"<tex-math>$$7\,\upmu \hbox {L}$$</tex-math>"
    math = "<mml:math><mml:mn>7</mml:mn><mml:mi>μ</mml:mi><mml:mi>L</mml:mi></mml:math>"
    assert caption_of(f"<p><inline-formula>{tex}{math}</inline-formula></p>") == "7μL"
    assert caption_of(f"<p><inline-formula>{tex}</inline-formula></p>") == r"7\,\upmu \hbox {L}"


def test_pictured_formulas_leave_a_sign_and_no_hole() -> None:
    pictured = f"<inline-formula>{PICTURE}</inline-formula>"
    figure = captioned(f"<p>Rates {pictured} , {pictured} and {pictured} . Control (<inline-graphic/>).</p>")
    assert figure.caption == "Rates [formula], [formula] and [formula]. Control ([symbol])."
    assert set(marked(figure, Mark.FORMULA)) == {"[formula]", "[symbol]"}
    assert caption_of("<p>Open <inline-graphic><alt-text>circle</alt-text></inline-graphic>.</p>") == "Open circle."
    assert caption_of(f"<p>as <disp-formula>{graphic('e1')}</disp-formula> says</p>") == "as [formula] says"


def test_trap_41_lists_get_the_letters_that_are_numbering_only() -> None:
    items = "<list-item><p>The diagram.</p></list-item><list-item><p>Left panel.</p></list-item>"
    figure = captioned(f'<title>Cells</title><p><list list-type="alpha-upper">{items}</list></p>')
    assert figure.caption == "Cells (A) The diagram. (B) Left panel."
    assert marked(figure, Mark.GENERATED) == marked(figure, Mark.LABEL) == ["(A)", "(B)"]
    assert marked(figure, Mark.BLOCK) == ["Cells", "(A) The diagram.", "(B) Left panel."]
    assert caption_of(f'<p><list list-type="order">{items}</list></p>') == "(1) The diagram. (2) Left panel."
    assert caption_of(f'<p><list list-type="roman-lower">{items}</list></p>') == "(i) The diagram. (ii) Left panel."
    assert caption_of(f'<p><list list-type="bullet">{items}</list></p>') == "The diagram. Left panel."


def test_trap_41_labels_of_a_list_stand_as_written() -> None:
    items = "<list-item><label>a,</label><p>One.</p></list-item><list-item><label>b,</label><p>Two.</p></list-item>"
    figure = captioned(f'<p><list list-type="alpha-lower">{items}</list></p>')
    assert figure.caption == "a, One. b, Two."
    assert marked(figure, Mark.GENERATED) == []
    assert marked(figure, Mark.LABEL) == ["a,", "b,"]


def test_labels_and_blocks_of_a_caption_are_marked() -> None:
    lists = (
        "<list><list-item><label>B</label><p>Two <italic>roots</italic>.</p><p>Both dry.</p></list-item>"
        "<list-item><p>A leaf.</p></list-item></list>"
        "<def-list><def-item><term><bold>C</bold></term><def><p>Three seeds.</p></def></def-item></def-list>"
    )
    figure = captioned(f"<title>Plants</title><p>In spring:{lists}in one pot.</p><p>Bar, 1 m.</p>")
    assert figure.caption == ("Plants In spring: B Two roots. Both dry. A leaf. C Three seeds. in one pot. Bar, 1 m.")
    assert marked(figure, Mark.LABEL) == ["B", "C"]
    blocks = [
        "Plants",
        "In spring:",
        "B Two roots.",
        "Both dry.",
        "A leaf.",
        "C Three seeds.",
        "in one pot.",
        "Bar, 1 m.",
    ]
    assert marked(figure, Mark.BLOCK) == blocks
    assert marked(figure, Mark.TITLE) == ["Plants"]
    assert marked(figure, Mark.BOLD) == ["C"]


def test_a_caption_of_one_block_has_none_marked() -> None:
    assert marked(captioned("<p>One <bold>alone</bold>.</p>"), Mark.BLOCK) == []
    assert marked(captioned("<p>One alone.</p><p>doi: 10.1000/xyz.f1</p>"), Mark.BLOCK) == []


def test_trap_42_source_data_in_the_caption_is_left_out() -> None:
    data = (
        '<supplementary-material id="sd1"><label>Figure 2—source data 1.</label>'
        '<caption><title>List of reporters.</title></caption><media xlink:href="sd1.xlsx"/></supplementary-material>'
    )
    figure = captioned(f"<title>Expression.</title><p>Cells.</p><p>{data}</p>")
    assert figure.caption == "Expression. Cells."


def test_trap_43_credits_and_descriptions_have_fields_of_their_own() -> None:
    (figure,) = figures(
        fig(
            "<object-id>10.1/f1</object-id><label>Figure 1</label>"
            '<caption><p>Cells.</p><p specific-use="attrib">Photo: A. Author</p></caption>'
            "<alt-text>Round things</alt-text><long-desc>Long.</long-desc><attrib>Source: B.</attrib>"
            f"<permissions><copyright-statement>© C</copyright-statement></permissions>{graphic('f1')}"
        )
    )
    assert (figure.label, figure.caption, figure.alt_text) == ("Figure 1", "Cells.", "Round things")
    assert (figure.attrib, figure.permissions) == ("Source: B. Photo: A. Author", "© C")


@pytest.mark.parametrize(
    "legend",
    [
        "Abbreviations: OA, oak.",
        "Notes: dry years only.",
        "Red = oak.",
        "(B) Ash.",
        "OA, oak; AS, ash.",
        "*Only the oaks of one valley.",
        "Error bars show the range of three summers.",
    ],
)
def test_a_legend_marked_as_attribution_is_of_the_caption(legend: str) -> None:
    figure = captioned(f'<p>Trees.</p><p specific-use="attrib">{legend}</p>')
    assert (figure.caption, figure.attrib) == (f"Trees. {legend}", None)


@pytest.mark.parametrize(
    "credit",
    ["Jane Roe", "Ministry of Forests of the State, 2011", "Fonte: elaborado pelo autor.", "Adapted from Roe (1998)."],
)
def test_a_credit_marked_as_attribution_is_none_of_the_caption(credit: str) -> None:
    figure = captioned(f'<p>Trees.</p><p specific-use="attrib">{credit}</p>')
    assert (figure.caption, figure.attrib) == ("Trees.", credit)


def test_trap_44_the_caption_of_the_graphic_is_a_fall_back() -> None:
    held = '<graphic xlink:href="f1"><caption><p>Held by the graphic.</p></caption></graphic>'
    (figure,) = figures(fig(f"<label>1</label>{held}"))
    assert (figure.caption, figure.caption_source) == ("Held by the graphic.", CaptionSource.GRAPHIC)
    (own,) = figures(fig(f"<caption><p>Own.</p></caption>{held}"))
    assert (own.caption, own.caption_source) == ("Own.", CaptionSource.FIGURE)
    (two,) = figures(fig(held + held.replace("Held", "Also held")))
    assert two.caption is None  # whose would it be?


def test_trap_45_the_article_s_language_first_the_others_apart() -> None:
    both = f'<caption xml:lang="en"><p>Map.</p></caption><caption xml:lang="pt"><p>Mapa.</p></caption>{graphic("f1")}'
    (figure,) = read(fig(both), attributes='xml:lang="pt"').figures
    assert figure.caption == "Mapa."
    assert [(o.language, o.caption) for o in figure.other_captions] == [("en", "Map.")]
    titled = captioned('<title>Map</title><trans-title xml:lang="pt">Mapa</trans-title><p>Of it.</p>')
    assert titled.caption == "Map Of it."
    assert [(o.language, o.caption) for o in titled.other_captions] == [("pt", "Mapa")]


@pytest.mark.parametrize(
    "inner",
    [
        "<caption><p>One.</p></caption><caption><p>Two.</p></caption>",
        "<label>Figure 1</label><label>Figure 2</label><caption><p>Two.</p></caption>",
        "<caption><p>Whose?</p></caption>" + graphic("f9") + plain_fig(2),
        graphic("f0") + "<label>Figure 1</label><caption><p>Whose?</p></caption>",
    ],
)
def test_two_figures_that_may_have_run_together_are_ambiguous(inner: str) -> None:
    figure = figures(fig(inner + graphic("f1")))[0]
    assert (figure.caption, figure.reason) == (None, FigureReason.AMBIGUOUS_CAPTION)


def test_trap_46_panel_marks_keep_their_markup_and_the_text_its_shape() -> None:
    figure = captioned("<p>(<bold>A</bold>) One, <bold> B</bold>, two (<italic>Top</italic>), (a-c).</p>")
    assert figure.caption == "(A) One, B, two (Top), (a-c)."
    assert marked(figure, Mark.BOLD) == ["A", "B"]
    assert marked(figure, Mark.ITALIC) == ["Top"]


def test_trap_47_panels_that_the_picture_lacks_split_nothing() -> None:
    found = figures(fig(f"<label>Figure 10</label><caption><p>(A) One. (B) Two.</p></caption>{graphic('f10')}"))
    assert [(f.caption, len(f.graphics)) for f in found] == [("(A) One. (B) Two.", 1)]


def test_trap_49_very_long_captions_are_kept_whole() -> None:
    words = " ".join(f"word{number}" for number in range(20_000))
    assert caption_of(f"<p>{words}</p>") == words


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a\u00a0b\u2009c\u202fd\n\t e", "a b c d e"),
        ("mito\u00adchondria zero\u200bwidth\ufeff f\u2061(x)", "mitochondria zerowidth f(x)"),
        ("one<break/>two", "one two"),
        ("  trimmed  ", "trimmed"),
        ("<bold> a </bold>b<italic> c</italic>", "a b c"),
    ],
)
def test_trap_50_white_space(source: str, text: str) -> None:
    assert caption_of(f"<p>{source}</p>") == text
    assert unicodedata.is_normalized("NFC", text)
