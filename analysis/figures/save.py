"""Figures as bytes and as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# No date, so that the same figure is the same file.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}


def figure_of(axes: Any) -> Figure:
    """The figure that the axes of a figure function are on."""
    from matplotlib.figure import Figure

    figure = np.ravel(np.asarray(axes, dtype=object))[0].get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def render(axes: Any, file_format: str = "svg", *, editable_text: bool = False) -> bytes:
    """The figure that some axes are on, as a file's content.

    Parameters
    ----------
    axes : matplotlib Axes, or array of them
        What a figure function returned.
    file_format : {"svg", "pdf", "png"}
    editable_text : bool
        Leave text in an SVG as text, for a drawing program, instead of outlines that look alike everywhere.
    """
    buffer = io.BytesIO()
    with figure_style(**{"svg.fonttype": "none" if editable_text else "path"}):
        figure_of(axes).savefig(buffer, format=file_format, metadata=_METADATA[file_format])
    return buffer.getvalue()
