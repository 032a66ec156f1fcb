"""The figure of docs/recordings.md on coincidences in macaque motor cortex.

python docs/studies/macaque_coincidences.py riehle1997_winny131_23.gdf docs/figures/macaque_coincidences.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from semsync import SpikeTable
from semsync.analysis import figures
from semsync.analysis.analyze import analyze
from semsync.analysis.figures.style import GREY, INK, PALE
from semsync.analysis.measures import apply_window, find_window
from semsync.analysis.measures.coincidences import count_coincidences
from semsync.analysis.measures.surrogates import Surrogates
from semsync.analysis.recordings import load_recording

LAGS = np.arange(-10, 11)  # ms, the ticks of the recording
N_SURROGATES = 200
ONLY = {"n_sample_trials": 0, "n_permutations": 99}


def lag_profile(table: SpikeTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coincidences at each lag of unit 3 behind unit 2, their mean over surrogates, and its standard deviation."""
    drawn, rng = Surrogates(table, "dither_spikes", dither=25.0), np.random.default_rng(0)
    behind = table.unit == 1

    def profile(times: np.ndarray) -> list[int]:
        options = {"n_units": 2, "max_lag": 0.5}
        return [
            int(count_coincidences(times - lag * behind, table.unit, table.trial, **options)[0, 0, 1]) for lag in LAGS
        ]

    surrogates = np.array([profile(np.round(drawn.draw(rng).times)) for _ in range(N_SURROGATES)])
    return np.array(profile(table.times)), surrogates.mean(axis=0), surrogates.std(axis=0, ddof=1)


def main(recording: str, figure: str) -> None:
    table = load_recording(recording, window=(-300.0, 600.0))
    options = "coincidences:max_lag=0.5"
    analysis = analyze(table, windows=[(-300, 0), (0, 600)], also=[options + ",classes=each"], **ONLY)
    long = load_recording(recording, window=(-200.0, 1800.0))
    longest = long.select(trials=long.trials["stimulus_class"] == 3)
    unitary = analyze(longest, windows=["all"], also=["unitary-events"], **ONLY).extras["unitary_events"]

    with figures.figure_style():
        from matplotlib.figure import Figure

        whole = Figure(figsize=(180 / 25.4, 105 / 25.4), layout="constrained")
        left, right = whole.subfigures(1, 2)
        profiles, by_class = left.subplots(2, 1, height_ratios=[1.3, 1])
        panels = right.subplots(3, 1, sharex=True)
        for window, color, name in (((0, 600), INK, "0 to 600 ms"), ((-300, 0), GREY, "-300 to 0 ms, doubled")):
            observed, expected, sd = lag_profile(apply_window(table, find_window(table, window)))
            scale = 600 / (window[1] - window[0])  # the same time in both
            if window[0] == 0:
                profiles.fill_between(
                    LAGS, expected - 1.96 * sd, expected + 1.96 * sd, color=PALE, label="surrogates, 95 %"
                )
            profiles.plot(LAGS, observed * scale, color=color, drawstyle="steps-mid", label=name)
        profiles.set_ylim(0, None)
        profiles.set_xlabel("spike of unit 3 behind spike of unit 2 (ms)")
        profiles.set_ylabel("pairs of spikes")
        profiles.legend(loc="upper right", fontsize=6)
        figures.coincidences(analysis.extras["coincidences"], window="0..600 ms", ax=by_class)
        figures.unitary_events(unitary, axes=panels)
        for signal in (0, 600, 900, 1200, 1500):
            for ax in panels:
                ax.axvline(signal, color=GREY, linewidth=0.6, linestyle=":")
    Path(figure).write_bytes(figures.render(profiles, Path(figure).suffix[1:]))
    columns = ["window", "stimulus_class", "observed", "expected", "expected_sd", "p_value", "q_value"]
    rows = analysis.extras["coincidences"][columns].to_dict("records")
    sys.stdout.write("\n".join(json.dumps(row) for row in rows) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
