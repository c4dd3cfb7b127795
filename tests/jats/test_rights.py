"""Which words of a figure say that the article's licence may not cover it."""

import pytest

from pmc15m.jats import Rights
from pmc15m.jats.rights import rights_of

MATTER = "Flowers of the lime tree in June."


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (Rights.TAKEN, "Adapted from Roe and Doe (2003)."),
        (Rights.TAKEN, "Panel B was slightly modified from [7]."),
        (Rights.TAKEN, "Leaf outline, redrawn and simplified from a textbook."),
        (Rights.TAKEN, "Redrawn after Roe."),
        (Rights.TAKEN, "Branches of the crown (modified after Roe et al., 1998)."),
        (Rights.TAKEN, "Distribution of limes (after Roe & Doe 1976)."),
        (Rights.TAKEN, "Taken from reference 4."),
        (Rights.TAKEN, "Outline of a leaf (from ref. [4])."),
        (Rights.TAKEN, "The photographs are taken from Roe [9]."),
        (Rights.TAKEN, "Retrieved from [31]."),
        (Rights.TAKEN, "Pictures from the museum of the town."),
        (Rights.TAKEN, "Reproduced in part from ref. 12, under CC BY 4.0."),
        (Rights.TAKEN, "Reprinted from our earlier work [8]."),
        (Rights.TAKEN, "Source: Roe et al., 2011."),
        (Rights.TAKEN, "Fonte: Adaptado de Roe (2011)."),
        (Rights.TAKEN, "Modificado de Roe y Doe (1990)."),
        (Rights.TAKEN, "Tomado de Roe et al. (2008)."),
        (Rights.TAKEN, "Adapté de Roe (1987)."),
        (Rights.TAKEN, "Modifiziert nach Roe (1987)."),
        (Rights.CREDIT, "Image courtesy of J. Roe, University of Limes."),
        (Rights.CREDIT, "Micrographs by courtesy of Jane Roe."),
        (Rights.CREDIT, "Photograph by Jane van Roe."),
        (Rights.CREDIT, "Photos taken by J. K. Roe."),
        (Rights.CREDIT, "Photo credit: Forest Service."),
        (Rights.CREDIT, "Drawing: Jane Roe"),
        (Rights.CREDIT, "ILLUSTRATION: JANE ROE"),
        (Rights.CREDIT, "Foto: João Roe."),
        (Rights.CREDIT, "Imagem: cortesia de João Roe."),
        (Rights.CREDIT, "Ilustrações de João da Roe."),
        (Rights.PERMISSION_PHRASE, "Used with the kind permission of the Lime Society."),
        (Rights.PERMISSION_PHRASE, "Reproduced under licence from Limes Ltd."),
        (Rights.PERMISSION_PHRASE, "Published with the consent of the publisher."),
        (Rights.PERMISSION_PHRASE, "Reproduzido com permissão da editora."),
        (Rights.COPYRIGHT_NOTICE, "Copyright 2011, Lime Society."),
    ],
)
def test_what_is_of_others_is_told(sign: Rights, words: str) -> None:
    assert rights_of([f"{MATTER} {words}"], None) == (sign,)
    assert rights_of([MATTER, words], None) == (sign,)


@pytest.mark.parametrize(
    "words",
    [
        "Photographs included with consent of the patient.",
        "Published with written permission of the child's parents.",
        "Mice were kept with permission of the ethics committee.",
        "Buds were collected with permission of the park.",
        "Modified from our previous work.",
        "Photos from this study.",
        "Photographs by the authors.",
        "Image courtesy of the first author.",
        "Fonte: elaboração própria.",
        "Source: Ministry of Forests, 2011.",
        "Limes adapted to shade, and modified after treatment.",
        "Adapted after two weeks of frost, limes bloom.",
        "Modified after Week 3.",
        "The protocol was modified from Roe et al. (2001).",
        "Boundaries (dashed) are taken from ref. 4.",
        "Plasmids were a gift, courtesy of J. Roe.",
        "Images were taken from 2011 to 2014.",
        "Leaves were taken from the crown of limes.",
        "Images by Light Microscopy, photographs by Canon EOS.",
        "Photos: Left, flower; right, leaf.",
        "Maps from left to right, by year.",
        "Values derived from Roe et al. (2001) are shown beside ours.",
        "Light source: red diodes.",
        "Flow at 3 m s⁻¹, images obtained from runs of 2 s⁻¹.",
        "Copyright law in four states.",
        "Permission was not required.",
    ],
)
def test_what_is_of_the_authors_or_no_picture_is_no_sign(words: str) -> None:
    assert rights_of([f"{MATTER} {words}"], None) == ()


def test_signs_come_once_and_in_one_order() -> None:
    texts = ["Photo: Jane Roe. Reproduced with permission from [3]. © 2011 Roe. Adapted from [4].", "Photo by J. Roe."]
    assert rights_of(texts, "© Roe") == tuple(Rights)
