"""The arguments of an analysis, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...errors import InputError
from .information import CORRECTIONS
from .permutation import require_permutations
from .windows import SPIKE_MODES, WindowSpec

_SMALLEST = {
    "min_active_trials": 1,
    "n_splits": 2,
    "n_repeats": 1,
    "n_sample_trials": 0,
    "n_sample_units": 1,
    "matched_size": 3,
    "n_top": 1,
    "seed": 0,
}
_CHOICES = {"spike_mode": SPIKE_MODES, "correction": CORRECTIONS}


@dataclass(frozen=True)
class Settings:
    """Arguments of :func:`semsync.analysis.analyze.analyze`, described there.

    Raises
    ------
    InputError
        Naming the argument, its value and what was expected.
    """

    windows: Sequence[WindowSpec]
    by: str | None
    spike_mode: str
    min_active_trials: int
    correction: str
    n_permutations: int
    alpha: float
    n_splits: int
    matched_size: int | None
    n_repeats: int
    n_sample_trials: int
    n_sample_units: int
    n_top: int | None
    seed: int

    def __post_init__(self) -> None:
        require_permutations(self.n_permutations, self.alpha)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {getattr(self, name)!r}")
        for name, smallest in _SMALLEST.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise InputError(f"{name} must be at least {smallest}, got {value}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = asdict(self)
        values["windows"] = [spec if isinstance(spec, str) else list(map(float, spec)) for spec in self.windows]
        return values

    def seed_for(self, purpose: str, *numbers: int) -> np.random.SeedSequence:
        """A seed of its own for every purpose, window and group."""
        return np.random.SeedSequence([self.seed, *purpose.encode(), *numbers])
