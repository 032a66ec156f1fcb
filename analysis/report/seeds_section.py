"""The same run with several seeds, beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .section import Section, Table
from .words import number

_NAN = float("nan")


def seeds_section(seeds: Mapping[int, Mapping[str, Any]]) -> Section | None:
    """One row per seed, then mean and standard deviation; None without seeds.

    Parameters
    ----------
    seeds : mapping of int to mapping
        Results of each seed, as in its ``results.json``.
    """
    if not seeds:
        return None
    name = _last_hidden_layer(next(iter(seeds.values())))
    columns: dict[str, tuple[Callable[[Mapping[str, Any]], float], str]] = {
        "accuracy, training engine": (lambda results: _at(results, "torch", "test_accuracy"), "%"),
        "accuracy, NEST": (lambda results: _at(results, "nest", "test_accuracy"), "%"),
        "largest difference (ms)": (lambda results: _at(results, "nest", "max_abs_difference_ms"), ""),
        "unexplained differences": (lambda results: _at(results, "nest", "n_unexplained"), "count"),
    }
    for column, title, unit in (
        ("packet_shortest_half_ms", "shortest half (ms)", ""),
        ("information_gain_E", "information gain, E", ""),
        ("information_gain_I", "information gain, I", ""),
        ("decoding_accuracy", "decoding accuracy", "%"),
    ):
        if name:
            columns[f"{title}, {name.replace('_', ' ')}"] = (_reader(name, column), unit)
    values = {title: np.array([read(results) for results in seeds.values()]) for title, (read, _) in columns.items()}
    values = {title: column for title, column in values.items() if np.isfinite(column).any()}
    rows: list[list[str]] = [
        [str(seed), *(_cell(float(column[row]), columns[title][1]) for title, column in values.items())]
        for row, seed in enumerate(seeds)
    ]
    if len(seeds) > 1:
        means = {title: f"{_cell(float(column.mean()), columns[title][1])}" for title, column in values.items()}
        spread = {title: _cell(float(column.std(ddof=1)), columns[title][1]) for title, column in values.items()}
        rows += [["mean", *means.values()], ["SD", *spread.values()]]
    table = Table(["seed", *values], rows, "Measures up to the decision where there is one, in the last hidden layer.")
    return Section("seeds", "Over seeds", paragraphs=_words(values), table=table)


def _words(values: Mapping[str, np.ndarray]) -> list[str]:
    accuracy = values.get("accuracy, NEST", values.get("accuracy, training engine", np.empty(0)))
    if len(accuracy) < 2:
        return []
    return [
        f"Over {len(accuracy)} seeds the test accuracy is {number(float(accuracy.mean()), '%')} on average, with a "
        f"standard deviation of {100 * accuracy.std(ddof=1):.2f} percentage points, from "
        f"{number(float(accuracy.min()), '%')} to {number(float(accuracy.max()), '%')}. Standard errors elsewhere in "
        "this report are within one seed and do not hold this variation."
    ]


def _reader(name: str, column: str) -> Callable[[Mapping[str, Any]], float]:
    def read(results: Mapping[str, Any]) -> float:
        for row in _rows(results):
            if row.get("name") == name:
                value = row.get(column)
                return _NAN if value is None else float(value)
        return _NAN

    return read


def _rows(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    by_window = results.get("layers", {}).get("trained", {})
    return by_window.get("decision") or next(iter(by_window.values()), [])


def _last_hidden_layer(results: Mapping[str, Any]) -> str:
    names = [str(row["name"]) for row in _rows(results) if row.get("name") not in ("input", "output")]
    return names[-1] if names else ""


def _at(results: Mapping[str, Any], part: str, key: str) -> float:
    value = results.get(part, {}).get(key)
    return _NAN if value is None else float(value)


def _cell(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "count" else number(value, unit)
