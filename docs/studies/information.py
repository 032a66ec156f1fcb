"""How far estimates of information are off, and how often tests of selectivity find what is not there.

python docs/studies/information.py      prints the numbers and draws docs/figures/information_bias.svg; 2 minutes
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson
from ties import ranks

from semsync.analysis.measures import (
    count_responses,
    decode,
    information_gain,
    latency_responses,
    permutation_p_values,
    response_information,
)
from semsync.analysis.measures.classes import count_classes
from semsync.analysis.measures.information import CORRECTIONS
from semsync.analysis.measures.noise_correlations import (
    correlation_p_values,
    noise_correlations,
    pooled_correlations,
    z_score_within_classes,
)
from semsync.analysis.measures.permutation import TIE, permute_classes
from semsync.analysis.measures.plugin import mutual_information_of_counts

RATES = np.array([1.0, 2.0, 4.0, 8.0])  # mean count of each class
PROBABILITIES = np.array([0.1, 0.2, 0.4, 0.8])  # of being active, in each class
N_CLASSES = len(RATES)
LEVEL = 0.05


def poisson_information(rates: NDArray[np.float64]) -> float:
    """I(N; C) of a Poisson count with one rate for each of the equally frequent classes [bits]."""
    probability = poisson.pmf(np.arange(200)[:, None], rates)
    mean = probability.mean(axis=1, keepdims=True)
    ratio = np.divide(probability, mean, out=np.ones_like(probability), where=probability > 0)
    return float((probability * np.log2(ratio)).sum() / len(rates))


def true_gain(probabilities: NDArray[np.float64]) -> float:
    """1 - H(C | active) / H(C) of a unit that is active with one probability in each equally frequent class."""
    share = probabilities / probabilities.sum()
    return float(1 + (share * np.log2(share)).sum() / np.log2(len(share)))


def bias_table(trials_per_class: list[int], n_repetitions: int, seed: int = 0) -> pd.DataFrame:
    """Mean error and standard deviation of every estimator over recordings; see `information_bias` in the figures."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in trials_per_class:
        classes = np.repeat(np.arange(N_CLASSES), n)
        for measure, rates in (
            ("count, informative", RATES),
            ("count, uninformative", np.full(N_CLASSES, RATES.mean())),
        ):
            counts = rng.poisson(rates[classes][:, None], (len(classes), n_repetitions))
            found = response_information(count_responses(counts, None), classes, n_permutations=50, seed=seed).bits
            rows += _rows(measure, "bits", n, found, poisson_information(rates))
        activity = rng.random((len(classes), n_repetitions)) < PROBABILITIES[classes][:, None]
        gains = {
            correction: information_gain(activity, classes, correction=correction, n_permutations=50, seed=seed)
            for correction in CORRECTIONS
        }
        # Where many units are active too rarely to have a gain, those that have one are a choice.
        if np.isfinite(gains["plugin"]).mean() > 0.98:
            rows += _rows("information gain", "", n, gains, true_gain(PROBABILITIES))
    return pd.DataFrame(rows)


def _rows(measure: str, unit: str, n: int, found: dict[str, NDArray[np.float64]], truth: float) -> Iterator[dict]:
    for estimator, values in found.items():
        yield {
            "measure": measure, "unit": unit, "trials_per_class": n, "estimator": estimator, "truth": truth,
            "bias": float(np.nanmean(values) - truth), "sd": float(np.nanstd(values)),
        }  # fmt: skip


