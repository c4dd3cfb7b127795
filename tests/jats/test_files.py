"""Traps 1 to 17: from a graphic to a file."""

import pytest

from pmc15m.jats import FileNames, NoFile, Step, resolve_graphic
from tests.jats.made import fig, figures, graphic, plain_fig


def found(href: str, *names: str) -> str | None:
    return resolve_graphic(href, names).name


def reason(href: str, *names: str) -> NoFile | None:
    return resolve_graphic(href, names).reason


@pytest.mark.parametrize(
    ("href", "name", "step"),
    [
        ("f1.jpg", "f1.jpg", Step.EXACT),
        ("f%201.jpg", "f 1.jpg", Step.BASENAME),
        ("F1.JPG", "f1.jpg", Step.CASEFOLDED),
        ("f1", "f1.jpg", Step.STEM),
    ],
)
def test_trap_1_href_with_or_without_extension(href: str, name: str, step: Step) -> None:
    resolution = resolve_graphic(href, [name, "f10.jpg", "f2.jpg"])
    assert (resolution.name, resolution.step, resolution.reason) == (name, step, None)


def test_trap_1_two_hits_are_ambiguous_and_never_a_guess() -> None:
    assert reason("Fig1.jpg", "fig1.JPG", "FIG1.jpg") is NoFile.AMBIGUOUS
    assert reason("fig1", "a/fig1.jpg", "b/fig1.jpg") is NoFile.AMBIGUOUS
    assert found("fig1.jpg", "fig1.jpg", "FIG1.jpg") == "fig1.jpg"  # the exact name is no guess
    assert reason("fig1", "fig1.jpg.jpg") is NoFile.MISSING  # nothing is appended blindly


def test_trap_2_tif_in_the_xml_jpg_among_the_files() -> None:
    assert found("f1.tif", "f1.jpg", "f1.gif") == "f1.jpg"
    assert found("f1.tif", "f1.gif", "f1.png", "f1.webp") == "f1.png"
    assert found("f1.eps", "f1.eps", "f1.jpg") == "f1.jpg"  # a picture before what is none


def test_trap_3_stems_with_dots() -> None:
    assert found("pone.0000133.g001", "pone.0000133.g001.jpg", "pone.0000133.jpg") == "pone.0000133.g001.jpg"
    assert found("pone.0000133.g001.tif", "pone.0000133.g001.jpg") == "pone.0000133.g001.jpg"


@pytest.mark.parametrize(("href", "other"), [("a_fig1", "a_fig18.jpg"), ("Fig1", "Fig10.jpg"), ("f1", "f1a.jpg")])
def test_trap_4_a_prefix_is_no_match(href: str, other: str) -> None:
    assert reason(href, other) is NoFile.MISSING
    assert found(href, other, f"{href}.jpg") == f"{href}.jpg"


@pytest.mark.parametrize(
    "attributes",
    [
        'mimetype="image" id="g1" position="float" xlink:href="f1.jpg"',
        'xmlns:ns1="http://www.w3.org/1999/xlink" id="g1" ns1:href="f1.jpg"',
        'id="g1" href="f1.jpg"',
    ],
)
def test_trap_5_the_href_by_its_namespace_wherever_it_stands(attributes: str) -> None:
    (figure,) = figures(fig(f"<caption><p>C.</p></caption><graphic {attributes}/>"))
    assert [g.href for g in figure.graphics] == ["f1.jpg"]


def test_trap_6_plos_addresses() -> None:
    href = "info:doi/10.1371/journal.pone.0038869.g001"
    assert resolve_graphic(href, ["pone.0038869.g001.tif"]).name == "pone.0038869.g001.tif"
    assert resolve_graphic(href, ["journal.pone.0038869.g001.png"]).name == "journal.pone.0038869.g001.png"
    assert resolve_graphic("journal.pone.1.g001.tif", ["pone.1.g001.tif"]).step is Step.PLOS


@pytest.mark.parametrize(
    "href",
    ["https://minio.scielo.br/store/0034/f1.jpg?x=1#y", "media/images/f1.jpg", "..\\..\\f1.jpg", "C:\\pics\\f1.jpg"],
)
def test_trap_7_paths_and_urls_are_looked_up_by_their_last_part(href: str) -> None:
    assert found(href, "f1.jpg") == "f1.jpg"


def test_trap_7_another_host_is_external_and_no_path_is_returned() -> None:
    assert reason("https://example.org/f9.jpg", "f1.jpg") is NoFile.EXTERNAL
    assert reason("../../etc/passwd", "f1.jpg") is NoFile.MISSING


def test_trap_8_an_empty_href_is_dropped_and_its_siblings_stay() -> None:
    (figure,) = figures(fig(f"<caption><p>C.</p></caption>{graphic('')}{graphic('f1b')}"))
    assert [g.href for g in figure.graphics] == ["", "f1b"]
    assert reason("", "f1.jpg") is NoFile.EMPTY
    (figure,) = figures(
        fig(f"<caption><p>C.</p></caption><alternatives>{graphic('')}{graphic('f1.jpg')}</alternatives>")
    )
    assert [(g.href, g.alternatives) for g in figure.graphics] == [("f1.jpg", ())]


