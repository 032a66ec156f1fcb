"""Spike times of two simulations of one network, spike by spike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .style import CELL_TYPE_COLORS, GREY, INK, given_axes, legend_above, new_axes, styled

MAX_POINTS = 20_000
_SMALLEST = 1e-16  # ms; where differences of exactly zero are drawn


@styled
def spike_time_equality(
    reference_times: ArrayLike,
    simulated_times: ArrayLike,
    *,
    max_abs_difference: float | None = None,
    tolerance: float | None = None,
    labels: tuple[str, str] = ("training engine", "NEST"),
    axes: Any = None,
) -> NDArray[np.object_]:
    """Scatter of spike times in two simulations, and the histogram of their differences.

    Parameters
    ----------
    reference_times, simulated_times : array, shape [n_spikes]
        Of the same spikes [ms]. Of more than 20,000 the scatter shows that many, evenly spaced; the histogram all.
    max_abs_difference : float, optional
        Largest difference [ms] to write into the figure; that of the arrays without it.
    tolerance : float, optional
        Marked in the histogram [ms].
    labels : (str, str)
        What the simulations are called.
    axes : sequence of matplotlib Axes, optional
        Two.

    Returns
    -------
    array of matplotlib Axes, shape [2]

    Raises
    ------
    InputError
        When the arrays differ in shape or are empty.
    """
    reference = np.asarray(reference_times, dtype=np.float64)
    simulated = np.asarray(simulated_times, dtype=np.float64)
    if reference.ndim != 1 or reference.shape != simulated.shape or not len(reference):
        raise InputError(
            f"spike times must be two vectors of one length, not empty, got {reference.shape} and {simulated.shape}"
        )
    difference = np.abs(simulated - reference)
    largest = float(difference.max()) if max_abs_difference is None else max_abs_difference
    scatter, histogram = given_axes(new_axes(1, 2, width_mm=150, height_mm=65) if axes is None else axes, 2)

    shown = np.linspace(0, len(reference) - 1, min(len(reference), MAX_POINTS)).astype(np.intp)
    limits = (float(reference.min()), float(reference.max()))
    scatter.axline((limits[0], limits[0]), slope=1, color=GREY, linewidth=0.7, zorder=1)
    scatter.plot(
        reference[shown],
        simulated[shown],
        ".",
        color=CELL_TYPE_COLORS["I"],
        markersize=2.5,
        markeredgewidth=0,
        alpha=0.5,
        rasterized=True,
    )
    scatter.set_aspect("equal", adjustable="box")
    scatter.set_xlabel(f"spike time, {labels[0]} (ms)")
    scatter.set_ylabel(f"spike time, {labels[1]} (ms)")
    scatter.set_title(f"{len(reference):,} spikes" + (f", {len(shown):,} shown" if len(shown) < len(reference) else ""))

    n_equal = int((difference == 0).sum())
    exponents = np.arange(-16, np.ceil(np.log10(max(largest, difference.max(), 1e-14))) + 1.01, 0.25)
    histogram.hist(np.maximum(difference, _SMALLEST * 1.01), bins=list(10.0**exponents), color=CELL_TYPE_COLORS["I"])
    histogram.set_xscale("log")
    histogram.set_yscale("log")
    histogram.set_ylim(bottom=0.7)
    histogram.axvline(max(largest, _SMALLEST), color=INK, linewidth=0.9, label=f"largest: {largest:.1e} ms")
    if tolerance is not None:
        histogram.axvline(
            tolerance, color=CELL_TYPE_COLORS["E"], linestyle="--", linewidth=0.9, label=f"tolerance: {tolerance:g} ms"
        )
    legend_above(histogram)
    zeros = f"\n(leftmost bar: {n_equal:,} equal to the last bit)" if n_equal else ""
    histogram.set_xlabel(f"|{labels[1]} - {labels[0]}| (ms){zeros}")
    histogram.set_ylabel("spikes")
    return np.array([scatter, histogram], dtype=object)
