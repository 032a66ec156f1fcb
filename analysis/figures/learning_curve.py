"""Loss and accuracy over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .style import CONTROL, DECISION_COLOR, MAIN, given_axes, new_axes, styled


@styled
def learning_curve(
    history: Sequence[Mapping[str, Any]], *, best_epoch: int | None = None, axes: Any = None
) -> NDArray[np.object_]:
    """Loss and accuracy of the training and the validation set, epoch by epoch.

    Parameters
    ----------
    history : sequence of mapping
        One per epoch, with `epoch`, `train_loss`, `train_accuracy`, `validation_loss` and `validation_accuracy`.
    best_epoch : int, optional
        Marked; the epoch whose network was kept.
    axes : sequence of matplotlib Axes, optional
        Two.

    Returns
    -------
    array of matplotlib Axes, shape [2]

    Raises
    ------
    InputError
        When the history is empty.
    """
    if not history:
        raise InputError("there is no learning curve without an epoch of training")
    panels = given_axes(new_axes(1, 2, width_mm=150, height_mm=55) if axes is None else axes, 2)
    epochs = np.array([entry["epoch"] for entry in history])
    for ax, measure in zip(panels, ("loss", "accuracy"), strict=True):
        for split, style in (("train", CONTROL), ("validation", MAIN)):
            values = np.array([entry[f"{split}_{measure}"] for entry in history], dtype=np.float64)
            label = "training" if split == "train" else split
            ax.plot(epochs, values, color=style.color, linestyle=style.linestyle, label=label)
            if best_epoch is not None and split == "validation" and best_epoch in epochs:
                ax.plot(
                    [best_epoch],
                    values[epochs == best_epoch],
                    "o",
                    color=DECISION_COLOR,
                    label=f"kept: epoch {best_epoch}",
                    zorder=4,
                )
        ax.set_xlabel("epoch")
        ax.set_ylabel(measure)
    panels[1].set_ylim(top=1.01)
    panels[1].legend(loc="lower right")
    return np.array(panels, dtype=object)
