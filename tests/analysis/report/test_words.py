"""Sentences claim a direction only where the numbers, with their standard errors, have one."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

from semsync.analysis.figures.series import LayerSeries
from semsync.analysis.report.words import WIDTH, Shape, Value, contrast, number, profile, shape


def series(values, sems=0.1, ordered=True) -> LayerSeries:
    names = ("input", "hidden_1", "hidden_2", "hidden_3")[: len(values)]
    return LayerSeries(names, np.array(values, dtype=float), np.broadcast_to(sems, len(values)).astype(float), ordered)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], "It rises from 1.00 ± 0.10 in the input to 3.00 ± 0.10 in hidden 2."),
        ([3, 2, 1], "It falls from 3.00 ± 0.10 in the input to 1.00 ± 0.10 in hidden 2."),
        (
            [1, 1.1, 1.2],
            "It does not change beyond its standard errors, from 1.00 ± 0.10 in the input to 1.20 ± 0.10 in hidden 2.",
        ),
        (
            [1, 3, 2],
            "It first rises from 1.00 ± 0.10 in the input to 3.00 ± 0.10 in hidden 1, "
            "then falls to 2.00 ± 0.10 in hidden 2.",
        ),
        (
            [3, 1, 2],
            "It first falls from 3.00 ± 0.10 in the input to 1.00 ± 0.10 in hidden 1, "
            "then rises to 2.00 ± 0.10 in hidden 2.",
        ),
        (
            [1, 3, 2, 4],
            "It rises from 1.00 ± 0.10 in the input to 4.00 ± 0.10 in hidden 3, though not at every step.",
        ),
        ([2], "It is 2.00 ± 0.10 in the input."),
        ([], ""),
    ],
)
def test_directions(values, expected):
    assert profile("It", series(values)) == expected


def test_the_same_values_with_larger_errors_have_no_direction():
    assert shape(series([1, 3, 2], 0.1))[0] is Shape.HUMP
    assert shape(series([1, 3, 2], 1.0))[0] is Shape.FLAT


def test_without_standard_errors_nothing_is_claimed():
    sentence = profile("It", series([1, 2, 3], np.nan))
    assert "without a standard error" in sentence
    assert "rises" not in sentence


def test_layers_without_a_value_are_passed_over():
    assert profile("It", series([np.nan, 3, 1])).startswith("It falls from 3.00 ± 0.10 in hidden 1")


def test_areas_have_extremes_and_no_direction():
    assert profile("It", series([2, 1, 3], ordered=False)) == (
        "It is smallest with 1.00 ± 0.10 in hidden 1 and largest with 3.00 ± 0.10 in hidden 2."
    )
    assert "do not differ" in profile("It", series([2, 2.1], ordered=False))
    assert "without standard errors" in profile("It", series([2, 3], np.nan, ordered=False))


def test_verbs_and_units():
    assert profile("The half", series([3, 1]), "ms", WIDTH) == (
        "The half narrows from 3.00 ± 0.10 ms in the input to 1.00 ± 0.10 ms in hidden 1."
    )
    assert "50.0 ± 1.0 %" in profile("It", series([0.5, 0.9], 0.01), "%")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (Value(2.2934, 0.0512), "ms", "2.29 ± 0.05 ms"),
        (Value(0.131, 0.0162), "", "0.131 ± 0.016"),
        (Value(1403263.0, 5000.0), "ms", "1,403,263 ± 5,000 ms"),
        (Value(5.0, 0.0), "", "5.00"),
        (0.95123, "%", "95.1 %"),
        (1.26e-11, "ms", "1.3e-11 ms"),
        (0.0, "ms", "0.00 ms"),
        (float("nan"), "ms", "–"),
    ],
)
def test_numbers_have_the_digits_that_their_error_justifies(value, unit, expected):
    assert number(value, unit) == expected


def test_contrasts():
    assert contrast("It", Value(1, 0.1), "that", Value(2, 0.1), adjectives=("wider", "narrower")).startswith(
        "It is narrower than that ("
    )
    assert contrast("It", Value(1, 0.5), "that", Value(2, 0.5)).startswith("It does not differ from that beyond")
    assert "without standard errors" in contrast("It", Value(1), "that", Value(2))
    assert contrast("It", Value(float("nan")), "that", Value(2)) == ""


def test_examples_in_docstrings():
    for name in ("report.words", "figures.windows", "figures.series", "figures.class_distances"):
        result = doctest.testmod(importlib.import_module(f"semsync.analysis.{name}"))
        assert result.failed == 0 < result.attempted
