"""Delays as NEST allows them, and the course of a session: one trial, or several without a reset. Numpy only.

NEST wants every delay to be at least one step, and is fastest and safe when none is below 1 ms. In a network without
a clock of its own a delay added to all synapses of a projection only shifts the layers behind it, so each projection
gets one uniform offset, and the shift of each population is subtracted from its recorded times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..network_description import NetworkDescription

MIN_DELAY = 1.0  # ms; also the length of NEST's slices, so whole slices make every trial the same
TIC = 0.001  # ms; NEST's resolution of resolutions
SNAP = 1e-12  # ms; a delay this close to the grid is on it
N_SD = 3.0  # delays that vary are cut here: they have a smallest value


@dataclass(frozen=True)
class Schedule:
    """Delays in NEST and the course of a session.

    A session is a warm-up, one trial or more a period apart, and a wait in which the network comes to rest.

    Attributes
    ----------
    resolution : float
        Step h of the simulation [ms].
    trial_duration : float
        [ms]
    shift : mapping of str to float
        How much later than in the description the spikes of each population come [ms].
    delays : tuple of array, shapes [n_source, n_target]
        Total delay of each projection [ms], >= ``MIN_DELAY``.
    t_ref : float
        Longest refractory period [ms]; one that lasts to the end of any trial where neurons fire once.
    relay_delay : float
        Mean delay from a neuron to the relay of its axon [ms]; 0 without relays (see `jitter`).
    jitter : float
        Standard deviation of each axon's delay over trials [ms].
    warm_up : float
        From the start of a session to its first onset [ms].
    session : int
        Number of trials in a session.
    onset_interval : float
        From the onset of a trial to that of the next in its session [ms].
    recording_duration : float
        From the onset of a trial until all that counts has happened in every population [ms].
    wait : float
        From then, in the last trial of a session, to the end of the session [ms].
    """

    resolution: float
    trial_duration: float
    shift: Mapping[str, float]
    delays: tuple[NDArray[np.float64], ...]
    t_ref: float
    relay_delay: float
    jitter: float
    warm_up: float
    session: int
    onset_interval: float
    recording_duration: float
    wait: float

    @classmethod
    def of(
        cls,
        description: NetworkDescription,
        resolution: float,
        *,
        delays: Sequence[NDArray[np.float64]] | None = None,
        t_ref: float | None = None,
        jitter: float = 0.0,
        warm_up: float = 0.0,
        session: int = 1,
        gap: float = 0.0,
    ) -> Schedule:
        """Compute the schedule of a network.

        Parameters
        ----------
        description : NetworkDescription
        resolution : float
            [ms]
        delays : sequence of array, optional
            In place of those of the projections [ms]; negative ones are possible where layers can be shifted.
        t_ref : float, optional
            Longest refractory period [ms]; without it neurons fire once a trial.
        jitter, warm_up, gap : float
            [ms]
        session : int

        Raises
        ------
        InputError
            When NEST has no such resolution, or when delays around a loop are too short to be simulated exactly.
        """
        _check_resolution(resolution)
        if delays is None:
            delays = [np.broadcast_to(p.delay, p.weights.shape) for p in description.projections]
        spread = N_SD * jitter
        relay_delay = MIN_DELAY + spread if jitter else 0.0
        hops = {population.name: relay_delay if population.neuron else 0.0 for population in description.populations}
        # NEST refuses a spike at time 0, so the input comes one step later.
        shift = _shifts(description, delays, hops, resolution, start=resolution + spread)
        totals = tuple(
            _snap(delay + (shift[p.target] - shift[p.source] - hops[p.source]), resolution)
            for p, delay in zip(description.projections, delays, strict=True)
        )
        max_delay = max((float(total.max()) for total in totals), default=MIN_DELAY)
        fired_for = _whole_slices(description.trial_duration) if t_ref is None else t_ref
        recording_duration = _whole_slices(description.trial_duration + max(shift.values()) + spread)
        # The last spike may come at the very end: wait until it has arrived and its neuron can be set back.
        wait = _whole_slices(max(fired_for, max_delay + relay_delay + spread)) + MIN_DELAY
        return cls(
            resolution,
            description.trial_duration,
            shift,
            totals,
            fired_for,
            relay_delay,
            jitter,
            _whole_slices(warm_up),
            session,
            _whole_slices(description.trial_duration + gap),
            recording_duration,
            wait,
        )

    @property
    def max_delay(self) -> float:
        """Longest delay in whole slices [ms]."""
        longest = max((float(delay.max()) for delay in self.delays), default=MIN_DELAY)
        return _whole_slices(max(longest, self.relay_delay + N_SD * self.jitter))

    def session_duration(self, n_trials: int) -> float:
        """Time from the start of a session of so many trials to its end [ms]."""
        return self.warm_up + (n_trials - 1) * self.onset_interval + self.recording_duration + self.wait

    def onsets(self, n_trials: int) -> NDArray[np.float64]:
        """Onset of each trial [ms] when all sessions follow one another."""
        trial = np.arange(n_trials)
        within = trial % self.session
        return (
            (trial // self.session) * self.session_duration(self.session) + self.warm_up + within * self.onset_interval
        )


def on_grid(delay: NDArray[np.float64], resolution: float) -> bool:
    """Whether all delays [ms] are multiples of the resolution [ms]."""
    return bool(np.all(np.abs(delay - np.round(delay / resolution) * resolution) <= SNAP))


def cut_normal(rng: np.random.Generator, size: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal numbers; those beyond ``N_SD`` are drawn again."""
    drawn = rng.standard_normal(size)
    while (outside := np.abs(drawn) > N_SD).any():
        drawn[outside] = rng.standard_normal(int(outside.sum()))
    return drawn


def _check_resolution(resolution: float) -> None:
    steps, tics = MIN_DELAY / resolution if resolution > 0 else np.nan, resolution / TIC
    if not (0 < resolution <= MIN_DELAY and abs(steps - round(steps)) < 1e-9 and abs(tics - round(tics)) < 1e-9):
        raise InputError(
            f"resolution must be a multiple of {TIC} ms that divides {MIN_DELAY} ms (0.1, 0.125, 1.0, ...), "
            f"got {resolution!r}"
        )


def _shifts(
    description: NetworkDescription,
    delays: Sequence[NDArray[np.float64]],
    hops: Mapping[str, float],
    resolution: float,
    start: float,
) -> dict[str, float]:
    """Smallest shift of each population that leaves no delay below ``MIN_DELAY``: the longest path from the input."""
    shift = {population.name: start for population in description.populations}
    n_incoming = {name: sum(p.target == name for p in description.projections) for name in shift}
    for _ in range(len(shift) + 1):
        settled = True
        for projection, delay in zip(description.projections, delays, strict=True):
            alone = n_incoming[projection.target] == 1 and projection.source != projection.target
            offset = _least_offset(delay[projection.weights != 0], resolution, align=alone)
            earliest = shift[projection.source] + hops[projection.source] + offset
            if earliest > shift[projection.target] + SNAP:
                shift[projection.target], settled = earliest, False
        if settled:
            return shift
    raise InputError(
        f"delays around a loop of populations must be at least {MIN_DELAY} ms each, "
        f"shorter ones cannot be simulated exactly"
    )


def _least_offset(delay: NDArray[np.float64], resolution: float, *, align: bool) -> float:
    """Smallest offset [ms] that keeps delays >= ``MIN_DELAY``; aligned, a uniform delay also comes onto the grid."""
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
