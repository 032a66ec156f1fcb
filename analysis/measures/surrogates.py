"""Surrogates of a whole recording at once: spikes moved so that their fine timing is lost and their number is kept.

Names and definitions are those of :mod:`elephant.spike_train_surrogates`, which works on one `neo.SpikeTrain` at a time
(Louis, Gerstein, Gruen, Diesmann 2010, doi:10.3389/fncom.2010.00127; Stella, Bouss, Palm, Gruen 2022,
doi:10.1523/ENEURO.0505-21.2022). A train here is the spikes of one unit in one trial.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .classes import stimulus_classes
from .resolution import find_resolution, first_of_trial

SURROGATES = {
    "dither_spikes": "each spike anew within +-dither, reflected at the borders of its trial",
    "dither_spikes_with_refractory_period": "the same, no closer to its neighbours than the refractory period",
    "jitter_spikes": "each spike anew within its bin of the width dither, bins counted from the start of the trial",
    "shuffle_isis": "interspike intervals of each train in another order",
    "trial_shifting": "each train shifted as a whole within +-dither, around the ends of its trial",
    "trial_shuffling": "trials of each unit permuted, within stimulus classes where there are any",
}
_ROUNDING = 1e-6  # of a bin or tick
_WITH_DITHER = ("dither_spikes", "dither_spikes_with_refractory_period", "jitter_spikes", "trial_shifting")


class SurrogateSpikes(NamedTuple):
    """One surrogate; row i is what became of spike i of the table, whose unit it keeps.

    Attributes
    ----------
    times : float array, shape [n_spikes]
        [ms] from onset; not sorted.
    trial : int array, shape [n_spikes]
        The table's own but for trial shuffling.
    """

    times: NDArray[np.float64]
    trial: NDArray[np.int32]


class Surrogates:
    """Draws surrogates of a table; what all of them share is worked out once.

    Every method keeps the number of spikes of each unit and all but `trial_shuffling` that of each unit in each trial,
    so that rates, packet sizes and participation are exactly those of the recording. A spike that is dithered beyond
    its trial is therefore reflected, neither dropped (which would lower rates, Elephant's ``edges=True``) nor set to
    the border (which would pile up coincidences there, ``edges=False``); a constant rate stays constant under it.

    Parameters
    ----------
    table : SpikeTable
        Cut to a window.
    method : str
        One of ``SURROGATES``.
    dither : float
        [ms] Largest displacement of `dither_spikes` and `trial_shifting`, width of the bins of `jitter_spikes`.
    refractory_period : float
        [ms] Of `dither_spikes_with_refractory_period`; in a train with shorter intervals its shortest, as in Elephant.
    resolution : float, optional
        [ms] Clock of the recording, of which surrogates are multiples too (see :mod:`.resolution`); 0 for none. Found
        from the spikes without it.

    Raises
    ------
    InputError
        On another method, times that are not positive, or spikes of one trial that other trials could not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import SpikeTable
    >>> trials = {"start": [0.0], "stop": [20.0]}
    >>> table = SpikeTable([3.0, 12.0, 4.0], [0, 0, 1], [0, 0, 0], {"unit_id": [0, 1]}, trials)
    >>> moved = Surrogates(table, "jitter_spikes", dither=5.0).draw(np.random.default_rng(0))
    >>> (moved.times // 5 == table.times // 5).all().item()
    True
    """

    def __init__(
        self,
        table: SpikeTable,
        method: str = "jitter_spikes",
        *,
        dither: float = 5.0,
        refractory_period: float = 2.0,
        resolution: float | None = None,
    ) -> None:
        if method not in SURROGATES:
            raise InputError(f"surrogates must be one of {', '.join(SURROGATES)}, got {method!r}")
        if method in _WITH_DITHER and not dither > 0:
            raise InputError(f"dither must be positive [ms], got {dither}")
        if method == "dither_spikes_with_refractory_period" and not refractory_period >= 0:
            raise InputError(f"refractory_period must not be negative [ms], got {refractory_period}")
        self.table, self.method, self.dither, self.refractory_period = table, method, dither, refractory_period
        self._lower, self._upper = table.t_start[table.trial], table.t_stop[table.trial]
        # A spike at a border may lie beyond it by the rounding of the recording's clock.
        self._times = np.clip(table.times, self._lower, self._upper)
        self.resolution = find_resolution(table) if resolution is None else resolution
        if self.resolution > 0:
            if method in _WITH_DITHER and dither < self.resolution:
                raise InputError(
                    f"dither = {dither:g} ms moves no spike of a recording with a resolution of {self.resolution:g} ms"
                )
            self._ends_are_used = bool(np.any(self._upper - self._times < _ROUNDING))
            self._origin = np.clip(first_of_trial(table)[table.trial], self._lower, self._upper)
        if method in ("dither_spikes_with_refractory_period", "shuffle_isis", "trial_shifting"):
            self._find_trains()
        if method == "trial_shuffling":
            self._require_exchangeable_trials()

    def draw(self, rng: np.random.Generator) -> SurrogateSpikes:
        """One surrogate, independent of those drawn before."""
        if self.method == "trial_shuffling":
            return SurrogateSpikes(self.table.times, self._shuffled_trials(rng))
        times: NDArray[np.float64] = getattr(self, f"_{self.method}")(rng)
        return SurrogateSpikes(np.clip(self._on_grid(times), self._lower, self._upper), self.table.trial)

    def draw_table(self, rng: np.random.Generator) -> SpikeTable:
        """One surrogate as a table, its spikes sorted."""
        table, (times, trial) = self.table, self.draw(rng)
        return SpikeTable(times, table.unit, trial, table.units, table.trials, table.annotations)

    def _find_trains(self) -> None:
        """Sort spikes by train and time: `_order`; `_train` of each sorted spike, `_first` spike of each train."""
        table = self.table
        flat = table.trial.astype(np.int64) * table.n_units + table.unit
        self._order = np.lexsort((self._times, flat))
        flat = flat[self._order]
        begins = np.r_[True, flat[1:] != flat[:-1]] if len(flat) else np.zeros(0, dtype=bool)
        self._train = np.cumsum(begins) - 1
        self._first = np.flatnonzero(begins)

    def _unsorted(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times in the order of `_order` back in the order of the table."""
        result = np.empty(len(times))
        result[self._order] = times
        return result

    def _on_grid(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times at the nearest tick of the recording's clock within their trial."""
        if not self.resolution:
            return times
        tick = np.round((times - self._origin) / self.resolution)
        earliest = np.ceil((self._lower - self._origin) / self.resolution - _ROUNDING)
        latest = self._tick_after(self._upper, at_the_end=True) - 1
        result: NDArray[np.float64] = self._origin + np.clip(tick, earliest, latest) * self.resolution
        return result

    def _tick_after(self, right: NDArray[np.float64], *, at_the_end: NDArray[np.bool_] | bool) -> NDArray[np.float64]:
        """First tick beyond a right edge, which belongs to what follows; a trial's end to the trial, if to any."""
        after: NDArray[np.float64] = np.ceil((right - self._origin) / self.resolution - _ROUNDING)
        on_edge = np.abs(self._origin + after * self.resolution - right) < _ROUNDING
        return after + (on_edge & at_the_end & self._ends_are_used)

    def _displacements(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Uniform within the dither, in ticks where there is a clock."""
        if not self.resolution:
            return self.dither * (2 * rng.random(n) - 1)
        most = int(self.dither / self.resolution + _ROUNDING)
        ticks = rng.integers(-most, most, size=n, endpoint=True)
        return ticks.astype(np.float64) * self.resolution

    def _dither_spikes(self, rng: np.random.Generator) -> NDArray[np.float64]:
        moved = self._times + self._displacements(rng, len(self._times))
        return reflect(moved, self._lower, self._upper)

    def _jitter_spikes(self, rng: np.random.Generator) -> NDArray[np.float64]:
        number = np.floor((self._times - self._lower) / self.dither + _ROUNDING)
        # A spike at the very end of a trial belongs to its last bin.
        last = np.maximum(np.ceil((self._upper - self._lower) / self.dither - _ROUNDING) - 1, 0)
        left = self._lower + np.minimum(number, last) * self.dither
        right = np.where(number >= last, self._upper, left + self.dither)
        if not self.resolution:
            return left + rng.random(len(left)) * (right - left)
        # The ticks of the bin; its right edge belongs to the next one, where there is one.
        first = np.ceil((left - self._origin) / self.resolution - _ROUNDING)
        after = self._tick_after(right, at_the_end=number >= last)
        ticks = first + np.floor(rng.random(len(left)) * np.maximum(after - first, 1))
        return self._origin + ticks * self.resolution

    def _trial_shifting(self, rng: np.random.Generator) -> NDArray[np.float64]:
        shift = self._displacements(rng, len(self._first))
        moved = self._times + self._unsorted(shift[self._train]) - self._lower
        span = self._upper - self._lower
        return self._lower + np.mod(moved, np.where(span > 0, span, 1.0))

    def _shuffle_isis(self, rng: np.random.Generator) -> NDArray[np.float64]:
        times, lower = self._times[self._order], self._lower[self._order]
        isis = np.diff(times, prepend=0.0)
        isis[self._first] = times[self._first] - lower[self._first]
        isis = isis[np.lexsort((rng.random(len(isis)), self._train))]
        total = np.cumsum(isis)
        before = (total - isis)[self._first]
        return self._unsorted(lower + total - before[self._train])

    def _dither_spikes_with_refractory_period(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Spikes in random order, each between where its neighbours are by then.

        Order matters between neighbours only, so all spikes that come before both of their neighbours move at once.
        """
        n_spikes = len(self._times)
        if not n_spikes:
            return self._times
        times = self._times[self._order].copy()
        dead = np.full(len(self._first), self.refractory_period)
        inner = np.flatnonzero(np.diff(self._train) == 0)
        np.minimum.at(dead, self._train[inner], times[inner + 1] - times[inner])
        dead_time = dead[self._train]
        has_previous = np.zeros(n_spikes, dtype=bool)
        has_previous[inner + 1] = True
        has_next = np.zeros(n_spikes, dtype=bool)
        has_next[inner] = True
        lower, upper = self._lower[self._order], self._upper[self._order]
        priority = rng.random(n_spikes)
        waiting = np.arange(n_spikes)
        while len(waiting):
            previous, following = waiting - 1, np.minimum(waiting + 1, n_spikes - 1)
            is_next = priority[waiting] <= np.minimum(
                np.where(has_previous[waiting], priority[previous], np.inf),
                np.where(has_next[waiting], priority[following], np.inf),
            )
            now, previous, following = waiting[is_next], previous[is_next], following[is_next]
            room_before = np.where(
                has_previous[now], times[now] - times[previous] - dead_time[now], times[now] - lower[now]
            )
            room_after = np.where(
                has_next[now], times[following] - times[now] - dead_time[now], upper[now] - times[now]
            )
            down = np.clip(room_before, 0, self.dither)
            up = np.clip(room_after, 0, self.dither)
            times[now] += (down + up) * rng.random(len(now)) - down
            priority[now] = np.inf
            waiting = waiting[~is_next]
        return self._unsorted(times)

    def _require_exchangeable_trials(self) -> None:
        table = self.table
        if not table.n_spikes:
            return
        latest_start, earliest_stop = float(table.t_start.max()), float(table.t_stop.min())
        slack = 1e-6
        outside = (table.times < latest_start - slack) | (table.times > earliest_stop + slack)
        if outside.any():
            raise InputError(
                f"trial_shuffling needs trials that could hold each other's spikes: all trials have "
                f"{latest_start:g} to {earliest_stop:g} ms from onset in common, and {int(outside.sum())} of "
                f"{table.n_spikes} spikes lie outside"
            )

    def _shuffled_trials(self, rng: np.random.Generator) -> NDArray[np.int32]:
        table = self.table
        classes = stimulus_classes(table)
        label = np.zeros(table.n_trials, dtype=np.int64) if classes is None else classes
        moved_to = np.empty((table.n_trials, table.n_units), dtype=np.int32)
        for one in np.unique(label):
            members = np.flatnonzero(label == one).astype(np.int32)
            moved_to[members] = rng.permuted(np.tile(members[:, None], (1, table.n_units)), axis=0)
        return moved_to[table.trial, table.unit]


def reflect(times: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times folded back at the borders as often as it takes.

    Examples
    --------
    >>> import numpy as np
    >>> reflect(np.array([-2.0, 3.0, 11.0, 25.0]), np.zeros(4), np.full(4, 10.0)).tolist()
    [2.0, 3.0, 9.0, 5.0]
    """
    span = upper - lower
    period = np.where(span > 0, 2 * span, 1.0)
    phase = np.mod(times - lower, period)
    folded = lower + np.minimum(phase, period - phase) * (span > 0)
    inside = (times >= lower) & (times <= upper)
    return np.where(inside, times, folded)
