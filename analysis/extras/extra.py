"""What an additional analysis is: a few parameters, and the tables that it makes of one window of a recording."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ...named import Named, parameter

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.window_tables import WindowTables

__all__ = ["Extra", "parameter"]


@dataclasses.dataclass(frozen=True)
class Extra(Named, ABC):
    """One additional analysis, found by its name.

    Attributes
    ----------
    name : str
        What a user calls it.
    summary : str
        One line for the help.
    needs_times : bool
        Whether it needs spike times, so that recordings of binned counts cannot have it.
    needs_classes : bool
        Whether it needs stimulus classes.
    """

    family: ClassVar[str] = "analysis"
    summary: ClassVar[str]
    needs_times: ClassVar[bool] = True
    needs_classes: ClassVar[bool] = False

    @abstractmethod
    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """Tidy tables by name, of one window of a recording.

        Parameters
        ----------
        window : WindowTables
            Holds the recording cut to the window (`table`), its `classes`, `groups`, `first_spikes`, `activity` and the
            `settings` of the analysis, whose `seed_for(purpose, window.number, ...)` seeds every random number. What
            cannot be computed is said as a sentence in `window.lacks`.

        Returns
        -------
        mapping of str to DataFrame
            One observation a row. `analyze` puts a first column `window` before the others, and joins the tables of all
            windows. Columns end in their unit; what cannot be computed is NaN.
        """
