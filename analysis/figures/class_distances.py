"""How far apart the trials of any two classes are, as one heat map per layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from ..measures import apply_window, find_groups, find_window, stimulus_classes
from ..measures.windows import WindowSpec
from .style import FULL_WIDTH_MM, HEAT_MAP, given_axes, new_axes, readable, styled
from .windows import window_title

_MAX_TRIALS = 2000


def class_distance_matrix(activity: ArrayLike, classes: ArrayLike) -> NDArray[np.float64]:
    """Mean Jaccard distance of the sets of active units between trials of any two classes.

    Parameters
    ----------
    activity : bool array, shape [n_trials, n_units]
    classes : int array, shape [n_trials]

    Returns
    -------
    float array, shape [n_classes, n_classes]
        Classes ascending; on the diagonal over pairs of different trials, NaN for a class with a single one.

    Examples
    --------
    >>> class_distance_matrix([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], [0, 0, 1, 1]).tolist()
    [[0.5, 1.0], [1.0, 0.0]]
    """
    active = np.asarray(activity).astype(np.float64)
    labels, index = np.unique(np.asarray(classes), return_inverse=True)
    size = active.sum(axis=1)
    common = active @ active.T
    union = size[:, None] + size[None, :] - common
    distance = np.divide(union - common, union, out=np.zeros_like(union), where=union > 0)
    member = (index[None, :] == np.arange(len(labels))[:, None]).astype(np.float64)
    n_trials = member.sum(axis=1)
    n_pairs = np.outer(n_trials, n_trials) - np.diag(n_trials)  # no trial is a pair with itself
    total = member @ distance @ member.T
    return np.divide(total, n_pairs, out=np.full_like(total, np.nan), where=n_pairs > 0)


@styled
def class_distances(
    table: SpikeTable, *, window: WindowSpec = "all", by: str | None = None, axes: Any = None
) -> NDArray[np.object_]:
    """Jaccard distance between trials, class by class, for every layer.

    Parameters
    ----------
    table : SpikeTable
        With stimulus classes. Of more than 2,000 trials, that many evenly spaced ones are used.
    window : str or (float, float)
        See :func:`~semsync.analysis.measures.find_window`.
    by : {"layer", "area", "population"}, optional
        See :func:`~semsync.analysis.measures.find_groups`.
    axes : sequence of matplotlib Axes, optional
        One per group of units.

    Returns
    -------
    array of matplotlib Axes, shape [n_groups]

    Raises
    ------
    InputError
        When the recording has fewer than two classes, or not this window.
    """
    inside = apply_window(table, find_window(table, window))
    classes = stimulus_classes(inside)
    if classes is None:
        raise InputError("distances between classes need a recording with at least two stimulus classes")
    trials = np.linspace(0, inside.n_trials - 1, min(inside.n_trials, _MAX_TRIALS)).astype(np.intp)
    activity = inside.counts()[trials] > 0
    groups = find_groups(table, by)
    if axes is None:
        width = min(FULL_WIDTH_MM, 42.0 * len(groups) + 22)
        axes = new_axes(1, len(groups), width_mm=width, height_mm=width / (len(groups) + 0.4) + 12)
    panels = given_axes(axes, len(groups))
    labels = class_labels(table, np.unique(classes[trials]))
    ticks = np.arange(len(labels))[:: max(1, len(labels) // 10)]
    matrices = [class_distance_matrix(activity[:, group.rows], classes[trials]) for group in groups]
    low, high = _color_range(np.array(matrices))
    for ax, group, matrix in zip(panels, groups, matrices, strict=True):
        image = ax.imshow(matrix, cmap=HEAT_MAP, vmin=low, vmax=high, interpolation="nearest")
        ax.set_title(readable(group.name))
        ax.set_xlabel("class")
        names = [labels[tick] for tick in ticks]
        crowded = sum(map(len, names)) > 24
        ax.set_xticks(ticks, names, rotation=35 if crowded else 0, ha="right" if crowded else "center")
        ax.set_yticks(ticks, names)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    for ax in panels[1:]:
        ax.set_yticks([])
    panels[0].set_ylabel("class")
    bar = panels[-1].figure.colorbar(image, ax=panels, shrink=0.75, pad=0.015)
    title = window_title(window if isinstance(window, str) else f"{window[0]:g}..{window[1]:g} ms")
    bar.set_label(f"Jaccard distance\n({title})")
    bar.outline.set_visible(False)
    return np.array(panels, dtype=object)


def class_labels(table: SpikeTable, classes: NDArray[np.int64]) -> list[str]:
    """Classes as the recording names them, by number where it has no names."""
    names = table.annotations.get("class_names", ())
    return [str(names[k]) if 0 <= k < len(names) else str(k) for k in classes.tolist()]


def _color_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Twentieths that hold all values; a tenth at least, so that noise does not fill the range."""
    if not np.isfinite(values).any():
        return 0.0, 1.0
    low, high = np.floor(20 * np.nanmin(values)) / 20, np.ceil(20 * np.nanmax(values)) / 20
    return float(low), float(max(high, low + 0.1))
