"""What stands in a caption and does not speak of the picture: out of its text, in `caption_asides`."""

import pytest

from pmc15m.jats import Aside, AsideKind, Figure, FigureReason, Mark, Rights
from tests.jats.made import caption_of, fig, figures, graphic

MATTER = "Seeds of three oaks (A) and (B)."
REFERENCE = '<xref ref-type="bibr" rid="r1">{}</xref>'


def captioned(caption: str, label: str = "Figure 2") -> Figure:
    (figure,) = figures(fig(f"<label>{label}</label><caption>{caption}</caption>{graphic('f1')}"))
    return figure


@pytest.mark.parametrize(
    ("kind", "aside"),
    [
        (AsideKind.CREDIT, "Reprinted with kind permission from Doe et al. (2011), Springer."),
        (AsideKind.CREDIT, "Photos were reproduced from Roe [12]."),
        (AsideKind.CREDIT, "Redrawn after Doe (1987)."),
        (AsideKind.CREDIT, "The map was adapted with permission from E. F. Roe, U.S. Forest Service."),
        (AsideKind.CREDIT, "Micrographs courtesy of A. B. Doe."),
        (AsideKind.CREDIT, "Image credit: Jane Doe."),
        (AsideKind.CREDIT, "Photograph by Jane Doe."),
        (AsideKind.CREDIT, "Copyright 2014, The Oak Society."),
        (AsideKind.CREDIT, "© 2017 Wiley Periodicals."),
        (AsideKind.CREDIT, "Source: Ministry of Forests (2009, p. 12)."),
        (AsideKind.CREDIT, "(From Doe; used with permission)."),
        (AsideKind.LINK, "DOI: http://dx.doi.org/10.1000/oak.0005.003"),
        (AsideKind.LINK, "https://example.org/oaks?x=1"),
        (AsideKind.LINK, "All spectra can be found at https://example.org/oaks/."),
        (AsideKind.LINK, "A colour version of the figure is freely available online."),
        (AsideKind.LINK, "[Color figure can be viewed at wileyonlinelibrary.com]"),
        (AsideKind.LINK, "(For interpretation of the references to color in this figure, see the web version.)"),
        (AsideKind.FILE, "Source data are available online for this figure."),
        (AsideKind.FILE, "The raw data of all trees are provided in Additional file 3."),
        (AsideKind.FILE, "Click here for additional data file."),
        (AsideKind.FILE, "Figure 2—source data 1."),
        (AsideKind.LABEL, "Figure legend."),
    ],
)
@pytest.mark.parametrize("form", ["<p>{0} {1}</p>", "<p>{0}</p><p>{1}</p>", "<title>{0}</title>{1}"])
def test_a_sentence_about_something_else_is_an_aside(kind: AsideKind, aside: str, form: str) -> None:
    figure = captioned(form.format(MATTER, aside))
    assert figure.caption == MATTER
    assert figure.caption_asides == (Aside(len(MATTER), aside, kind),)


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("Leaves (www.example.org/a) and bark (adapted from Doe (2001)), at noon.", "Leaves and bark, at noon."),
        ("a) Leaf. Reproduced with permission. Copyright 2011, Oaks. b) Bark.", "a) Leaf. b) Bark."),
        ("Leaf. a) Reproduced with permission. b) Reproduced with permission.", "Leaf."),
        ("By Doe et al. Reproduced with permission.7, 8 Copyright 2011, Oaks. Bark.", "By Doe et al. Bark."),
        ("(Photographers: A. Doe, B. Roe). Leaf and bark.", "Leaf and bark."),
        ("Leaf and bark © 2017 Oak Society.", "Leaf and bark"),
    ],
)
def test_what_is_left_reads_on(caption: str, text: str) -> None:
    assert captioned(f"<p>{caption}</p>").caption == text


