"""Repeated spike patterns, through SPADE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import InputError
from ..measures.surrogates import SURROGATES
from .extra import Extra, parameter

if TYPE_CHECKING:
    import pandas as pd

    from ..measures.patterns import Patterns
    from ..measures.window_tables import WindowTables

MOST_UNITS = 100


@dataclass(frozen=True)
class SpikePatterns(Extra):
    """See :func:`~semsync.analysis.measures.patterns.spade_patterns`."""

    name: ClassVar[str] = "patterns"
    summary: ClassVar[str] = f"spike patterns that recur across up to {MOST_UNITS} units (SPADE), against surrogates"

    bin_size: float = parameter(5.0, "precision of spike times", unit="ms", above=0)
    winlen: int = parameter(10, "bins that a pattern spans at most; 1: synchronous patterns only", minimum=1)
    min_spikes: int = parameter(3, "spikes of a pattern, at least", minimum=2)
    min_occ: int = parameter(5, "occurrences of a pattern, at least", minimum=2)
    min_neu: int = parameter(0, "units of a pattern, at least; 0: as many as min_spikes", minimum=0)
    surrogate: str = parameter("dither_spikes", "kind of surrogate", choices=tuple(SURROGATES))
    dither: float = parameter(25.0, "how far surrogates move spikes", unit="ms", above=0)
    n_surrogates: int = parameter(500, "number of surrogates", minimum=1)
    alpha: float = parameter(0.05, "false discovery rate over signatures", above=0, maximum=0.5)
    max_memory: float = parameter(4.0, "more is refused", unit="GB", above=0.5)

    def compute(self, window: WindowTables) -> Mapping[str, pd.DataFrame]:
        """Tables ``patterns``, ``pattern_occurrences`` and ``pattern_spectrum``."""
        import pandas as pd

        from ..measures.enough_surrogates import require_surrogates
        from ..measures.patterns import PatternSettings
        from ..measures.patterns_process import limited_spade_patterns

        table = window.table
        require_surrogates(self.n_surrogates, self.alpha)
        if table.n_units > MOST_UNITS:
            raise InputError(
                f"patterns are searched among up to {MOST_UNITS} units, and there are {table.n_units}: choose some "
                "with --units-where or --unit-rate"
            )
        if self.surrogate not in ("shuffle_isis", "trial_shuffling") and self.dither < 2 * self.bin_size:
            raise InputError(
                f"dither must be at least twice bin_size = {self.bin_size:g} ms, or surrogates keep the patterns; got "
                f"{self.dither:g} ms"
            )
        names = (
            "bin_size",
            "winlen",
            "min_spikes",
            "min_occ",
            "min_neu",
            "surrogate",
            "dither",
            "n_surrogates",
            "alpha",
        )
        settings = PatternSettings(**{name: getattr(self, name) for name in names})
        seed = window.settings.seed_for("patterns", window.number)
        found = limited_spade_patterns(table, settings, max_memory=self.max_memory, seed=seed)
        window.lacks += found.remarks
        stated: dict[str, Any] = {
            "n_units": table.n_units,
            "n_surrogates": self.n_surrogates,
            "surrogate": self.surrogate,
            "dither_ms": self.dither,
            "bin_size_ms": self.bin_size,
            "winlen": self.winlen,
            "alpha": self.alpha,
        }
        return {
            "patterns": pd.DataFrame(_pattern_columns(found, table.units["unit_id"])).assign(**stated),
            "pattern_occurrences": pd.DataFrame(_occurrence_columns(found, np.flatnonzero(window.window.included))),
            "pattern_spectrum": pd.DataFrame(dict(found.signatures)).assign(**stated),
        }


def _pattern_columns(found: Patterns, unit_id: Any) -> dict[str, Any]:
    patterns = found.patterns
    return {
        "pattern": np.arange(len(patterns)),
        "unit_ids": [",".join(str(unit_id[row]) for row in one.units) for one in patterns],
        "lags_ms": [",".join(f"{lag:g}" for lag in one.lags) for one in patterns],
        "n_spikes": np.array([len(one.units) for one in patterns], dtype=np.int64),
        "n_occurrences": np.array([len(one.times) for one in patterns], dtype=np.int64),
        "p_value": np.array([one.p_value for one in patterns], dtype=np.float64),
        "q_value": np.array([one.q_value for one in patterns], dtype=np.float64),
    }


def _occurrence_columns(found: Patterns, trial: Any) -> dict[str, Any]:
    patterns = found.patterns
    return {
        "pattern": np.repeat(np.arange(len(patterns)), [len(one.times) for one in patterns]),
        "trial": np.array([trial[row] for one in patterns for row in one.trials], dtype=np.int64),
        "time_ms": np.array([time for one in patterns for time in one.times], dtype=np.float64),
    }
