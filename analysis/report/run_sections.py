"""Sections on a run: training, the equality of the two simulations, and repeats with other seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..figures import learning_curve, spike_time_equality
from .content import RunReport
from .section import Drawing, KeyNumber, Section
from .words import counted, number


def learning_section(content: RunReport) -> Section | None:
    """Loss and accuracy over epochs."""
    history = content.history
    if not history:
        return None
    kept = next((entry for entry in history if entry["epoch"] == content.best_epoch), None)
    first, last = history[0], history[-1]
    words = (
        f"Over {counted(len(history), 'epoch')} the validation accuracy goes from "
        f"{number(first['validation_accuracy'], '%')} to {number(last['validation_accuracy'], '%')}, the training "
        f"accuracy from {number(first['train_accuracy'], '%')} to {number(last['train_accuracy'], '%')}."
    )
    if kept is not None:
        words += (
            f" The network of epoch {content.best_epoch}, the best on the validation set with "
            f"{number(kept['validation_accuracy'], '%')}, is the one kept."
        )
    accuracy = content.results.get("torch", {}).get("test_accuracy")
    if accuracy is not None:
        words += f" On {counted(content.results['n_test'], 'test sample')} it reaches {number(accuracy, '%')}."
    drawing = Drawing(
        "learning_curve",
        learning_curve(history, best_epoch=content.best_epoch),
        "Loss and accuracy of the training and the validation set by epoch",
        [words],
    )
    return Section("learning", "Learning", [drawing])


def equality_section(content: RunReport) -> Section | None:
    """Spike times of the training engine against NEST."""
    comparison = comparison_of(content)
    reference, simulated = content.reference_times, content.simulated_times
    words = equality_words(comparison)
    if reference is None or simulated is None or not len(np.atleast_1d(reference)):
        return Section("equality", "The same spikes in NEST", paragraphs=words) if words else None
    axes = spike_time_equality(
        reference,
        simulated,
        max_abs_difference=comparison.get("max_abs_difference_ms"),
        tolerance=comparison.get("tolerance_ms"),
    )
    drawing = Drawing("spike_time_equality", axes, "Spike times in NEST against the training engine's", words)
    return Section("equality", "The same spikes in NEST", [drawing])


def equality_words(comparison: Mapping[str, Any]) -> list[str]:
    """On whether two simulations gave the same spikes; nothing without a comparison."""
    if "max_abs_difference_ms" not in comparison:
        return []
    largest = comparison["max_abs_difference_ms"]
    n_compared = comparison["n_spikes_compared"]
    sentences = [
        f"{counted(n_compared, 'spike')} of the training engine and of NEST were compared, in every layer; the largest "
        f"difference in time is {largest:.2g} ms."
    ]
    n_spiking = comparison.get("n_spiking_mismatches", 0)
    sentences.append(
        "No neuron fires in one and not in the other."
        if n_spiking == 0
        else f"{counted(n_spiking, 'spike')} occur in one and not in the other."
    )
    n_grazing = comparison.get("n_grazing", 0)
    if n_grazing:
        sentences.append(
            f"{counted(n_grazing, 'spike')} only graze the threshold, so that NEST's precise neurons may miss them; "
            f"they and {counted(comparison.get('n_downstream_spikes', 0), 'spike')} causally downstream of them, in "
            f"{counted(comparison.get('n_touched_trials', 0), 'trial')}, are left out of the comparison and listed in "
            "results.json."
        )
    n_decisions = comparison.get("n_decision_mismatches", 0)
    sentences.append(
        "Every decision is the same." if n_decisions == 0 else f"{counted(n_decisions, 'decision')} differ."
    )
    unexplained = comparison.get("n_unexplained", 0)
    if comparison.get("equal") is False:
        sentences.append(
            f"The two are NOT equal: {counted(unexplained, 'difference')} of spikes and "
            f"{counted(comparison.get('n_decision_mismatches_unexplained', 0), 'decision')} are explained by no "
            "grazing spike."
        )
    return [" ".join(sentences)]


def run_key_numbers(content: RunReport) -> list[KeyNumber]:
    """The head of the report, over all seeds where there are several."""
    results, comparison = content.results, comparison_of(content)
    all_results = list(content.seeds.values()) or [results]
    comparisons = [one.get("nest", {}) for one in content.seeds.values()] or [comparison]
    numbers = []
    for where, label in (("torch", "test accuracy, training engine"), ("nest", "test accuracy, NEST")):
        accuracies = [one[where]["test_accuracy"] for one in all_results if "test_accuracy" in one.get(where, {})]
        if accuracies:
            spread = f" (SD {number(np.std(accuracies, ddof=1), '%')})" if len(accuracies) > 1 else ""
            numbers.append(KeyNumber(number(float(np.mean(accuracies)), "%"), label + spread))
    if "max_abs_difference_ms" in comparison:
        largest = max(one["max_abs_difference_ms"] for one in comparisons)
        n_spikes = sum(one["n_spikes_compared"] for one in comparisons)
        numbers.append(KeyNumber(f"{largest:.1e} ms", "largest difference of a spike time in NEST"))
        numbers.append(KeyNumber(f"{n_spikes:,}", "spikes compared"))
    if "n_unexplained" in comparison:
        n_unexplained = sum(one["n_unexplained"] for one in comparisons)
        numbers.append(KeyNumber(f"{n_unexplained:,}", "unexplained differences", good=n_unexplained == 0))
    if "n_test" in results:
        per_seed = ", for each seed" if len(all_results) > 1 else ""
        numbers.append(KeyNumber(f"{results['n_test']:,}", "test samples" + per_seed))
    return numbers


def comparison_of(content: RunReport) -> Mapping[str, Any]:
    """The comparison of the two simulations; empty without one."""
    return content.comparison if content.comparison is not None else content.results.get("nest", {})