@pytest.mark.parametrize(
    "caption",
    [
        "Leaf (c) 2016 and bark (d) 2017.",
        "Light source: red diodes. Power from the grid is available in winter.",
        "Images: left, leaf; right, bark.",
        "Data from the https://example.org/oaks archive, by year.",
        "Trees adapted to drought, reproduced by seed, used after a year.",
        "Modified vectors, printed in bold.",
        "Adapted after two weeks of frost, oaks lose no leaf.",
        "Copyright law and forests in four states.",
        "Carbon of oaks. Source: bark extract. Sink: roots.",
        "Individual data points are included for every oak.",
        "Raw data are provided as means (n = 3) and are included for all oaks.",
        "Additional data points (open circles) are from a second run.",
        "Values reproduced here were found in the supplement. Here, data are means.",
    ],
)
def test_a_sentence_about_the_picture_stays(caption: str) -> None:
    assert captioned(f"<p>{caption}</p>").caption == caption


def test_a_marker_stays_before_what_goes_on_about_its_panel() -> None:
    assert (
        captioned("<p>(A) Oaks.</p><p>(B) Adapted from Doe (2010). Ash trees.</p>").caption
        == "(A) Oaks. (B) Ash trees."
    )
    assert captioned("<p>Oaks. a) Reprinted from Doe. b) Reprinted from Roe.</p>").caption == "Oaks."


def test_a_label_in_the_caption_of_the_group_is_none_of_the_figures() -> None:
    oaks = fig(f"<caption><p>Oaks.</p></caption>{graphic('f1')}")
    (figure,) = figures(f"<fig-group><caption><p>Figure 3. Trees.</p></caption>{oaks}</fig-group>")
    assert figure.derived_label is None


@pytest.mark.parametrize(
    ("label", "caption", "text"),
    [
        ("Figure 2", "Figure 2. Figure 2 Growth of oaks.", "Growth of oaks."),
        ("Figure 2.", "Fig. 2 Growth of oaks.", "Growth of oaks."),
        ("FIG. 2", "<bold>Figure 2:</bold> growth of oaks.", "growth of oaks."),
        ("Scheme 2", "Scheme 2 – Growth of oaks.", "Growth of oaks."),
        ("Figure 2", "Figure 2 shows growth of oaks.", None),
        ("Figure 2", "Figure 2 and its inset.", None),
        ("Figure 2", "Figure 3. Growth of oaks.", None),
        ("Figure 2", "Figure 2A. Growth of oaks.", None),
        ("Figure 2", "Figure 2.", None),
    ],
)
def test_the_label_is_not_repeated(label: str, caption: str, text: str | None) -> None:
    figure = captioned(f"<p>{caption}</p>", label)
    assert figure.caption == (text or caption)
    assert [aside.kind for aside in figure.caption_asides] == ([AsideKind.LABEL] if text else [])


@pytest.mark.parametrize(
    ("source", "text", "references"),
    [
        ("oaks<sup>" + REFERENCE.format(12) + "</sup> grow", "oaks grow", ["12"]),
        ("oaks " + REFERENCE.format("<sup>12</sup>") + ", ash", "oaks, ash", []),
        ("in 2015<sup>12,13</sup> oaks", "in 2015 oaks", ["12,13"]),
        ("of Galileo.<sup>3–5</sup> Then", "of Galileo. Then", ["3–5"]),
        ("oaks<sup>" + REFERENCE.format(4) + "," + REFERENCE.format(6) + "</sup>.", "oaks.", ["4,6"]),
        ("Oak Letters 2015" + REFERENCE.format(18) + ".", "Oak Letters 2015.", ["18"]),
        ("oaks." + REFERENCE.format(18) + ", " + REFERENCE.format(19) + " Ash", "oaks. Ash", ["18, 19"]),
        ("oaks \n<sup>\n" + REFERENCE.format(7) + "\n</sup>\n, ash", "oaks, ash", ["7"]),
        ("oaks [" + REFERENCE.format(18) + "," + REFERENCE.format(19) + "]", "oaks [18,19]", []),
        ("oaks (" + REFERENCE.format(1) + "–" + REFERENCE.format(3) + ")", "oaks (1–3)", []),
        ("oaks of kind<sup>b," + REFERENCE.format(12) + "</sup> grow", "oaks of kind^(b,) grow", ["12"]),
        ("at 10 kg<sup>-1" + REFERENCE.format(12) + "</sup> soil", "at 10 kg^-1 soil", ["12"]),
        ("see ref.<sup>" + REFERENCE.format(18) + "</sup>", "see ref.¹⁸", []),
        ("oaks of " + REFERENCE.format("Doe, 2015"), "oaks of Doe, 2015", []),
        ("Oak3<sup>12–180</sup>, m<sup>2</sup>", "Oak3¹²–¹⁸⁰, m²", []),
    ],
)
def test_numbers_of_references_are_left_out(source: str, text: str, references: list[str]) -> None:
    figure = captioned(f"<p>{source}</p>")
    if references:
        assert figure.caption == text
    else:
        assert (figure.caption or "").replace(" ¹²", "") == text
    assert [aside.text for aside in figure.caption_asides] == references


