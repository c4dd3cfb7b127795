"""The table of costs in README is computed, not typed."""

from benchmarks import costs


def test_readme_says_what_the_units_come_to() -> None:
    text = costs.README.read_text(encoding="utf-8")
    assert text.count(costs.table()) == 1, "write it with `python -m benchmarks.costs --write`"
    assert costs.written(text) == text


def test_split_is_most_of_it_and_the_sums_are_those_of_the_units() -> None:
    hours = {cost.stage: cost.core_hours for cost in costs.COSTS}
    assert round(hours["split"]) == round(24e6 * 0.071 / 3600) == 473
    assert hours["split"] > sum(hours.values()) / 2
    assert "| split | 473 | 29.6 h | 3.7 h | 28 min | 4.7 core-h |" in costs.table()