def null_p_values(n_trials: int, n_units: int, seed: int = 0) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """p-values of tests on recordings without information, `n_units` of each."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n_trials) % N_CLASSES
    for probability in (0.1, 0.3, 0.5):
        activity = rng.random((n_trials, n_units)) < probability
        activity = activity[:, activity.any(axis=0)]
        p_value = permutation_p_values(activity, classes, n_permutations=99, seed=seed)
        yield f"activity, active in {probability:.0%} of trials", p_value
        randomised = p_values_with_ties_at_random(activity, classes, n_permutations=99, seed=seed)
        yield f"activity, active in {probability:.0%} of trials, ties at random", randomised
    for mean in (0.5, 3.0):
        counts = rng.poisson(mean, (n_trials, n_units))
        yield f"count, mean {mean:g}", _p_value(count_responses(counts), classes, seed)
    first = np.where(rng.random((n_trials, n_units)) < 0.7, rng.exponential(10, (n_trials, n_units)), np.inf)
    yield "latency, silent in 30 % of trials", _p_value(latency_responses(first), classes, seed)


def p_values_with_ties_at_random(
    activity: NDArray[np.bool_], classes: NDArray[np.int64], n_permutations: int, seed: int
) -> NDArray[np.float64]:
    """Those of `permutation_p_values` if permutations that tie with the recording were not all held against it.

    A unit that is active in few trials can have few values of information. Every test that takes ties as it should, as
    reached, then finds too little; this is the level of the test itself.
    """
    counts = count_classes(activity, classes)
    observed = mutual_information_of_counts(counts.n_active, counts.n_trials)
    n_more, n_equal = np.zeros(len(observed)), np.zeros(len(observed))
    for permuted in permute_classes(activity, counts, n_permutations, seed):
        difference = mutual_information_of_counts(permuted, counts.n_trials) - observed
        n_more += (difference > TIE).sum(axis=0)
        n_equal += (np.abs(difference) <= TIE).sum(axis=0)
    return ranks(n_more, n_equal, np.random.default_rng([seed, 1])) / (1 + n_permutations)


def _p_value(responses: NDArray[np.int64], classes: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    return response_information(responses, classes, corrections=["plugin"], n_permutations=99, seed=seed).p_value


def null_p_values_of_groups(n_trials: int, n_recordings: int) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The same for decoding and noise correlations of six units, one recording after the other."""
    rng = np.random.default_rng(0)
    classes = np.arange(n_trials) % N_CLASSES
    pairs, groups, decoding, ties = [], [], [], []
    for seed in range(n_recordings):
        counts = rng.poisson(1.0, (n_trials, 6))
        decoded = decode(counts, classes, n_permutations=19, seed=seed)
        decoding.append(decoded.p_value)
        difference = decoded.permutation_accuracy - decoded.accuracy
        ties.append([(difference > 1e-9).sum(), (np.abs(difference) <= 1e-9).sum()])
        within = z_score_within_classes(counts, classes)
        pairs.append(correlation_p_values(noise_correlations(within), within.n_free)[np.triu_indices(6, k=1)])
        halves = [np.arange(3), np.arange(3, 6)]
        groups.append(pooled_correlations(within, halves, n_permutations=19, seed=seed)[1][np.triu_indices(2)])
    yield "decoding of six units, nearest mean", np.array(decoding)
    n_more, n_equal = np.array(ties, dtype=np.float64).T
    yield "decoding of six units, nearest mean, ties at random", ranks(n_more, n_equal, np.random.default_rng(0)) / 20
    yield "noise correlation of a pair, Student's t", np.ravel(pairs)
    yield "noise correlation of groups, permutations", np.ravel(groups)


def main(tell: Callable[[str], object] = print) -> None:
    from semsync.analysis.figures import information_bias, render

    table = bias_table([4, 8, 16, 32, 64, 128], n_repetitions=1000)
    for (measure, n), rows in table.groupby(["measure", "trials_per_class"], sort=False):
        values = ", ".join(f"{row.estimator} {row.bias:+.3f} ± {row.sd:.3f}" for row in rows.itertuples())
        tell(f"{measure}, {n} trials a class, truth {rows['truth'].iloc[0]:.3f}: {values}")
    figure = Path(__file__).resolve().parents[1] / "figures" / "information_bias.svg"
    figure.write_bytes(render(information_bias(table)))
    for n_trials in (40, 100, 400):
        found = [*null_p_values(n_trials, 4000), *null_p_values_of_groups(n_trials, 2000)]
        for name, p_values in found:
            tell(f"{n_trials} trials, {name}: {np.mean(p_values <= LEVEL):.2%} of {len(p_values)} have p <= {LEVEL}")


if __name__ == "__main__":
    sys.exit(main())
