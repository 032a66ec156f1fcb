"""Conditions on columns: what Python would say of each row, and nothing that Python could run."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync.analysis.expressions import matching_rows
from semsync.errors import InputError

COLUMNS = {
    "a": np.array([0.0, 0.25, 1.0, -3.0]),
    "n": np.array([0, 1, 2, 2]),
    "side": np.array(["left", "right", "", "left"]),
    "go": np.array([True, False, True, False]),
}
NUMBERS = st.sampled_from(["a", "n", "0", "0.25", "2", "-3"])
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
COMPARISONS = (
    st.builds("{} {} {}".format, NUMBERS, OPERATORS, NUMBERS)
    | st.builds("{} {} {} {} {}".format, NUMBERS, OPERATORS, NUMBERS, OPERATORS, NUMBERS)
    | st.builds("{} + {} * {} {} {}".format, NUMBERS, NUMBERS, NUMBERS, OPERATORS, NUMBERS)
    | st.builds("side {} {!r}".format, st.sampled_from(["==", "!="]), st.sampled_from(["left", "right", "up"]))
    | st.builds("n {} {}".format, st.sampled_from(["in", "not in"]), st.sampled_from(["[0, 2]", "(1,)"]))
    | st.just("go")
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=8,
)


@given(CONDITIONS)
def test_rows_match_as_python_says(condition: str) -> None:
    rows = [{name: column[row].item() for name, column in COLUMNS.items()} for row in range(4)]
    # The oracle: Python itself, on expressions that the test made.
    expected = [bool(eval(condition, {"__builtins__": {}}, row)) for row in rows]
    assert matching_rows(condition, COLUMNS).tolist() == expected


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        rows = matching_rows(text, COLUMNS)
    except InputError:
        return
    assert rows.shape == (4,)
    assert rows.dtype == bool


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.__class__", "a[0] > 1", "(lambda: 1)()", "[x for x in a]", "n if go else a",
        "f'{a}' == 'x'", "a ** 9 > 1", "a // 2 == 1", "a @ a", "(b := 1) > 0", "a > 1; a < 2", "print", "a is n", "*a",
        "n in n", "n in []", "a", "'left'", "1", "side > 1", "a == 'left'", "side + 1 > 2", "not a", "-side > 1", "",
        "(" * 250 + "a > 1" + ")" * 250, "a > 1" + " and a > 1" * 200, "a\0b",
        "a > 1j", "a == None", "a == ...", "b'x' == side",
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        matching_rows(text, COLUMNS)
    assert len(str(refused.value).splitlines()) == 1


def test_missing_values_fulfil_no_comparison() -> None:
    columns = {"x": np.array([1.0, np.nan])}
    for condition in ("x > 0", "x != 0", "x == x", "x < 5", "x in [1, 2]", "x not in [7]"):
        assert matching_rows(condition, columns).tolist() == [True, False], condition


def test_names_that_are_no_names_of_python() -> None:
    columns = {"stim name": np.array(["a", "b"]), "class": np.array([1, 2]), "snr (dB)": np.array([3.0, 4.0])}
    assert matching_rows("`stim name` == 'b' and `class` == 2 and `snr (dB)` > 3", columns).tolist() == [False, True]
    with pytest.raises(InputError, match=r"names 'tone', which is no column of the trials; they have \['class', 'snr"):
        matching_rows("`tone` > 1", columns)


def test_huge_numbers_are_compared() -> None:
    assert matching_rows("n < 1" + "0" * 400, COLUMNS).all()
    assert matching_rows("a < 1" + "0" * 30, COLUMNS).all()


def test_the_module_evaluates_nothing() -> None:
    import semsync.analysis.expressions as module

    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "getattr", "__import__"}