def test_the_spans_of_what_is_left_move_with_it() -> None:
    figure = captioned(
        "<title>Figure 2. <bold>Oak</bold> (www.example.org)</title><p>Photo: J. Doe.</p>"
        "<p>Has <italic>leaves</italic><sup>1,2</sup> and m<sup>2</sup>.</p>"
    )
    text = figure.caption or ""
    assert text == "Oak Has leaves and m²."
    assert figure.title == "Oak"
    assert [(text[span.start : span.end], span.kind) for span in figure.caption_markup] == [
        ("Oak", Mark.BOLD),
        ("Oak", Mark.TITLE),
        ("Oak", Mark.BLOCK),
        ("Has leaves and m².", Mark.PARAGRAPH),
        ("Has leaves and m².", Mark.BLOCK),
        ("leaves", Mark.ITALIC),
        ("²", Mark.SUP),
    ]
    assert [(aside.place, aside.kind) for aside in figure.caption_asides] == [
        (0, AsideKind.LABEL),
        (3, AsideKind.LINK),
        (3, AsideKind.CREDIT),
        (14, AsideKind.REFERENCE),
    ]


@pytest.mark.parametrize("caption", ["Click here for additional data file.", "Photo: J. Doe.", "Graphical abstract"])
def test_a_caption_of_asides_alone_is_none(caption: str) -> None:
    figure = captioned(f"<p>{caption}</p>")
    assert (figure.caption, figure.title, figure.reason) == (None, None, FigureReason.BOILERPLATE_CAPTION)
    assert [aside.text for aside in figure.caption_asides] == [caption]


def test_rights_are_read_from_asides_and_those_of_the_group_have_no_place() -> None:
    child = fig(f"<label>(a)</label><caption><p>Oak.</p></caption>{graphic('f1')}")
    group = "<caption><p>Trees. Reproduced with permission from Doe.</p></caption>"
    (figure,) = figures(f"<fig-group>{group}{child}</fig-group>")
    assert (figure.group_caption, figure.caption) == ("Trees.", "Oak.")
    assert figure.caption_asides == (Aside(None, "Reproduced with permission from Doe.", AsideKind.CREDIT),)
    assert figure.rights == (Rights.PERMISSION_PHRASE,)


def test_running_text_keeps_its_references_raised() -> None:
    body = "<p>As in 2015<sup>12,13</sup> (<xref ref-type='fig' rid='F1'>Fig. 1</xref>) at 10<sup>2.5</sup> m.</p>"
    (figure,) = figures(body + fig(f"<caption><p>Oak.</p></caption>{graphic('f1')}"))
    assert figure.mentions[0].sentence == "As in 2015¹²,¹³ (Fig. 1) at 10^2.5 m."
    assert caption_of("<p>As in 2015<sup>12,13</sup>.</p>") == "As in 2015."
