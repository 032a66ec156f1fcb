"""Ensembles beside each other, measure by measure, and how far they are apart in units of their own spread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..comparison_measures import find_title
from .style import FULL_WIDTH_MM, GREY, INK, figure_style, from_zero, given_axes, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..comparison import Comparison

_COLUMNS = 3
_PANEL_MM, _ROW_MM = 44.0, 5.5
_MAX_TEXTS = 16  # columns of a map whose cells still hold a number
# Okabe and Ito's palette, each with a marker of its own for print without colour.
_LOOKS = (
    ("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#56b4e9", "v"), ("#e69f00", "P"),
)  # fmt: skip
_REFERENCE = {"decoding_above_chance": 0.0, "jaccard_auc": 0.5, "information_gain": 0.0}
_KEY = ["ensemble_a", "ensemble_b", "group_a", "group_b"]


@styled
def comparison(result: Comparison, *, window: str | None = None, axes: Any = None) -> NDArray[np.object_]:
    """Values of every measure by ensemble and group; below them a map of distances for every two ensembles.

    Parameters
    ----------
    result : Comparison
    window : str, optional
        Window of the first ensemble in a pair; the first that was compared without.
    axes : sequence of matplotlib Axes, optional
        One for each measure, then one for each pair of ensembles.

    Returns
    -------
    array of matplotlib Axes, shape [n_measures + n_pairs]
        Small points are members, large ones the mean of an ensemble with its SD; of a single analysis, the mean with
        the bootstrap interval. A map holds the distance of members of two ensembles over that of members of one, or,
        without an ensemble, the Kolmogorov-Smirnov distance; a star marks q < 0.05.

    Raises
    ------
    InputError
        When the window was not compared.
    """
    found = list(dict.fromkeys(result.distances["window_a"]))
    window = window or found[0]
    if window not in found:
        raise InputError(f"the comparison has no window {window!r}; it has {', '.join(map(repr, found))}")
    rows = result.distances[result.distances["window_a"] == window]
    measures = list(dict.fromkeys(rows["measure"]))
    pairs = [of_pair for _, of_pair in rows.groupby(["ensemble_a", "ensemble_b"], sort=False)]
    panels = _new_axes(len(measures), pairs) if axes is None else given_axes(axes, len(measures) + len(pairs))
    columns = _columns(result.values, rows)
    for ax, measure in zip(panels, measures, strict=False):
        _draw_values(ax, result.values, columns, measure)
    for ax, of_pair in zip(panels[len(measures) :], pairs, strict=True):
        _draw_map(ax, of_pair)
    for ax in panels[: min(_COLUMNS, len(measures))]:
        ax.set_title(" ")
    handles, labels = panels[0].get_legend_handles_labels()
    legend = panels[0].legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(labels), borderaxespad=0.1
    )
    legend.set_in_layout(False)
    return np.array(panels, dtype=object)


def _new_axes(n_measures: int, pairs: list[pd.DataFrame]) -> list[Axes]:
    from matplotlib.figure import Figure

    n_rows = -(-n_measures // _COLUMNS)
    heights = [_PANEL_MM * n_rows, *(_ROW_MM * rows["measure"].nunique() + 34 for rows in pairs)]
    with figure_style():
        figure = Figure(figsize=(FULL_WIDTH_MM / 25.4, sum(heights) / 25.4), layout="constrained")
        # Apart, so that the long labels of a map do not narrow the panels above.
        above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        grid = above.add_gridspec(n_rows, _COLUMNS)
        panels = [above.add_subplot(grid[row // _COLUMNS, row % _COLUMNS]) for row in range(n_measures)]
        for part, rows in zip(below, pairs, strict=True):
            # A single pair of groups needs no wide map.
            share = min(0.98, 0.5 + 0.08 * len(rows[_KEY].drop_duplicates()))
            panels.append(part.add_subplot(part.add_gridspec(1, 2, width_ratios=[share, 1 - share])[0, 0]))
    return panels


def _columns(values: pd.DataFrame, rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Ensemble, window and group of every column of a panel."""
    ends = [
        rows[[f"ensemble_{end}", f"window_{end}", f"group_{end}"]].itertuples(index=False, name=None) for end in "ab"
    ]
    shown = {tuple(map(str, key)) for end in ends for key in end}
    order = dict.fromkeys(values[["ensemble", "window", "group"]].itertuples(index=False, name=None))
    names = list(dict.fromkeys(values["ensemble"]))
    return sorted((key for key in order if key in shown), key=lambda key: names.index(key[0]))


