"""Results of several seeds in one: mean and spread of every number."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any


def summarise(runs: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the results of several seeds.

    Numbers become their mean over seeds, but ``max_...`` the largest and ``n_...`` the sum; the standard deviation over
    seeds of those that were averaged stands at the same place under ``"sd"``. What is no number and differs between
    seeds is left to the seeds' own files.

    Examples
    --------
    >>> from semsync.pipeline.summary import summarise
    >>> summarise({0: {"accuracy": 0.5, "n_spikes": 2}, 1: {"accuracy": 1.0, "n_spikes": 3}})["accuracy"]
    0.75
    """
    results = list(runs.values())
    merged = _merge("", results, statistics.fmean)
    spread = _merge("", results, _sd)
    merged.pop("seed", None)
    return {**merged, "seeds": list(runs), "sd": spread}


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _merge(key: str, values: Sequence[Any], average: Any) -> Any:
    first = values[0]
    if isinstance(first, Mapping):
        keys = [k for k in first if all(isinstance(v, Mapping) and k in v for v in values)]
        merged = {k: _merge(str(k), [v[k] for v in values], average) for k in keys}
        return {k: v for k, v in merged.items() if v is not None}
    if isinstance(first, list):
        if all(isinstance(v, list) and len(v) == len(first) for v in values):
            entries = [_merge(key, list(column), average) for column in zip(*values, strict=True)]
            return entries if any(entry is not None for entry in entries) else None
        return None
    if isinstance(first, bool):
        return all(values) if average is not _sd else None
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        if key in ("n_test", "n_trials", "n_units") and all(v == first for v in values):
            return first if average is not _sd else None
        if key.startswith("max_"):
            return max(values) if average is not _sd else None
        if key.startswith("n_"):
            return sum(values) if average is not _sd else None
        return average(values)
    if average is _sd:
        return None
    return first if all(v == first for v in values) else None
