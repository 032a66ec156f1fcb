"""How often connections are found where there are none, and how many of those that are there.

python docs/studies/connections.py [FILE.json]     prints the numbers, and writes them; about 2 minutes
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsync import SpikeTable
from semsync.analysis.measures.connections import ConnectionTest, find_connections
from semsync.analysis.measures.permutation import q_values

N_UNITS = 20  # sources, and as many targets
ALPHA = 0.05

# Kind of null recording, and the predictors whose null hypothesis it meets.
KINDS = {
    "constant rates": ("jitter", "convolution", "shuffle"),
    "rates that vary together": ("jitter", "convolution"),
    "rates locked to the stimulus": ("jitter", "convolution", "shuffle"),
    "first spikes, locked": ("shuffle", "aligned"),
    "first spikes, latency shared": ("aligned",),
}


def null_recording(kind: str, seed: int) -> SpikeTable:
    """Two groups of units without a connection between them."""
    rng = np.random.default_rng(seed)
    if kind.startswith("first spikes"):
        n_trials = 900
        classes = np.arange(n_trials) % 3
        latency = 20 + rng.uniform(0, 5, (3, 2 * N_UNITS))[classes] + rng.normal(0, 2, (n_trials, 2 * N_UNITS))
        if kind.endswith("shared"):
            latency += rng.normal(0, 1.5, (n_trials, 1))
        # A third of the responses fails.
        first = np.where(rng.random(latency.shape) < 0.67, np.clip(latency, 0, 50), np.inf)
        trial, unit = np.nonzero(np.isfinite(first))
        return _table(first[trial, unit], unit, trial, n_trials, 50.0, classes)
    n_trials, duration, rate = 200, 1000.0, 12.0
    classes = np.arange(n_trials) % 4
    share = np.ones((n_trials, int(duration)))
    time = np.arange(duration)
    if kind == "rates that vary together":
        phase, gain = rng.uniform(0, 2 * np.pi, n_trials), rng.uniform(0.5, 1.5, n_trials)
        share = gain[:, None] * (1 + 0.7 * np.sin(2 * np.pi * time / 200 + phase[:, None]))
    elif kind == "rates locked to the stimulus":
        peak = np.array([200.0, 350.0, 500.0, 650.0])[classes]
        share = 0.5 + 2 * np.exp(-0.5 * ((time - peak[:, None]) / 40) ** 2)
    times, unit, trial = _poisson(rng, 2 * N_UNITS, rate / 1000 * share)
    return _table(times, unit, trial, n_trials, duration, classes)


def connected_recording(seed: int) -> tuple[SpikeTable, NDArray[np.float64]]:
    """Two groups of which a tenth of the pairs is connected, and the efficacy of every pair, 0 without a connection.

    Rates vary together and with the stimulus. A spike of an excitatory source is followed by one of the target with
    probability 0.02 to 0.1, 2 to 4 ms later; one of an inhibitory source (every fourth) removes spikes that the target
    would have had 1 to 5 ms later, with probability 0.8.
    """
    rng = np.random.default_rng(seed)
    n_trials, duration = 200, 1000.0
    phase, gain = rng.uniform(0, 2 * np.pi, n_trials), rng.uniform(0.7, 1.3, n_trials)
    share = gain[:, None] * (1 + 0.5 * np.sin(2 * np.pi * np.arange(duration) / 200 + phase[:, None]))
    times, unit, trial = _poisson(rng, 2 * N_UNITS, 0.012 * share)
    efficacy = np.zeros((N_UNITS, N_UNITS))
    connected = rng.random(efficacy.shape) < 0.1
    for i, j in np.argwhere(connected):
        of_source = np.flatnonzero(unit == i)
        if i % 4 == 3:
            efficacy[i, j] = -0.8
            of_target = np.flatnonzero(unit == N_UNITS + j)
            source_key = np.sort(trial[of_source] * 10 * duration + times[of_source])
            key = trial[of_target] * 10 * duration + times[of_target]
            follows = np.searchsorted(source_key, key - 1) > np.searchsorted(source_key, key - 5)
            keep = np.ones(len(times), dtype=bool)
            keep[of_target[follows & (rng.random(len(key)) < 0.8)]] = False
            times, unit, trial = times[keep], unit[keep], trial[keep]
        else:
            efficacy[i, j] = rng.uniform(0.02, 0.1)
            drives = of_source[rng.random(len(of_source)) < efficacy[i, j]]
            later = times[drives] + rng.uniform(2, 4) + rng.normal(0, 0.3, len(drives))
            inside = later < duration
            times = np.concatenate([times, later[inside]])
            unit = np.concatenate([unit, np.full(inside.sum(), N_UNITS + j)])
            trial = np.concatenate([trial, trial[drives][inside]])
    return _table(times, unit, trial, n_trials, duration, np.zeros(n_trials, dtype=int)), efficacy


def _poisson(
    rng: np.random.Generator, n_units: int, rate: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Spikes at a rate [1/ms] given by trial and millisecond, the same for all units."""
    n_trials, n_bins = rate.shape
    highest = rate.max()
    n = rng.poisson(highest * n_trials * n_units * n_bins)
    times, unit, trial = rng.uniform(0, n_bins, n), rng.integers(0, n_units, n), rng.integers(0, n_trials, n)
    keep = rng.random(n) * highest < rate[trial, times.astype(int)]
    return times[keep], unit[keep], trial[keep]


