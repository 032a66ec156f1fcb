"""False positives and recovery of the test of coincidences, and false positives of unitary events.

    python docs/studies/coincidences.py [OUTPUT.json]

Pairs of independent Poisson units, so many that the share of p-values up to 0.05 is known to a third of a percentage
point: with rates that are constant, constant on a grid of 1 ms, and modulated alike in both units. Pairs with a known
number of injected coincidences. And where the test fails: rates that are modulated about as fast as the dither.

Counts are whole numbers, and a surrogate that ties with the recording counts against a discovery, which makes the
p-values of a table a little too large. So two shares are given: `share` of the p-values as a table has them, and
`share_randomised` with ties broken at random, which is the level itself if surrogates are as good as the recording:
p = (rank of the recording among the surrogates and itself) / (1 + n_surrogates).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import poisson
from ties import ranks

from semsync import SpikeTable
from semsync.analysis.measures.coincidences import Coincidences, coincidence_test
from semsync.analysis.measures.joint_counts import joint_count_distribution
from semsync.analysis.measures.unitary_events import BinnedTrials, unitary_events

MAX_LAG, DITHER, ALPHA = 2.0, 25.0, 0.05  # ms, ms: the defaults
DURATION, N_TRIALS = 1000.0, 8  # ms; of each pair
N_PAIRS_AT_ONCE = 100

Rate = Callable[[np.ndarray], np.ndarray]


def constant(times: np.ndarray) -> np.ndarray:
    """50 Hz."""
    return np.full(times.shape, 50.0)


def bump(times: np.ndarray) -> np.ndarray:
    """From 30 Hz to 90 Hz and back, a Gaussian of 100 ms standard deviation."""
    return 30.0 + 60.0 * np.exp(-0.5 * ((times - 400.0) / 100.0) ** 2)


def sine(frequency: float) -> Rate:
    """50 Hz, modulated by 80 % at `frequency` [Hz]."""
    return lambda times: 50.0 * (1 + 0.8 * np.sin(2 * np.pi * frequency * times / 1000.0))


def pairs(
    rng: np.random.Generator, n_pairs: int, rate: Rate, *, tick: float = 0.0, n_injected: int = 0
) -> tuple[SpikeTable, tuple[np.ndarray, np.ndarray]]:
    """Pairs of Poisson units, each with trials of its own, and the rows of the units of each pair.

    `n_injected` spikes of the first unit are given to the second as well, at times with the same rate.
    """
    grid = np.linspace(0.0, DURATION, 2001)
    cumulated = np.concatenate([[0.0], np.cumsum(rate((grid[1:] + grid[:-1]) / 2) * np.diff(grid) / 1000.0)])

    def draw(n: int) -> np.ndarray:
        return np.interp(rng.random(n) * cumulated[-1], cumulated, grid)

    n_trains = 2 * n_pairs * N_TRIALS
    train = np.repeat(np.arange(n_trains), rng.poisson(cumulated[-1], n_trains))
    unit, trial = train // N_TRIALS, train // (2 * N_TRIALS) * N_TRIALS + train % N_TRIALS
    times = draw(len(train))
    pair = np.repeat(np.arange(n_pairs), n_injected)
    common, common_trial = draw(len(pair)), pair * N_TRIALS + rng.integers(0, N_TRIALS, len(pair))
    times = np.concatenate([times, common, common])
    if tick:
        times = np.floor(times / tick) * tick
    start = np.arange(n_pairs * N_TRIALS) * DURATION
    table = SpikeTable(
        times,
        np.concatenate([unit, 2 * pair, 2 * pair + 1]),
        np.concatenate([trial, common_trial, common_trial]),
        {"unit_id": np.arange(2 * n_pairs)},
        {"start": start, "stop": start + DURATION},
    )
    return table, (np.arange(0, 2 * n_pairs, 2), np.arange(1, 2 * n_pairs, 2))


def blocks(
    n_pairs: int, n_surrogates: int, rate: Rate, *, surrogate: str = "dither_spikes", seed: int = 0, **more: float
) -> Iterator[Coincidences]:
    """Tests of `n_pairs` pairs, a block at a time."""
    rng = np.random.default_rng(seed)
    for block in range(0, n_pairs, N_PAIRS_AT_ONCE):
        table, rows = pairs(rng, min(N_PAIRS_AT_ONCE, n_pairs - block), rate, **more)
        yield coincidence_test(
            table,
            max_lag=MAX_LAG,
            surrogate=surrogate,
            dither=DITHER,
            n_surrogates=n_surrogates,
            pairs=rows,
            seed=int(rng.integers(2**32)),
        )


def false_positives(n_pairs: int, n_surrogates: int, rate: Rate, **more: Any) -> dict[str, float]:
    """Share of independent pairs with p <= ALPHA."""
    rng = np.random.default_rng(1)
    found: list[Coincidences] = list(blocks(n_pairs, n_surrogates, rate, **more))
    p_value, n_more, n_equal, expected, z = (
        np.concatenate([getattr(one, name)[0] for one in found])
        for name in ("p_value", "n_more", "n_equal", "expected", "z")
    )
    rank = ranks(n_more, n_equal, rng)
    return {
        "n_pairs": n_pairs,
        "n_surrogates": n_surrogates,
        "expected_coincidences": float(expected.mean()),
        "mean_z": float(z.mean()),
        "sd_z": float(z.std()),
        "share": float(np.mean(p_value <= ALPHA)),
        "share_randomised": float(np.mean(rank / (1 + n_surrogates) <= ALPHA)),
        "standard_error": float(np.sqrt(ALPHA * (1 - ALPHA) / n_pairs)),
    }


def recovery(n_pairs: int, n_surrogates: int, n_injected: int, rate: Rate) -> dict[str, float]:
    """Injected coincidences from the excess, which dithering leaves too small by a known share."""
    kept = 1 - (1 - MAX_LAG / (2 * DITHER)) ** 2
    found = list(blocks(n_pairs, n_surrogates, rate, n_injected=n_injected, seed=2))
    excess, sd, p_value = (
        np.concatenate([values(one)[0] for one in found])
        for values in (lambda one: one.observed - one.expected, lambda one: one.sd, lambda one: one.p_value)
    )
    estimate, reach = excess / (1 - kept), 1.96 * sd / (1 - kept)
    return {
        "n_pairs": n_pairs,
        "n_surrogates": n_surrogates,
        "n_injected": n_injected,
        "mean_excess": float(excess.mean()),
        "mean_estimate": float(estimate.mean()),
        "sd_estimate": float(estimate.std(ddof=1)),
        "share_inside_95_percent_interval": float(np.mean(np.abs(estimate - n_injected) <= reach)),
        "mean_half_width": float(reach.mean()),
        "share_significant": float(np.mean(p_value <= ALPHA)),
    }


def unitary_false_positives(
    n_repetitions: int, rate: float, test: str = "poisson", *, n_trials: int = 30
) -> dict[str, float]:
    """Share of windows of independent units with p <= ALPHA, windows side by side."""
    rng = np.random.default_rng(3)
    p_value, randomised, n_exp, duration = [], [], [], 10_000.0
    while len(p_value) < n_repetitions:
        train = np.repeat(np.arange(2 * n_trials), rng.poisson(rate * duration / 1000, 2 * n_trials))
        start = np.arange(n_trials) * duration
        trials = {"start": start, "stop": start + duration}
        table = SpikeTable(rng.random(len(train)) * duration, train % 2, train // 2, {"unit_id": [0, 1]}, trials)
        binned = BinnedTrials(table, bin_size=5.0, win_size=100.0, win_step=100.0)
        found = unitary_events(binned, (0, 1), test=test)
        p_value += found.p_value.tolist()
        if test == "poisson":
            equal = poisson.pmf(found.n_emp, found.n_exp)
        else:
            counts = binned.counts(np.arange(n_trials), (0, 1))
            equal = [joint_count_distribution(c, 20)[int(n)] for c, n in zip(counts, found.n_emp, strict=True)]
        randomised += (found.p_value - rng.random(len(found.n_emp)) * equal).tolist()
        n_exp += found.n_exp.tolist()
    return {
        "n_windows": len(p_value),
        "rate_hz": rate,
        "n_trials": n_trials,
        "expected_joint_spikes": float(np.mean(n_exp)),
        "share": float(np.mean(np.array(p_value) <= ALPHA)),
        "share_randomised": float(np.mean(np.array(randomised) <= ALPHA)),
    }


def study(
    n_pairs: int = 4000, n_fast: int = 1000, n_injected_pairs: int = 200, n_windows: int = 2000
) -> dict[str, object]:
    """All of it; the arguments are numbers of repetitions."""
    settings = {
        "max_lag_ms": MAX_LAG,
        "dither_ms": DITHER,
        "alpha": ALPHA,
        "duration_ms": DURATION,
        "n_trials": N_TRIALS,
    }
    return {
        "settings": settings,
        "constant": false_positives(n_pairs, 99, constant),
        "constant, 1 ms ticks": false_positives(n_pairs, 99, constant, tick=1.0, seed=10),
        "bump of 100 ms": false_positives(n_pairs, 99, bump, seed=11),
        "constant, jitter_spikes": false_positives(n_pairs, 99, constant, surrogate="jitter_spikes", seed=12),
        **{f"modulated at {f:g} Hz": false_positives(n_fast, 99, sine(f), seed=20) for f in (2.0, 5.0, 10.0)},
        "20 injected": recovery(n_injected_pairs, 199, 20, constant),
        "40 injected": recovery(n_injected_pairs, 199, 40, constant),
        "unitary events, 15 Hz": unitary_false_positives(n_windows, 15.0),
        "unitary events, 40 Hz": unitary_false_positives(n_windows, 40.0),
        "unitary events, exact test, 15 Hz": unitary_false_positives(n_windows, 15.0, "exact"),
        "unitary events, exact test, 40 Hz": unitary_false_positives(n_windows, 40.0, "exact"),
    }


if __name__ == "__main__":
    began = time.process_time()
    text = json.dumps(study() | {"cpu_seconds": round(time.process_time() - began)}, indent=1)
    sys.stdout.write(text + "\n")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n")
