"""False positives of SPADE on independent Poisson units, and how often it finds a pattern that was put in.

    python docs/studies/patterns.py [OUTPUT.json]     twenty minutes on one core

Five units of 60 Hz, 4 trials of 250 ms, bins of 5 ms, synchronous patterns of three spikes and more: so dense that
numbers of occurrences are large enough to differ. Only patterns that occur often are looked for (`MIN_OCC`), as a
recording without any needs no surrogates: five in six. In 150 recordings no p-value below 0.1 was lost by it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from ties import ranks

from semsync import SpikeTable
from semsync.analysis.measures.patterns import PatternSettings, pattern_spectrum, spade_patterns
from semsync.analysis.measures.permutation import q_values

N_UNITS, N_TRIALS, DURATION, RATE = 5, 4, 250.0, 0.06  # ms, spikes per ms
MIN_SPIKES, MIN_OCC, N_SURROGATES = 3, 8, 139
ALPHA = 0.05


def recording(seed: int, n_injected: int = 0) -> SpikeTable:
    """Independent Poisson units; the first three also spike together `n_injected` times, within 1 ms."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(RATE * DURATION, (N_TRIALS, N_UNITS))
    trial, unit = (np.repeat(row, count.ravel()) for row in np.indices(count.shape).reshape(2, -1))
    together = rng.integers(0, DURATION / 5, n_injected) * 5 + 2.0
    within = (together[:, None] + rng.uniform(0, 1, (n_injected, 3))).ravel()
    times = np.r_[rng.uniform(0, DURATION, len(trial)), within]
    unit = np.r_[unit, np.tile(np.arange(3), n_injected)]
    trial = np.r_[trial, np.repeat(rng.integers(0, N_TRIALS, n_injected), 3)]
    start = np.arange(N_TRIALS) * DURATION
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(N_UNITS)}, {"start": start, "stop": start + DURATION})


def settings(surrogate: str, n_surrogates: int = N_SURROGATES) -> PatternSettings:
    return PatternSettings(
        winlen=1, min_spikes=MIN_SPIKES, min_occ=MIN_OCC, surrogate=surrogate, n_surrogates=n_surrogates, alpha=ALPHA
    )


def false_positives(surrogate: str, n_recordings: int) -> dict[str, float]:
    """Share of recordings with a pattern that is found, and of those whose most frequent pattern has p <= ALPHA."""
    any_found, more, equal = [], [], []
    for seed in range(n_recordings):
        spectrum = pattern_spectrum(recording(seed), settings(surrogate), seed)
        # A recording without any has fewer than most surrogates would have.
        n_more, n_equal, found = N_SURROGATES, 0, False
        if len(spectrum.signatures):
            occurrences, in_surrogates = spectrum.signatures[:, 1].max(), spectrum.most[:, MIN_SPIKES]
            n_more, n_equal = (in_surrogates > occurrences).sum(), (in_surrogates == occurrences).sum()
            found = (q_values(spectrum.p_value) < ALPHA).any()
        more.append(n_more)
        equal.append(n_equal)
        any_found.append(found)
    p_value = (1 + np.add(more, equal)) / (1 + N_SURROGATES)
    rank = ranks(more, equal, np.random.default_rng(1))
    return {
        "n_recordings": n_recordings,
        "n_surrogates": N_SURROGATES,
        "share_with_a_pattern_found": float(np.mean(any_found)),
        "share_of_most_frequent": float(np.mean(p_value <= ALPHA)),
        "share_of_most_frequent_randomised": float(np.mean(rank / (1 + N_SURROGATES) <= ALPHA)),
        "standard_error": float(np.sqrt(ALPHA * (1 - ALPHA) / n_recordings)),
    }


def power(n_injected: int, n_recordings: int) -> dict[str, float]:
    """Share of recordings in which the pattern that was put in is found, and in which anything without it is."""
    right, wrong = [], []
    for seed in range(n_recordings):
        found = spade_patterns(recording(10_000 + seed, n_injected), settings("jitter_spikes", 500), seed).patterns
        # With a unit that joined by chance it is the same pattern; the smaller one then counts as explained by it.
        contains = [{0, 1, 2} <= {*pattern.units} for pattern in found]
        right.append(any(contains))
        wrong.append(not all(contains))
    return {
        "n_injected": n_injected,
        "n_recordings": n_recordings,
        "share_found": float(np.mean(right)),
        "share_with_others": float(np.mean(wrong)),
    }


def study(n_null: int = 2000, n_power: int = 25) -> dict[str, object]:
    """All of it; the arguments are numbers of recordings."""
    return {
        "jitter_spikes": false_positives("jitter_spikes", n_null),
        **{f"{n} injected": power(n, n_power) for n in (10, 20)},
    }


if __name__ == "__main__":
    text = json.dumps(study(), indent=1)
    sys.stdout.write(text + "\n")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n")