@pytest.mark.parametrize(
    ("href", "name"),
    [("f1.JPG", "f1.jpg"), ("Fig%201", "fig 1.PNG"), ("Abbildung_a\u0308", "Abbildung_\xe4.jpg"), ("é.jpg", "É.jpg")],
)
def test_trap_9_case_blanks_and_unicode(href: str, name: str) -> None:
    assert found(href, name, "other.jpg") == name


@pytest.mark.parametrize(
    ("renditions", "best"),
    [
        (graphic("a.jpg") + graphic("b.jpg", 'specific-use="scielo-web" content-type="scielo-267x140"'), "a.jpg"),
        (graphic("b.jpg", 'specific-use="thumbnail"') + graphic("a"), "a"),
        (graphic("PB", 'specific-use="print-only" content-type="black-white"') + graphic("OC"), "OC"),
        (graphic("a.eps") + graphic("a.png"), "a.png"),
        (graphic("a.tif") + graphic("a.jpg"), "a.tif"),
    ],
)
def test_trap_10_alternatives_are_one_picture(renditions: str, best: str) -> None:
    (figure,) = figures(fig(f"<caption><p>C.</p></caption><alternatives>{renditions}</alternatives>"))
    (picture,) = figure.graphics
    assert picture.href == best
    assert len(picture.alternatives) == 1


def test_trap_9_an_address_and_a_name_with_percent_signs_are_never_mixed_up() -> None:
    assert found("a b.jpg", "a b.jpg", "a%20b.jpg") == "a b.jpg"
    assert reason("a%20b.jpg", "a b.jpg", "a%20b.jpg") is NoFile.AMBIGUOUS
    assert found("a%20b.jpg", "a%20b.jpg", "c.jpg") == "a%20b.jpg"
    assert found("a%20b.jpg", "a b.jpg", "c.jpg") == "a b.jpg"


def test_trap_10_another_rendition_is_taken_only_if_the_first_has_no_file() -> None:
    files = FileNames(["a.jpg", "small.jpg"])
    assert resolve_graphic("a.tif", files, ["small.jpg"]).name == "a.jpg"
    assert resolve_graphic("z.tif", files, ["small.jpg"]).name == "small.jpg"


def test_trap_11_several_graphics_are_all_kept_in_order() -> None:
    (figure,) = figures(fig(f"<caption><p>C.</p></caption>{graphic('gr3a')}<p>{graphic('gr3b')}</p>{graphic('gr3c')}"))
    assert [(g.index, g.href) for g in figure.graphics] == [(0, "gr3a"), (1, "gr3b"), (2, "gr3c")]


def test_trap_12_letters_of_files_are_pieces_not_panels() -> None:
    pieces = "".join(graphic(f"g004{letter}") for letter in "abcd")
    (figure,) = figures(fig(f"<caption><p>(a) One, (b) two, (c) three, … (f) six.</p></caption>{pieces}"))
    assert len(figure.graphics) == 4
    assert figure.caption == "(a) One, (b) two, (c) three, … (f) six."  # undivided: one caption for all four


def test_trap_13_a_gif_never_wins() -> None:
    assert found("gr1_lrg", "gr1_lrg.gif", "gr1_lrg.jpg") == "gr1_lrg.jpg"
    assert found("gr1_lrg", "gr1_lrg.gif", "gr1_lrg.tif") == "gr1_lrg.tif"
    assert found("gr1_lrg", "gr1_lrg.gif") == "gr1_lrg.gif"


def test_trap_14_the_owner_of_a_graphic_is_its_nearest_figure() -> None:
    inner = fig(f"<caption><p>Inner.</p></caption>{graphic('in')}", "F1s1")
    outer, nested = figures(fig(f"<caption><p>Outer.</p></caption>{graphic('out')}<p>{inner}</p>"))
    assert [g.href for g in outer.graphics] == ["out"]
    assert [g.href for g in nested.graphics] == ["in"]
    twice = figures(
        fig(f"<caption><p>A.</p></caption>{graphic('x')}", "a")
        + fig(f"<caption><p>B.</p></caption>{graphic('x')}", "b")
    )
    assert [(f.caption, f.graphics[0].href) for f in twice] == [("A.", "x"), ("B.", "x")]


def test_trap_15_a_missing_file_has_a_reason() -> None:
    resolution = resolve_graphic("f1", [])
    assert (resolution.name, resolution.reason, resolution.href) == (None, NoFile.MISSING, "f1")


def test_trap_16_extensions_of_their_own() -> None:
    assert found("pone.1.g001", "pone.1.g001.PNG_S", "pone.1.g001.PNG_L", "pone.1.g001.PNG_M") == "pone.1.g001.PNG_L"
    assert found("030213v1_fig1", "030213v1_fig1", "030213v1_fig10") == "030213v1_fig1"  # bioRxiv: no extension


def test_trap_17_a_rarer_picture_wins_over_a_gif() -> None:
    assert found("f1", "f1.webp", "f1.gif") == "f1.webp"


def test_a_figure_never_takes_the_file_of_its_neighbour() -> None:
    files = FileNames(["f2.jpg", "f3.jpg"])
    names = [resolve_graphic(f.graphics[0].href, files).name for f in figures(plain_fig(1) + plain_fig(2))]
    assert names == [None, "f2.jpg"]
