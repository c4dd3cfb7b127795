"""The caption splitter on captions as journals write them: which panels they name, and what text each panel gets."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.figures.captions import CaptionSplit, Style, split_caption, text_of, without
from pmc15m.figures.captions.tokens import JOINTS


def texts(caption: str, **given: object) -> dict[str, str]:
    split = split_caption(caption, **given)  # type: ignore[arg-type]
    return {label: text_of(caption, split.segments[label]) for label in split.labels}


def shared(caption: str, split: CaptionSplit) -> list[str]:
    return [caption[start:end] for start, end in split.shared]


@pytest.mark.parametrize(
    ("style", "caption"),
    [
        (Style.PAREN, "Growth of mice. (A) Weight. (B) Length."),
        (Style.BRACKET, "Growth of mice. [A] Weight. [B] Length."),
        (Style.HALF, "Growth of mice. A) Weight. B) Length."),
        (Style.COLON, "Growth of mice. A: Weight. B: Length."),
        (Style.DOT, "Growth of mice. A. Weight. B. Length."),
        (Style.COMMA, "Growth of mice. A, Weight. B, Length."),
        (Style.PAREN, "Growth of mice. （A） Weight. （B） Length."),
        (Style.PAREN, "Growth of mice.(A)Weight.(B)Length."),
        (Style.PAREN, "Growth of mice. (A, left) Weight. (B; top) Length."),
        (Style.PAREN, "Growth of mice. Panel (A) Weight. Panel (B) Length."),
    ],
)
def test_styles_of_markers(style: Style, caption: str) -> None:
    split = split_caption(caption)
    assert split.style is style
    assert texts(caption) == {"A": "Weight.", "B": "Length."}
    assert shared(caption, split) == ["Growth of mice."]


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("Growth. a The weight of mice. b The length. c, d The organs. e–g The tails.", "a b c d e f g"),
        ("Growth. (A–C) Weight. (D and E) Length. (F)-(H) Organs.", "A B C D E F G H"),
        ("Growth. (a to c) Weight. (d, e) Length.", "a b c d e"),
        ("Wings. (i) Dorsal view. (ii) Ventral view. (iii–v) Details.", "i ii iii iv v"),
        ("Holotype. 1 Head, dorsal view. 2 Head, ventral view. 3–4 Legs, in detail.", "1 2 3 4"),
        ("Holotype. 2A Head, dorsal view. 2B Head, ventral view. 2C Legs, in detail.", "A B C"),
        ("(A, B) The tissue. (A) Before. (B) After.", "A B"),
        ("Cells were imaged (A). (B) Nuclei. C: Counts of nuclei.", "A B C"),
        ("Detail of (A) the head, (A′) the eye and (B) the tail.", "A A′ B"),
    ],
)
def test_series_ranges_and_mixed_styles(caption: str, labels: str) -> None:
    assert split_caption(caption).labels == tuple(labels.split())


@pytest.mark.parametrize(
    "caption",
    [
        "",
        " ",
        "A single cell.",
        "Vitamin B and vitamin C in T cells; (h) hours, p < 0.05 (n = 3), M (marker), N (control).",
        "Bars with different letters (a, b, c) differ significantly (p < 0.05).",
        "The patient (T) and the control (N) were compared. A significant difference was found.",
        "A heat map of genes. A high value is red.",
        "Phylogeny of clade A. Hepatitis B virus is shown in blue.",
    ],
)
def test_letters_that_are_no_labels_do_not_split(caption: str) -> None:
    split = split_caption(caption)
    assert split.labels == ()
    assert shared(caption, split) == ([caption] if caption else [])


def test_sublabels_inside_panels_are_not_panels() -> None:
    caption = "(A) Cells with (i) DAPI and (ii) GFP. (B) Nuclei with (i) DAPI and (ii) GFP."
    assert texts(caption) == {"A": "Cells with (i) DAPI and (ii) GFP.", "B": "Nuclei with (i) DAPI and (ii) GFP."}
    nested = "A, Lungs of mice; normal (a), fibrotic (b), septic (c) and infected (d). B, Livers of mice."
    assert split_caption(nested).labels == ("A", "B")


def test_a_gap_in_the_letters_is_one_but_a_forgotten_first_label_is_inferred() -> None:
    caption = "Growth. (A) Weight. (B) Length. (D) Organs. (E) Tails."
    assert texts(caption) == {"A": "Weight.", "B": "Length.", "D": "Organs.", "E": "Tails."}
    assert texts("Growth. (B) Weight. (C) Length.") == {"A": "", "B": "Weight.", "C": "Length."}


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("Images of the pond in (a1), (b1) May, (a2), (b2) June and (a3), (b3) July.", "a1 a2 a3 b1 b2 b3"),
        (
            "Stems of four plants (A1–A3) at dawn, (B1–B3) at noon, and (C1–C3) at night.",
            "A1 A2 A3 B1 B2 B3 C1 C2 C3",
        ),
        ("Maps of the coast. (a1) Sand; (a2) mud. (b1) Sand in winter; (b2) mud in winter.", "a1 a2 b1 b2"),
        (
            "Tide at the pier. (A) Height before the storm. (A+) Height with the wall. (B) Speed before the "
            "storm. (B+) Speed with the wall.",
            "A A+ B B+",
        ),
        ("(A) Ponds with frogs (F) and newts. (B) Depth. (C) Width. (D) Area. (E) Age.", "A B C D E"),
        ("Mass of the shell (M) and the hull (H) by month (A) and by site (B).", "A B"),
        (
            "Sounds of the barn. a Calls of hens. b Calls of ducks. c Calls of geese. Birds were kept for 3 "
            "d and 6 d, and weighed",
            "a b c",
        ),
        ("(a) Height of oaks. (b) Height of elms. Bars with different letters (a–d) differ at p < 0.05.", "a b"),
        ("(A) Length of wings. (B) Length of legs. Means marked a, b and c differ significantly.", "A B"),
        ("Yields of rye. a Rye on sand. b Rye on clay. aWithout the first year. b12 plots were lost", "a b"),
        ("Plates of beetles. A: Head; B: Wing; C: Leg; D: Claw; F: Horn; G: Eye.", "A B C D F G"),
        ("(A) Nests. (B) Eggs. (C) Chicks. (E) Fledglings. (F) Adults.", "A B C E F"),
        ("Price of bread. Price as a function of a weight and b age of the flour. Error 2 cents", "a b"),
        ("Birds seen from a the hill, b the pier and c the tower.", "a b c"),
        (
            "Boats of the lake. A–B hulls: A oak hull B pine hull C sail D–E oars: D long oar E short oar.",
            "A B C D E",
        ),
        ("Road works in town A, Share of closed lanes; B, Plan of the streets. Red means closed.", "A B"),
        ("A, Count of swans. B, Count of ducks.", "A B"),
        ("Grain of the valley. Weights of A. oats B. barley C. millet after drying at low heat.", "A B C"),
        (
            "Link between rain in week 3 and floods in the upper town from week 5 to week 9 (A); and "
            "between rain in week 20 and floods in the lower town in week 26 (B).",
            "A B",
        ),
        ("Share of (3R)-(+) (a) and (3S)-(–) (b) linalool in basil.", "a b"),
        (
            "Tools of the mine. (a) Table of finds. (b) Shapes of the tools. They lay at the gate (a and "
            "d), the shaft (b and e), and the wall (c and f).",
            "a b",
        ),
        ("Colours of tulips (A for red, B for white, and C for striped ones) were taken from photographs.", "A B C"),
        (
            "Stones in thin section. (A-C) shows edges of chalk, flint and slate. Polish of the edges "
            "(grade no. 3, D-F) shows the scratches of these stones.",
            "A B C D E F",
        ),
        ("Marker levels rose in the liver (alkaline, A) and fell in the spleen (acid, B).", "A B"),
        ("Teeth of a saw. Dots mark rust. A and C: new blade. B and D. A used blade (side view).", "A B C D"),
        ("Paint of a fence. Key: A, green and glossy; B grey and dull.", "A B"),
        ("Height of the damsA) Before the flood. B) After the flood.", "A B"),
        (
            "Noise in four streets. (a)(c)(d) Loudness by hour at a school (a), a bank (c), and a park (d). "
            "(b) Speed of cars.",
            "a b c d",
        ),
        (
            "Milk of goats. (A) Map of the farm. (B) Goats from hills (C) and plains (P) of one herd. (C) "
            "Fat. (D) Protein.",
            "A B C D",
        ),
        ("Stains on cloth. MSC (1A) and AC (1B) on wool. Cotton was clean (C). Ink on linen (1D).", "A B C D"),
        ("The shore was cut into five zones (I, II, III, IV and V) from west to east.", ""),
        ("Plants of the dune were A. arenaria, B. maritima and C. edentula.", ""),
        ("Fungi such as B. cinerea and A. niger were grown on bread.", ""),
        (
            "The eyes of control mice (b) and of blind mice (a) were alike. Abbreviations: AC, anterior "
            "chamber; c, cornea; HD, hyaloid duct.",
            "a b",
        ),
        ("Growth of mice. (B) Weight. (C) Length.", "A B C"),
    ],
)
def test_label_sets_of_kinds_that_real_captions_have(caption: str, labels: str) -> None:
    assert set(split_caption(caption).labels) == set(labels.split())


def test_every_place_that_names_panels_is_a_marker_with_its_brackets_and_stop() -> None:
    caption = "Salt. (a)(c) Loss by day (Fig. 2a) in towns (port, a) and A–B (panel c). b. Map of a and c."
    split = split_caption(caption)
    places = sorted(marker.span for marker in (*split.markers, *split.references))
    assert [caption[start:end] for start, end in places] == ["(a)", "(c)", "a)", "(panel c)", "b.", "a and c"]


def test_a_letter_beside_a_symbol_is_no_marker_where_it_opens_a_sentence_elsewhere() -> None:
    caption = "Milk. (A) Map. (B) Goats from hills (C) and plains (P) of one herd. (C) Fat. (D) Protein."
    split = split_caption(caption)
    assert [m.span[0] for m in (*split.markers, *split.references) if "C" in m.labels] == [caption.index("(C) Fat")]


def spans(caption: str, kind: str, *pieces: str) -> list[tuple[int, int, str]]:
    return [(match.start(), match.end(), kind) for piece in pieces if (match := re.search(piece, caption))]


@pytest.mark.parametrize("caption", ["Shells of the bay A clams B snails", "Shells of the bay Aclams Bsnails"])
def test_labels_that_the_structure_states_name_panels(caption: str) -> None:
    assert split_caption(caption).labels == ()
    assert split_caption(caption, spans(caption, "label", "A(?= ?c)", "B(?= ?s)")).labels == ("A", "B")


def test_a_label_that_opens_a_block_is_a_marker() -> None:
    caption = "Views of the town A the hall from the south B the tower"
    assert split_caption(caption).labels == ()
    assert split_caption(caption, spans(caption, "block", "A the.*south", "B.*")).labels == ("A", "B")


def test_raised_letters_are_footnotes() -> None:
    caption = "Water in fruit. (a) Peel. (b) Flesh. c Mean of peel. d Mean of flesh."
    assert split_caption(caption).labels == ("a", "b", "c", "d")
    assert split_caption(caption, spans(caption, "sup", "c(?= M)", "d(?= M)")).labels == ("a", "b")


def test_species_in_italics_are_no_labels() -> None:
    caption = "Residues of A. lwoffii, and B. ovatus in one colour."
    assert split_caption(caption, spans(caption, "italic", r"A. \w+", r"B. \w+")).labels == ()


def test_bold_letters_of_a_range_stay_a_range() -> None:
    caption = "Genes. (A) Reporters. (B–D) Tests of each gene."
    bold = spans(caption, "bold", "A", "B", "D(?=\\))")
    assert split_caption(caption, bold).labels == ("A", "B", "C", "D")
    glued = "Plants. A, BLepidium at the pier C, DLepidium at the shore."
    assert split_caption(glued, spans(glued, "bold", "A, B", "C, D")).labels == ("A", "B", "C", "D")


def test_a_series_ends_at_its_gap() -> None:
    assert split_caption("Growth. (A) Weight. (B) Length. The genotypes were (K) and (W).").labels == ("A", "B")


def test_references_stay_where_they_are() -> None:
    caption = "Cells. (A) Control cells. (B) Treated cells after a day. (C) Quantification of the cells in (B)."
    assert texts(caption)["B"] == "Treated cells after a day."
    assert texts(caption)["C"] == "Quantification of the cells in (B)."
    pointed_at = {label for marker in split_caption(caption).references for label in marker.labels}
    assert "B" in pointed_at


def test_what_stands_with_a_label_in_its_brackets_goes_with_it() -> None:
    caption = (
        "Wool of three sheep. White wool took the dye (panel A). Black wool took hardly any (see panel B). Grey wool "
        "took most of all (cf. panel C)."
    )
    assert texts(caption) == {
        "A": "White wool took the dye",
        "B": "Black wool took hardly any",
        "C": "Grey wool took most of all",
    }


def test_brackets_in_the_other_case_name_panels_that_only_a_larger_group_names() -> None:
    caption = "Gulls at sea (A–D). Young birds were counted in spring (A, B) and old ones in autumn (c, d)."
    assert texts(caption)["C"] == texts(caption)["D"]
    assert "old ones" in texts(caption)["D"]
    assert "(c" not in " ".join(texts(caption).values())
    parts = "Gulls at sea. (A) Young birds by beak (a) and wing (b). (B) Old birds."
    assert split_caption(parts).labels == ("A", "B")
    assert "wing (b)" in texts(parts)["A"]


def test_a_label_whose_places_all_seem_to_point_is_told_at_the_likeliest() -> None:
    caption = (
        "Wear of a rope after a year at sea. (A) The rope at the harbour, drawn at half its size. (C) The rope at the "
        "mast. The frayed strands of the second rope are shown in (B)."
    )
    assert set(texts(caption)) == {"A", "B", "C"}
    assert all(texts(caption).values())


def test_a_label_in_the_legend_takes_its_sentence() -> None:
    caption = "Cells. (A) Control. (B) Treated. Scale bar in (A), 5 µm."
    assert texts(caption) == {"A": "Control. Scale bar in (A), 5 µm.", "B": "Treated."}


def test_markers_behind_their_text() -> None:
    caption = "CT of the chest in axial (a) and coronal (b) views of the left lung."
    assert texts(caption) == {
        "a": "CT of the chest in axial views of the left lung.",
        "b": "CT of the chest in coronal views of the left lung.",
    }
    split = split_caption(caption)
    assert text_of(caption, without(split.segments["b"], split.stems["b"])) == "coronal"
    assert text_of(caption, split.stems["b"]) == "CT of the chest in views of the left lung."


def test_items_that_are_one_subject_share_the_statement() -> None:
    caption = "Organs. Liver (a) and spleen (b) show necrosis."
    assert texts(caption) == {"a": "Liver show necrosis.", "b": "spleen show necrosis."}


def test_spans_without_others() -> None:
    assert without([(0, 10), (20, 30)], [(3, 5), (28, 40)]) == ((0, 3), (5, 10), (20, 28))
    assert without([(0, 10)], [(0, 10)]) == ()
    assert without([(5, 8), (0, 6)], []) == ((0, 8),)


def test_pieces_of_a_text_are_apart_by_single_blanks_and_those_that_touch_stay_together() -> None:
    assert text_of("Cells  of\nmice (A) and rats (B).", [(23, 27), (0, 14), (27, 27)]) == "Cells of mice rats"
    assert text_of("Cells (B).", [(9, 10), (0, 9)]) == "Cells (B)."
    assert text_of("Cells", []) == ""


KINDS = {
    "sentences that their markers close": (
        "Photograph of the hoof of a goat (A). Radiograph of the same hoof after trimming (B).",
        {"A": "Photograph of the hoof of a goat", "B": "same hoof after trimming", "-B": "Photograph"},
    ),
    "bare letters behind a group": (
        "Doors of the keep. A–B outer doors: A oak door B iron door C–D inner doors: C glass door D cellar door, seen "
        "from within",
        {"A": "oak door", "-A": "iron", "-B": "oak", "D": "cellar door", "-D": "glass"},
    ),
    "adjacent markers, and markers that close within": (
        "Frost. (a)(c) Depth of frozen soil against height, on grass (a) and on gravel (c). (b)(d) Days with frost "
        "against height, on grass (b) and on gravel (d).",
        {"a": "Depth of frozen soil", "-a": "gravel", "-c": "grass", "d": "Days with frost"},
    ),
    "a stem before markers that lead": (
        "Growth of reeds. (A) Counts of stems. Mean height after ten days against salt for (B) plot one, (C) plot two "
        "and (D) plot three.",
        {
            "B": "Mean height after ten days against salt for plot one",
            "D": "against salt for plot three",
            "-B": "plot two",
        },
    ),
    "a stem before markers that close": (
        "Radiographs of the hand of patient one (A), patient two (B), and patient three (C)",
        {"A": "Radiographs of the hand of patient one", "C": "Radiographs of the hand of patient three"},
    ),
    "a group, and markers that close within it": (
        "Cheese and time. (A, B) Weight of cheese from goats kept on a hill, daily values (A) and final value (B). "
        "(C, D) Weight of cheese from sheep kept in a valley, daily values (C) and final value (D).",
        {"B": "Weight of cheese from goats kept on a hill final value", "D": "sheep kept in a valley", "-D": "goats"},
    ),
    "a group, and markers that lead within it": (
        "(A) Number of chicks. (B, C) Weight of ducks fed with (B) oats and (C) peas.",
        {"B": "Weight of ducks fed with oats", "C": "Weight of ducks fed with peas", "-C": "oats"},
    ),
    "a title that ends in a range": (
        "Zinc is stored in the bark (A–C). Young bark holds little zinc (A). Old bark holds most of it (B). Dead bark "
        "has lost it (C).",
        {
            "A": "Young bark holds little zinc",
            "B": "Old bark holds most of it",
            "-A": "Zinc is stored",
            "-C": "Old bark",
        },
    ),
    "clauses that stand alone": (
        "Tumours were measured (A) and mice were weighed (B).",
        {"A": "Tumours were measured", "B": "mice were weighed", "-B": "Tumours"},
    ),
    "the last panel's own sentences": (
        "The press. (A) Two kinds of grapes. (B) Plan of the cellar. (C) Steps of the work for one barrel. Grapes are "
        "trodden and left for three days. When clear, the first juice is drawn off and kept.",
        {"C": "Grapes are trodden and left for three days."},
    ),
    "a legend behind the last panel": (
        "Cells of mice. (A) Nuclei of the liver. (B) Nuclei of the kidney. Data are means ± SD (n = 5). Abbreviations: "
        "WT, wild type; KO, knock-out.",
        {"B": "Nuclei of the kidney.", "-B": "Abbreviations"},
    ),
    "letters in brackets that are no panels": (
        "Milk. (A) Map of the farm. (B) Goats from hills (C) and plains (P) of one herd. (C) Fat. (D) Protein.",
        {"B": "one herd", "-C": "one herd"},
    ),
    "a sentence that points at a panel": (
        "Genes. (A) Heat map of genes. (B) Counts in cells of the genes in (A).",
        {"B": "Counts in cells of the genes in (A)."},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_whole_and_holds_nothing_of_other_panels(kind: str) -> None:
    caption, wanted = KINDS[kind]
    got = texts(caption)
    for label, words in wanted.items():
        if label.startswith("-"):
            assert words not in got[label[1:]]
        else:
            assert words in got[label]


def test_no_text_holds_a_marker_of_its_own_or_ends_in_a_joint() -> None:
    for caption, _ in KINDS.values():
        for label, text in texts(caption).items():
            assert f"({label})" not in text.removesuffix("in (A).")
            assert not re.search(r"(?:[,;:]|\b(?:and|or))$", text)


def test_a_marker_opens_a_sentence_without_a_stop_before_it() -> None:
    caption = "Fish. (A) Paths. (B) Angles of the fins. (C) Counts of fish by day (D) Weights of fish."
    assert texts(caption)["C"] == "Counts of fish by day"
    assert texts(caption)["D"] == "Weights of fish."


def test_opening_and_legend_are_shared() -> None:
    caption = "Growth of mice. Mice were fed. (A) Weight. (B) Length. Scale bar, 5 mm. Abbreviations: WT, wild type."
    split = split_caption(caption)
    assert texts(caption)["A"] == "Weight."
    assert shared(caption, split)[0] == "Growth of mice. Mice were fed."
    assert shared(caption, split)[-1].endswith("Abbreviations: WT, wild type.")


def test_abbreviations_do_not_end_sentences() -> None:
    caption = "Weeds. (A) S. pumila cf. Fig. 2 of Smith et al. 2001. (B) S. viridis."
    assert texts(caption) == {"A": "S. pumila cf. Fig. 2 of Smith et al. 2001.", "B": "S. viridis."}


def test_a_title_without_a_stop_stays_out_of_the_first_panel() -> None:
    caption = "Hospital admissions by age (A) Number of admissions. (B) Onset of symptoms."
    assert texts(caption) == {"A": "Number of admissions.", "B": "Onset of symptoms."}


def test_markup_comes_before_the_grammar() -> None:
    caption = "Enzyme map. A Mean pressure in mice. B-D Means in rats. Samples (a–h) differ."
    bold = [(12, 13, "bold"), (36, 39, "bold")]
    assert split_caption(caption, bold).labels == ("A", "B", "C", "D")
    glued = "Major groups: ALepidosperma inops BLepidosperma curtisiae"
    assert split_caption(glued).labels == ()
    assert texts(glued, markup=[(14, 15, "bold"), (34, 35, "bold")]) == {
        "A": "Major groups Lepidosperma inops",
        "B": "Major groups Lepidosperma curtisiae",
    }


def test_bold_words_that_are_no_series_change_nothing() -> None:
    caption = "Role of T cells. (a) Counts of T cells. (b) Counts of B cells."
    genes = [(8, 9, "bold"), (30, 31, "bold"), (50, 51, "bold")]
    assert split_caption(caption, genes).labels == split_caption(caption).labels == ("a", "b")


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        (
            "Knees. Left: before surgery. Right: after surgery.",
            {"left": "before surgery.", "right": "after surgery."},
        ),
        (
            "Knees of mice (top row) and rats (bottom row).",
            {"top": "Knees of mice", "bottom": "Knees of rats"},
        ),
    ],
)
def test_places_as_names(caption: str, expected: dict[str, str]) -> None:
    split = split_caption(caption)
    assert split.positional
    assert texts(caption) == expected


def test_one_place_alone_names_no_panels() -> None:
    assert split_caption("The left lung (left) is enlarged.").labels == ()
    assert split_caption("(A) The lung (left) and heart (right). (B) The liver.").labels == ("A", "B")


def test_certainty_tells_plain_captions_from_doubtful_ones() -> None:
    plain = split_caption("Growth of mice. (A) Weight. (B) Length. (C) Organs.")
    doubtful = split_caption("Areas of the tongue A, B and C were sampled in this order by d. and e.")
    assert plain.certainty > 0.95
    assert 0 <= doubtful.certainty < plain.certainty


captions = st.lists(
    st.sampled_from(
        [
            "(A)",
            "(B)",
            "(C, D)",
            "a",
            "b",
            "A.",
            "B:",
            "(i)",
            "in (A)",
            "and",
            "left:",
            "Right:",
            "mice",
            "Cells",
            ". ",
            "; ",
            ", ",
            "\n",
        ]
    )
    | st.text(max_size=5),
    max_size=25,
).map(" ".join)


@given(
    captions, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["bold", "italic", "sup"])))
)
@settings(max_examples=300, deadline=None)
def test_spans_are_pieces_of_the_caption(caption: str, markup: list[tuple[int, int, str]]) -> None:
    inside = [(a, b, kind) for a, b, kind in markup if a < b <= len(caption)]
    split = split_caption(caption, inside)
    assert split == split_caption(caption, inside)
    assert len(split.labels) != 1
    assert len(set(split.labels)) == len(split.labels)
    assert split.segments.keys() == split.stems.keys() == set(split.labels)
    for spans in [split.shared, *split.segments.values(), *split.stems.values()]:
        assert all(0 <= start < end <= len(caption) for start, end in spans)
        assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert 0 <= split.certainty <= 1
    if not split.labels:
        assert "".join(caption[a:b] for a, b in split.shared) == caption


@given(captions)
@settings(max_examples=200, deadline=None)
def test_no_word_is_lost(caption: str) -> None:
    """Every word is in a segment, the shared text or a marker (joints such as "and" aside)."""
    split = split_caption(caption)
    kept = bytearray(len(caption))
    spans = [*split.shared, *(m.span for m in (*split.markers, *split.references))]
    for text in split.segments.values():
        spans += text
    for start, end in spans:
        kept[start:end] = b"\1" * (end - start)
    lost = "".join(c if not k else " " for c, k in zip(caption, kept, strict=True))
    assert {word.lower() for word in re.findall(r"\w+", lost)} <= JOINTS or not split.labels


def test_a_trace_of_labels_makes_it_doubtful_that_there_are_none() -> None:
    silent, trace = (
        split_caption(text) for text in ("Growth of mice.", "Growth of mice (panel A) by age. Their length.")
    )
    assert silent.labels == trace.labels == ()
    assert silent.certainty > 0.8 > 0.5 > trace.certainty