def _table(times: Any, unit: Any, trial: Any, n_trials: int, duration: float, classes: Any) -> SpikeTable:
    start = np.arange(n_trials) * duration
    trials = {"start": start, "stop": start + duration, "stimulus_class": classes}
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(2 * N_UNITS)}, trials)


def false_positives(kind: str, predictor: str, n_repetitions: int, seed: int = 0) -> dict[str, float]:
    """Share of unconnected pairs with p < 0.05, and its standard error over recordings."""
    shares, n_pairs = [], 0
    for repetition in range(n_repetitions):
        table = null_recording(kind, seed + repetition)
        groups = np.arange(N_UNITS), np.arange(N_UNITS, 2 * N_UNITS)
        found = find_connections(table, *groups, ConnectionTest(predictor=predictor))
        p_value = found.p_value[np.isfinite(found.p_value)]
        shares.append(float((p_value < ALPHA).mean()))
        n_pairs += len(p_value)
    return {
        "n_pairs": n_pairs,
        "share": float(np.mean(shares)),
        "sem": float(np.std(shares, ddof=1) / np.sqrt(n_repetitions)),
    }


def recovery(predictor: str, n_repetitions: int, seed: int = 1000) -> Mapping[str, Any]:
    """Precision and recall at q < 0.05, both directions tested together, and the error of the efficacy."""
    rows = []
    for repetition in range(n_repetitions):
        table, efficacy = connected_recording(seed + repetition)
        groups = np.arange(N_UNITS), np.arange(N_UNITS, 2 * N_UNITS)
        forward = find_connections(table, *groups, ConnectionTest(predictor=predictor))
        backward = find_connections(table, *groups[::-1], ConnectionTest(predictor=predictor))
        q_value = q_values(np.stack([forward.p_value, backward.p_value.T]))
        found = q_value < ALPHA
        right = found[0] & (forward.sign == np.sign(efficacy))
        excitatory, inhibitory = efficacy > 0, efficacy < 0
        strong = efficacy > 0.04
        hit = right & excitatory
        rows.append(
            {
                "precision": right.sum() / max(1, found.sum()),
                "recall": right.sum() / (efficacy != 0).sum(),
                "recall, efficacy above 0.04": right[strong].mean(),
                "recall, excitatory": right[excitatory].mean(),
                "recall, inhibitory": right[inhibitory].mean() if inhibitory.any() else np.nan,
                "found per 100 backward pairs": 100 * found[1].mean(),
                "efficacy, found / true": forward.efficacy[hit].sum() / efficacy[hit].sum(),
            }
        )
    return {
        name: {
            "mean": float(np.nanmean(values)),
            "2.5 %": float(np.nanpercentile(values, 2.5)),
            "97.5 %": float(np.nanpercentile(values, 97.5)),
        }
        for name in rows[0]
        for values in [[row[name] for row in rows]]
    }


def main() -> None:
    """Print everything, and write it where a file is named."""
    n_null, n_recovery = 30, 200
    results: dict[str, Any] = {"false positives": {}, "recovery": {}}
    print(
        f"false positives at p < {ALPHA}, {n_null} recordings of {N_UNITS}^2 pairs; * where the null hypothesis holds"
    )
    for kind, valid in KINDS.items():
        for predictor in ("jitter", "convolution", "shuffle", "aligned"):
            found = false_positives(kind, predictor, n_null)
            results["false positives"][f"{kind}, {predictor}"] = found
            print(
                f"{kind:30} {predictor:12} {'*' * (predictor in valid):2}{100 * found['share']:6.1f} % "
                f"+- {100 * found['sem']:.1f} of {found['n_pairs']} pairs"
            )
    for predictor in ("jitter", "convolution"):
        found = recovery(predictor, n_recovery)
        results["recovery"][predictor] = found
        print(f"recovery at q < {ALPHA}, {n_recovery} recordings, {predictor}: mean [2.5 %, 97.5 %]")
        for name, values in found.items():
            print(f"    {name:30} {values['mean']:.3f} [{values['2.5 %']:.3f}, {values['97.5 %']:.3f}]")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
