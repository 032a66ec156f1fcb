"""Delays as NEST allows them, and the course of one trial. Numpy only.

NEST wants every delay to be at least one step, and is fastest and safe when none is below 1 ms. In a network without
a clock of its own a delay added to all synapses of a projection only shifts the layers behind it, so each projection
gets one uniform offset, and the shift of each population is subtracted from its recorded times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..network_description import NetworkDescription, Projection

MIN_DELAY = 1.0  # ms; also the length of NEST's slices, so whole slices make every trial the same
TIC = 0.001  # ms; NEST's resolution of resolutions
SNAP = 1e-12  # ms; a delay this close to the grid is on it


@dataclass(frozen=True)
class Schedule:
    """Delays in NEST and the course of one trial.

    Attributes
    ----------
    resolution : float
        Step h of the simulation [ms].
    shift : mapping of str to float
        How much later than in the description the spikes of each population come [ms].
    delays : tuple of array, shapes [n_source, n_target]
        Total delay of each projection [ms], >= ``MIN_DELAY``.
    t_ref : float
        Refractory period that lasts to the end of any trial [ms].
    recording_duration : float
        From the onset of a trial until all that counts has happened in every population [ms].
    trial_period : float
        From the onset of a trial to the onset of the next [ms].
    """

    resolution: float
    shift: Mapping[str, float]
    delays: tuple[NDArray[np.float64], ...]
    t_ref: float
    recording_duration: float
    trial_period: float

    @classmethod
    def of(cls, description: NetworkDescription, resolution: float) -> Schedule:
        """Compute the schedule of a network.

        Raises
        ------
        InputError
            When NEST has no such resolution, or when delays around a loop are too short to be simulated exactly.
        """
        _check_resolution(resolution)
        shift = _shifts(description, resolution)
        delays = tuple(
            _snap(np.broadcast_to(p.delay, p.weights.shape) + (shift[p.target] - shift[p.source]), resolution)
            for p in description.projections
        )
        max_delay = max((float(delay.max()) for delay in delays), default=MIN_DELAY)
        t_ref = _whole_slices(description.trial_duration)
        recording_duration = _whole_slices(description.trial_duration + max(shift.values()))
        # The last spike may come at the very end: wait until it has arrived and its neuron can be set back.
        wait = _whole_slices(max(t_ref, max_delay)) + MIN_DELAY
        return cls(resolution, shift, delays, t_ref, recording_duration, recording_duration + wait)

    @property
    def max_delay(self) -> float:
        """Longest total delay in whole slices [ms]."""
        return _whole_slices(max((float(delay.max()) for delay in self.delays), default=MIN_DELAY))


def on_grid(delay: NDArray[np.float64], resolution: float) -> bool:
    """Whether all delays [ms] are multiples of the resolution [ms]."""
    return bool(np.all(np.abs(delay - np.round(delay / resolution) * resolution) <= SNAP))


def _check_resolution(resolution: float) -> None:
    steps, tics = MIN_DELAY / resolution if resolution > 0 else np.nan, resolution / TIC
    if not (0 < resolution <= MIN_DELAY and abs(steps - round(steps)) < 1e-9 and abs(tics - round(tics)) < 1e-9):
        raise InputError(
            f"resolution must be a multiple of {TIC} ms that divides {MIN_DELAY} ms (0.1, 0.125, 1.0, ...), "
            f"got {resolution!r}"
        )


def _shifts(description: NetworkDescription, resolution: float) -> dict[str, float]:
    """Smallest shift of each population that leaves no delay below ``MIN_DELAY``: the longest path from the input."""
    # NEST refuses a spike at time 0, so the input comes one step later.
    shift = {population.name: resolution for population in description.populations}
    n_incoming = {name: sum(p.target == name for p in description.projections) for name in shift}
    for _ in range(len(shift) + 1):
        settled = True
        for projection in description.projections:
            alone = n_incoming[projection.target] == 1 and projection.source != projection.target
            earliest = shift[projection.source] + _least_offset(projection, resolution, align=alone)
            if earliest > shift[projection.target] + SNAP:
                shift[projection.target], settled = earliest, False
        if settled:
            return shift
    raise InputError(
        f"delays around a loop of populations must be at least {MIN_DELAY} ms each, "
        f"shorter ones cannot be simulated exactly"
    )


def _least_offset(projection: Projection, resolution: float, *, align: bool) -> float:
    """Smallest offset [ms] that keeps delays >= ``MIN_DELAY``; aligned, a uniform delay also comes onto the grid."""
    delay = np.broadcast_to(projection.delay, projection.weights.shape)[projection.weights != 0]
    if not delay.size:
        return 0.0
    shortest = float(delay.min())
    if align and shortest == delay.max():
        return max(MIN_DELAY, float(np.ceil((shortest - SNAP) / resolution) * resolution)) - shortest
    return max(0.0, MIN_DELAY - shortest)


def _snap(delay: NDArray[np.float64], resolution: float) -> NDArray[np.float64]:
    nearest = np.round(delay / resolution) * resolution
    return np.maximum(np.where(np.abs(delay - nearest) <= SNAP, nearest, delay), MIN_DELAY)


def _whole_slices(duration: float) -> float:
    return float(np.ceil(duration / MIN_DELAY - SNAP)) * MIN_DELAY