def _draw_values(ax: Axes, values: pd.DataFrame, columns: list[tuple[str, str, str]], measure: str) -> None:
    of_measure = values[values["measure"] == measure]
    ticks, labels, x = [], [], 0.0
    for number, (ensemble, keys) in enumerate(groupby(columns, key=lambda key: key[0])):
        color, marker = _LOOKS[number % len(_LOOKS)]
        label = ensemble
        for _, window, group in keys:
            rows = of_measure[
                (of_measure["ensemble"] == ensemble) & (of_measure["window"] == window) & (of_measure["group"] == group)
            ]
            ticks.append(x)
            labels.append(group.replace("hidden ", "h"))
            if len(rows):
                _draw_column(ax, x, rows, color, marker, label)
                label = "_nolegend_"
            x += 1
        x += 0.6
    if measure in _REFERENCE:
        ax.axhline(_REFERENCE[measure], color=GREY, linewidth=0.7, linestyle=":", zorder=0)
    flat = sum(len(label) + 2 for label in labels) < 24
    _label_columns(ax, ticks, labels, 0 if flat else 55 if len(labels) <= 10 else 90)
    ax.set_xlim(-0.6, x - 1)
    ax.set_ylabel(_wrapped(find_title(measure, str(of_measure["unit"].iloc[0]))))
    if measure not in _REFERENCE and float(ax.dataLim.y0) >= 0:
        from_zero(ax)


def _label_columns(ax: Axes, ticks: Sequence[float], labels: Sequence[str], rotation: int) -> None:
    place = "center" if rotation == 0 else "right"
    ax.set_xticks(
        ticks, labels, rotation=rotation, ha=place, va="top" if rotation == 0 else "center", rotation_mode="anchor"
    )
    if rotation == 0:
        ax.tick_params(axis="x", pad=3)


def _wrapped(title: str) -> str:
    """In two lines where one would be longer than its axis."""
    if len(title) < 24:
        return title
    for gap in (" / ", " ("):
        before, found, after = title.partition(gap)
        if found:
            return f"{before}{gap.rstrip()}\n{after}" if gap == " / " else f"{before}\n({after}"
    return title


def _draw_column(ax: Axes, x: float, rows: pd.DataFrame, color: str, marker: str, label: str) -> None:
    means = rows["mean"].to_numpy(dtype=np.float64)
    mean = float(means.mean())
    if len(means) > 1:
        offset = ((np.arange(len(means)) * 0.618) % 1 - 0.5) * 0.5
        ax.plot(x + offset, means, ".", color=color, alpha=0.5, markersize=3.5, markeredgewidth=0)
        low = high = float(means.std(ddof=1))
    else:
        low, high = (abs(mean - float(rows[column].iloc[0])) for column in ("mean_low", "mean_high"))
    error = None if np.isnan(low) else [[low], [high]]
    ax.errorbar(
        [x], [mean], error, color=color, marker=marker, markersize=4, capsize=2, elinewidth=0.9, linestyle="none",
        label=label,
    )  # fmt: skip


def _draw_map(ax: Axes, rows: pd.DataFrame) -> None:
    from matplotlib.colors import LogNorm, Normalize

    measures = list(dict.fromkeys(rows["measure"]))
    pairs = list(dict.fromkeys(rows[_KEY].itertuples(index=False, name=None)))
    judged = rows["distance_ratio"].notna().any()
    column = "distance_ratio" if judged else "ks"
    values, q = np.full((len(measures), len(pairs)), np.nan), np.full((len(measures), len(pairs)), np.nan)
    for row in rows.to_dict("records"):
        where = measures.index(row["measure"]), pairs.index(tuple(row[key] for key in _KEY))
        values[where], q[where] = row[column], row["q_value"]
    largest = np.nanmax(values) if np.isfinite(values).any() else 1.0
    norm = LogNorm(1, max(10.0, float(largest))) if judged else Normalize(0, 1)
    # Below 1 members of two ensembles are nearer than those of one.
    image = ax.imshow(
        np.fmax(values, 1.0) if judged else values, cmap="Greys", norm=norm, aspect="auto", interpolation="nearest"
    )
    for (row_number, number), value in np.ndenumerate(values):
        if np.isfinite(value):
            few = len(pairs) <= _MAX_TEXTS
            star = "*" if q[row_number, number] < 0.05 else ""
            dark = norm(max(value, 1.0) if judged else value) > 0.55
            text = f"{value:.0f}" if value >= 10 else f"{value:.1f}" if judged else f"{value:.2f}"
            text = text if few else ""
            ax.text(
                number, row_number, text + star, ha="center", va="center", fontsize=6, color="white" if dark else INK
            )
    labels = [f"{a.replace('hidden ', 'h')} | {b.replace('hidden ', 'h')}" for _, _, a, b in pairs]
    _label_columns(ax, range(len(pairs)), labels, 55)
    titles = [find_title(measure) for measure in measures]
    ax.set_yticks(range(len(measures)), titles)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    names = " and ".join(pairs[0][:2])
    what = (
        "distance between members of two ensembles\nover that of members of one"
        if judged
        else "Kolmogorov-Smirnov distance"
    )
    ax.set_title(f"{names}: {what}" + (" (* q < 0.05)" if judged else ""))
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, pad=0.015)
    bar.outline.set_visible(False)
