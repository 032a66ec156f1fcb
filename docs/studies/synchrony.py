"""Ground truth of the analysis of synchrony: false positives, power, recovered widths and counts, on generated data.

Numbers of bins and of units are whole, and equal ones count half in the p-values of the analysis, which then find too
little. So false positives are given twice: of these p-values, and (`_randomised`) with ties broken at random.

Run by hand, four to eight minutes on one core; writes synchrony_study.json and .svg into docs/figures::

    python docs/studies/synchrony.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ties import ranks

from semsync import SpikeTable
from semsync.analysis.figures import new_axes, render
from semsync.analysis.figures.style import CELL_TYPE_COLORS, DECISION_COLOR, GREY, INK, PALE, figure_style
from semsync.analysis.measures.complexity import complexity_distribution
from semsync.analysis.measures.packet_fit import fit_packets
from semsync.analysis.measures.packets import shortest_half
from semsync.analysis.measures.spike_batch import SpikeBatch
from semsync.analysis.measures.surrogates import Surrogates
from semsync.analysis.measures.synchrony import (
    SYNCHRONY_MEASURES,
    PopulationSample,
    bins_with,
    many_coincident_units,
    synchrony_of,
    two_sided_p_values,
)
from semsync.analysis.measures.tiling import draw_pairs

FIGURES = Path(__file__).parents[1] / "figures"
N_UNITS, DURATION, RATE = 8, 50.0, 0.04  # units, ms, spikes per ms
DITHER, BIN_SIZE, N_SURROGATES = 5.0, 1.0, 39
ALPHA = 0.05


def recordings(
    n_repetitions: int,
    seed: int,
    *,
    n_trials: int = 5,
    modulation: float = 0.0,
    period: float = 100.0,
    volleys: float = 0.0,
    n_units: int = N_UNITS,
    n_participants: int = 4,
    rate: float = RATE,
) -> SpikeTable:
    """Independent Poisson units, the trials of all repetitions in one table and their repetition as the class.

    Parameters
    ----------
    n_repetitions, seed, n_trials, n_units : int
    modulation : float
        Depth of the sine that the rate of all units follows, with a `period` in ms and a phase per repetition.
    volleys : float
        Mean number of volleys per trial, at random times: one spike of `n_participants` random units, 0.2 ms SD.
    rate : float
        Of each unit, without volleys [spikes per ms].
    """
    rng = np.random.default_rng(seed)
    n_all = n_repetitions * n_trials
    count = rng.poisson(rate * (1 + modulation) * DURATION, (n_all, n_units))
    trial, unit = (np.repeat(row, count.ravel()) for row in np.indices(count.shape).reshape(2, -1))
    times = rng.uniform(0, DURATION, len(trial))
    phase = rng.uniform(0, 1, n_repetitions)
    wave = 1 + modulation * np.sin(2 * np.pi * (times / period + phase[trial // n_trials]))
    keep = rng.random(len(times)) * (1 + modulation) < wave
    times, trial, unit = times[keep], trial[keep], unit[keep]
    n_volleys = rng.poisson(volleys, n_all)
    volley_trial = np.repeat(np.arange(n_all), n_volleys)
    center = np.repeat(rng.uniform(2, DURATION - 2, len(volley_trial)), n_participants)
    joins = rng.random((len(volley_trial), n_units)).argsort(axis=1)[:, :n_participants].ravel()
    times = np.r_[times, np.clip(center + rng.normal(0, 0.2, len(center)), 0, DURATION)]
    start = np.arange(n_all) * DURATION
    trials = {
        "start": start,
        "stop": start + DURATION,
        "stimulus_class": np.arange(n_all) // n_trials,
        "n_volleys": n_volleys,
    }
    trial, unit = np.r_[trial, np.repeat(volley_trial, n_participants)], np.r_[unit, joins]
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units)}, trials)


def as_batch(table: SpikeTable, times: np.ndarray, trial: np.ndarray, n_repetitions: int) -> SpikeBatch:
    """Every repetition a recording of its own."""
    duration = np.full(table.n_trials // n_repetitions, DURATION)
    since_start = np.clip(times - table.t_start[trial], 0, DURATION)
    unit, trial = table.unit.astype(np.int64), trial.astype(np.int64)
    return SpikeBatch(since_start, unit, trial, duration, n_repetitions, table.n_units)


def p_values(
    table: SpikeTable, n_repetitions: int, method: str, *, n_surrogates: int = N_SURROGATES, seed: int = 0
) -> dict[str, np.ndarray]:
    """Two-sided p-values of each measure in each repetition: as the analysis gives them, and with ties at random."""
    n_trials, n_units = table.n_trials // n_repetitions, table.n_units
    sample = PopulationSample(np.arange(n_trials), np.arange(n_units), draw_pairs(n_units, 28))
    surrogates, rng = Surrogates(table, method, dither=DITHER), np.random.default_rng(seed)

    def measured(times: np.ndarray, trial: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        batch = as_batch(table, times, trial, n_repetitions)
        return synchrony_of(batch, np.arange(n_units), sample, bin_size=BIN_SIZE)

    observed, distribution = measured(table.times, table.trial)
    drawn = [measured(*surrogates.draw(rng)) for _ in range(n_surrogates)]
    of_surrogates = {name: np.stack([one[0][name] for one in drawn], axis=1) for name in observed}
    observed["synchronous_bins"], of_surrogates["synchronous_bins"] = _synchronous_bins(
        distribution, np.stack([one[1] for one in drawn], axis=1), n_trials
    )
    return {name: _p(observed[name], of_surrogates[name]) for name in SYNCHRONY_MEASURES}


def p_values_of_synchronous_bins(
    table: SpikeTable, n_repetitions: int, method: str, *, n_surrogates: int = N_SURROGATES, seed: int = 0
) -> np.ndarray:
    """The same of that measure alone, which is fast enough for long recordings."""
    surrogates, rng = Surrogates(table, method, dither=DITHER), np.random.default_rng(seed)

    def measured(times: np.ndarray, trial: np.ndarray) -> np.ndarray:
        return complexity_distribution(as_batch(table, times, trial, n_repetitions), bin_size=BIN_SIZE)

    distribution = measured(table.times, table.trial)
    drawn = np.stack([measured(*surrogates.draw(rng)) for _ in range(n_surrogates)], axis=1)
    return _p(*_synchronous_bins(distribution, drawn, table.n_trials // n_repetitions))


def _synchronous_bins(
    distribution: np.ndarray, distributions: np.ndarray, n_trials: int
) -> tuple[np.ndarray, np.ndarray]:
    at_least = [many_coincident_units(one[None], more) for one, more in zip(distribution, distributions, strict=True)]
    observed = [bins_with(one[None], k, n_trials)[0] for one, k in zip(distribution, at_least, strict=True)]
    return np.array(observed), np.stack(
        [bins_with(more, k, n_trials) for more, k in zip(distributions, at_least, strict=True)]
    )


def _p(observed: np.ndarray, surrogates: np.ndarray) -> np.ndarray:
    """p-values as a table has them, and with ties broken at random; shape [2, n]."""
    # A number that no surrogate changes is not tested, and never called significant.
    in_table = np.nan_to_num(two_sided_p_values(observed, surrogates), nan=1.0)
    n = surrogates.shape[1]
    n_below = (surrogates < observed[:, None]).sum(axis=1)
    n_equal = (surrogates == observed[:, None]).sum(axis=1)
    rank = ranks(n_below, n_equal, np.random.default_rng(0))
    return np.stack([in_table, np.minimum(1.0, 2 * np.minimum(rank, n + 2 - rank) / (n + 1))])


def rejected(p: np.ndarray) -> float:
    """Share of repetitions with p <= 0.05, p-values as a table has them."""
    return float(np.mean(p[0] <= ALPHA + 1e-12))


def both(name: str, p: np.ndarray) -> dict[str, float]:
    """:func:`rejected`, and the same with ties broken at random, which is the level itself."""
    return {name: rejected(p), f"{name}_randomised": rejected(p[1:])}


def packets(n_repetitions: int, width: float, n_background: float, seed: int, n_trials: int = 20) -> SpikeBatch:
    """Gaussian packets of 30 spikes (Poisson) at random times, on a homogeneous background."""
    rng = np.random.default_rng(seed)
    n_all = n_repetitions * n_trials
    center = rng.uniform(15, DURATION - 15, n_all)
    inside, outside = rng.poisson(30, n_all), rng.poisson(n_background, n_all)
    times = np.repeat(center, inside) + rng.normal(0, width, inside.sum())
    times = np.r_[np.clip(times, 0, DURATION), rng.uniform(0, DURATION, outside.sum())]
    trial = np.r_[np.repeat(np.arange(n_all), inside), np.repeat(np.arange(n_all), outside)]
    unit = np.zeros(len(times), dtype=np.int64)
    return SpikeBatch(times, unit, trial, np.full(n_trials, DURATION), n_repetitions, 1)


def recovered_width(n_repetitions: int, width: float, n_background: float, seed: int) -> dict[str, float]:
    """Fitted widths against the true one, and what the shortest half alone would say."""
    batch = packets(n_repetitions, width, n_background, seed)
    fit = fit_packets(batch)
    low, high = fit.width * np.exp(np.outer([-1.96, 1.96], fit.log_width_se))
    return {
        "width_ms": width,
        "n_background": n_background,
        "n_repetitions": n_repetitions,
        "mean_ms": float(fit.width.mean()),
        "sd_ms": float(fit.width.std(ddof=1)),
        "coverage_of_95_percent_interval": float(np.mean((low <= width) & (width <= high))),
        "from_shortest_half_ms": float(batch.mean_over_trials(shortest_half(batch.packets())).mean() / 1.349),
    }


def recovered_volleys(n_repetitions: int, volleys: float, seed: int) -> dict[str, Any]:
    """Synchronous bins in excess of surrogates against the number of volleys that were put in.

    24 of 40 units in each volley, bins of 3 ms, at least 13 coincident units, surrogates jittered in bins of 25 ms.
    """
    table = recordings(n_repetitions, seed, n_trials=40, volleys=volleys, n_units=40, n_participants=24, rate=0.02)
    surrogates, rng = Surrogates(table, "jitter_spikes", dither=25.0), np.random.default_rng(seed)

    def synchronous(times: np.ndarray, trial: np.ndarray) -> np.ndarray:
        distribution = complexity_distribution(as_batch(table, times, trial, n_repetitions), bin_size=3.0)
        return bins_with(distribution, 13, 1)

    excess = synchronous(table.times, table.trial)
    drawn = [synchronous(*surrogates.draw(rng)) for _ in range(N_SURROGATES)]
    excess = excess - np.mean(drawn, axis=0)
    true = table.trials["n_volleys"].reshape(n_repetitions, -1).sum(axis=1)
    return {
        "volleys_per_trial": volleys,
        "n_repetitions": n_repetitions,
        "mean_true": float(true.mean()),
        "mean_estimated": float(excess.mean()),
        "share_within_3_or_10_percent": float(np.mean(np.abs(excess - true) <= np.maximum(3, 0.1 * true))),
        "true": true.tolist(),
        "estimated": np.round(excess, 3).tolist(),
    }


def study() -> dict[str, Any]:
    """All numbers."""
    n_null = 3000
    nulls = {"constant rate": {}, "rate modulated by 50 % with a period of 100 ms": {"modulation": 0.5}}
    false_positives = []
    for seed, (null, options) in enumerate(nulls.items()):
        for method, n in (
            ("jitter_spikes", n_null),
            ("trial_shuffling", 2000),
            ("shuffle_isis", 2000),
            ("dither_spikes", 2000),
        ):
            if method == "shuffle_isis" and options:
                continue  # it assumes a constant rate
            p = p_values(recordings(n, 100 + seed, **options), n, method, seed=seed)
            row = {"null": null, "surrogate": method, "n_repetitions": n}
            for name, values in p.items():
                row |= both(name, values)
            false_positives.append(row)
    long = recordings(2000, 7, n_trials=50)
    power = []
    for volleys in (0.1, 0.2, 0.4, 0.8):
        p = p_values(recordings(300, 11, volleys=volleys), 300, "jitter_spikes")
        power.append({"volleys_per_trial": volleys} | {name: rejected(values) for name, values in p.items()})
    return {
        "n_surrogates": N_SURROGATES,
        "dither_ms": DITHER,
        "bin_size_ms": BIN_SIZE,
        "alpha": ALPHA,
        "false_positives": false_positives,
        "false_positives_of_synchronous_bins_in_50_trials": {
            "n_repetitions": 2000,
            **both("share", p_values_of_synchronous_bins(long, 2000, "jitter_spikes")),
        },
        "power": power,
        "width": [
            recovered_width(200, width, n_background, 20)
            for n_background in (0.0, 30.0)
            for width in (0.25, 0.5, 1.0, 2.0, 4.0)
        ],
        "volleys": [recovered_volleys(200, volleys, 30) for volleys in (0.25, 0.5, 1.0)],
    }


def draw(results: dict[str, Any]) -> Any:
    """Four panels: false positives, power, recovered width, recovered volleys."""
    short = {
        "packet_shortest_half_ms": "shortest half",
        "packet_sd_ms": "SD",
        "packet_width_ms": "fitted width",
        "complexity": "complexity",
        "synchronous_bins": "synchronous bins",
        "spike_contrast": "spike-contrast",
        "spike_time_tiling": "tiling",
    }
    colors = {
        "jitter_spikes": INK,
        "trial_shuffling": CELL_TYPE_COLORS["I"],
        "shuffle_isis": DECISION_COLOR,
        "dither_spikes": CELL_TYPE_COLORS["E"],
    }
    with figure_style():
        axes = new_axes(2, 2, height_mm=125)
        first, second, third, fourth = axes.ravel()
        first.axhspan(4, 6, color=PALE, linewidth=0)
        for row in results["false_positives"]:
            modulated = row["null"] != "constant rate"
            x = np.arange(len(short)) + 0.14 * (list(colors).index(row["surrogate"]) - 1.5) + 0.06 * modulated
            color = colors[row["surrogate"]]
            first.plot(
                x, [100 * row[f"{name}_randomised"] for name in short], linestyle="none",
                marker="s" if modulated else "o", markersize=3.5, color=color,
                markerfacecolor="white" if modulated else color,
                label="_nolegend_" if modulated else row["surrogate"],
            )  # fmt: skip
        first.set_xticks(range(len(short)), short.values(), rotation=35, ha="right")
        first.set_ylabel("false positives at p ≤ 0.05,\nties at random (%)")
        first.set_ylim(0, 8.5)
        first.plot([], [], linestyle="none", marker="s", color=INK, markerfacecolor="white", label="rate modulated")
        first.legend(ncols=3, loc="upper left")
        markers = dict(zip(short, "osD^vP*", strict=True))
        for number, (name, label) in enumerate(short.items()):
            volleys = [row["volleys_per_trial"] for row in results["power"]]
            second.plot(
                volleys, [100 * row[name] for row in results["power"]], marker=markers[name], label=label, markersize=4,
                color=(INK, GREY, *CELL_TYPE_COLORS.values(), DECISION_COLOR, "#cc79a7")[number],
            )  # fmt: skip
        second.set_xlabel("volleys per trial (4 of 8 units)")
        second.set_ylabel("found at p ≤ 0.05 (%)")
        second.set_ylim(0, 101)
        second.legend()
        for n_background, color, filled in ((0.0, INK, True), (30.0, CELL_TYPE_COLORS["E"], False)):
            rows = [row for row in results["width"] if row["n_background"] == n_background]
            x = np.array([row["width_ms"] for row in rows])
            third.plot(x, [row["from_shortest_half_ms"] for row in rows], color=color, linestyle=":", linewidth=1)
            third.errorbar(
                x, [row["mean_ms"] for row in rows], [2 * row["sd_ms"] for row in rows], color=color, linestyle="none",
                marker="o", markerfacecolor=color if filled else "white", capsize=2,
                label=f"{n_background:g} background spikes",
            )  # fmt: skip
        third.plot([0.2, 5], [0.2, 5], color=GREY, linewidth=0.7)
        third.plot([], [], color=INK, linestyle=":", linewidth=1, label="shortest half / 1.349")
        third.set(xscale="log", yscale="log", xlabel="true SD of the packets (ms)", ylabel="fitted width, ± 2 SD (ms)")
        widths = [0.25, 0.5, 1.0, 2.0, 4.0]
        third.set_xticks(widths, [f"{width:g}" for width in widths])
        third.set_yticks(widths, [f"{width:g}" for width in widths])
        third.minorticks_off()
        third.legend()
        for row, color in zip(results["volleys"], (GREY, CELL_TYPE_COLORS["I"], INK), strict=True):
            fourth.plot(row["true"], row["estimated"], linestyle="none", marker="o", markersize=2, color=color)
        most = max(max(row["true"]) for row in results["volleys"])
        fourth.plot([0, most], [0, most], color=GREY, linewidth=0.7)
        fourth.set(xlabel="volleys in the recording", ylabel="synchronous bins\nbeyond surrogates")
    return axes


def main() -> None:
    results = study()
    axes = draw(results)
    FIGURES.mkdir(exist_ok=True)
    FIGURES.joinpath("synchrony_study.svg").write_bytes(render(axes))
    FIGURES.joinpath("synchrony_study.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
