"""The fits of `models.captions`: what becomes an example, and what is learned from it."""

from models.captions.annotated import Captioned, Example, fit
from models.captions.legend import legend_examples
from models.captions.subcaptions import likeness


def test_likeness_is_one_less_the_edits_a_letter_of_the_longer_text():
    assert likeness("cells  before", "cells before") == 1
    assert likeness("kitten", "sitting") == 1 - 3 / 7
    assert likeness("", "cells") == 0


def test_the_fit_finds_which_trait_tells():
    told = [Example({"tells": n % 2, "noise": n % 3 == 0}, bool(n % 2), str(n % 5), 1.0) for n in range(60)]
    weights = fit(told)
    assert weights["tells"] > 2 > 0.5 > abs(weights["noise"])


def test_sentences_behind_the_last_marker_become_examples():
    text = "Mice. (A) Weight. (B) Length. Mice were fed. WT, wild type; KO, knock-out."
    captioned = Captioned(text, "one", {"a": "Weight.", "b": "Length. Mice were fed."}, 1.0)
    assert [(e.truth, e.traits["abbreviations"]) for e in legend_examples(captioned)] == [(False, False), (True, True)]
