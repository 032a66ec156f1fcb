"""One look for all figures: sizes of a printed page, colours that colour-blind readers can tell apart.

Nothing here touches matplotlib's global state: figures are made without pyplot, under settings that end with the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FULL_WIDTH_MM = 180.0  # two columns of a journal's page
INK, GREY, PALE = "#1f2328", "#8a8f98", "#d5d8dd"

# Okabe and Ito's palette (Wong 2011, doi:10.1038/nmeth.1618).
CELL_TYPE_COLORS = {"E": "#d55e00", "I": "#0072b2", "-": "#4d4d4d"}
CELL_TYPE_NAMES = {"E": "excitatory", "I": "inhibitory", "-": "untyped"}
DECISION_COLOR = "#009e73"
HEAT_MAP = "viridis"
SERIES_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328")

_RC: dict[str, Any] = {
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "figure.dpi": 150,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 7.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 220,
    "svg.hashsalt": "semsync",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.labelsize": 7.5,
    "ytick.major.width": 0.7,
}

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class LineStyle:
    """How the values of one recording are drawn."""

    color: str
    linestyle: str
    filled: bool


MAIN = LineStyle(INK, "-", filled=True)
CONTROL = LineStyle(GREY, "--", filled=False)


@contextmanager
def figure_style(**more: Any) -> Iterator[None]:
    """Matplotlib's settings for semsync's figures, put back afterwards."""
    import matplotlib

    settings: Any = {**_RC, **more}
    with matplotlib.rc_context(settings):
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function that draws under :func:`figure_style`."""

    @wraps(draw)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> R:
        with figure_style():
            return draw(*args, **kwargs)

    return drawing


def new_axes(
    n_rows: int = 1, n_columns: int = 1, *, width_mm: float = FULL_WIDTH_MM, height_mm: float = 60.0, **options: Any
) -> NDArray[np.object_]:
    """Axes of a new figure that no window shows, shape [n_rows, n_columns].

    Parameters
    ----------
    n_rows, n_columns : int
    width_mm, height_mm : float
        Of the whole figure.
    **options
        For :meth:`matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")
        axes: NDArray[np.object_] = figure.subplots(n_rows, n_columns, squeeze=False, **options)
    return axes


def given_axes(axes: Any, n_needed: int) -> list[Axes]:
    """The axes that a caller passed, as a list.

    Raises
    ------
    InputError
        When there are not as many as the figure has panels.
    """
    flat: list[Axes] = list(np.ravel(np.asarray(axes, dtype=object)))
    if len(flat) != n_needed:
        raise InputError(f"this figure has {n_needed} panels, so axes must have {n_needed} entries, got {len(flat)}")
    return flat


def from_zero(ax: Axes) -> None:
    """Let the y axis begin at 0, with room above the largest value."""
    largest = float(ax.dataLim.y1)
    ax.set_ylim(0, 1.08 * largest if np.isfinite(largest) and largest > 0 else 1)


def legend_above(ax: Axes) -> None:
    """A legend in one line over the right end of the axes, where it hides nothing."""
    n_entries = len(ax.get_legend_handles_labels()[1])
    if n_entries:
        legend = ax.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=n_entries, borderaxespad=0.1, columnspacing=1.2
        )
        # One that is wider than its axes would push the axes apart; the line of a title keeps the room above free.
        legend.set_in_layout(False)
        if not ax.get_title(loc="left"):
            ax.set_title(" ")


def readable(name: str) -> str:
    """``hidden_1`` as people write it."""
    return name.replace("_", " ")
