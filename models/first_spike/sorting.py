"""The active inputs of each sample in the order of their times, and all that depends on input times alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compilation import jit
from .crossing import short_propagator
from .simd import N_COEFFICIENTS
from .tasks import ONE_AT_A_TIME, next_task, run

_KEY_BITS = 30  # of the keys that times are sorted by: three digits of 10
_CROWD = 16  # entries with equal highest digits that are quickly put in order one by one
_STEEP = 1e20  # after the last input any rise may cross; a slope times this is compared with 1


class SortedInputs(NamedTuple):
    """Active inputs of each sample in the order of their times.

    ``n_active`` has shape [batch]; all others [batch, ..., width], of which the first ``n_active`` are used. The gap
    after the last input is infinite. ``frame_start`` is the index of the first input of an input's frame;
    ``frame_stop``, known at that first input, is one past the frame's last. ``decay`` [batch, 2, width] holds
    exp(-y / tau_m) and k(y) for the time y since the frame's start; ``coefficients`` [batch, 4, width] are those of
    :func:`semsync.models.first_spike.simd.stream`.
    """

    n_active: NDArray[np.int32]
    source: NDArray[np.int32]
    frame_start: NDArray[np.int32]
    frame_stop: NDArray[np.int32]
    time: NDArray[np.float64]
    gap: NDArray[np.float64]
    decay: NDArray[np.float64]
    coefficients: NDArray[Any]


@jit()
def _sort_by_digits(n: int, key: Any, index: Any) -> None:
    """Stable sort of an index by its keys, digit after digit, the least significant first."""
    n_bits = 10
    largest = (1 << n_bits) - 1
    start = np.empty(largest + 2, np.int32)
    other_index, other_key = np.empty(n, np.int32), np.empty(n, np.int64)
    for shift in range(0, _KEY_BITS, n_bits):
        start[:] = 0
        for k in range(n):
            start[((key[k] >> shift) & largest) + 1] += 1
        for bucket in range(largest + 1):
            start[bucket + 1] += start[bucket]
        for k in range(n):
            bucket = (key[k] >> shift) & largest
            other_index[start[bucket]] = index[k]
            other_key[start[bucket]] = key[k]
            start[bucket] += 1
        for k in range(n):
            index[k], key[k] = other_index[k], other_key[k]


@jit()
def sort_active(times: Any, index: Any, time: Any) -> int:
    """Stable sort of the finite entries of a row; their number."""
    active = np.empty(len(times) + 1, np.int32)
    n = 0
    for i in range(len(times)):
        # Who is active cannot be foreseen: no branch.
        active[n] = i
        n += times[i] < np.inf
    low, high = np.inf, -np.inf
    for k in range(n):
        index[k] = active[k]
        time[k] = times[active[k]]
        low, high = min(low, time[k]), max(high, time[k])
    scale = (2.0**_KEY_BITS - 1.0) / (high - low) if high > low else 0.0
    if n >= 48 and scale < np.inf and scale > 0.0:
        # Entries that are spread need one round over the highest digit, crowded ones more.
        n_bits = 8 if n < 200 else 10
        shift = _KEY_BITS - n_bits
        key = np.empty(n, np.int64)
        start = np.zeros(1 << n_bits, np.int32)
        most = 0
        for k in range(n):
            key[k] = np.int64((time[k] - low) * scale)
            bucket = key[k] >> shift
            start[bucket] += 1
            most = max(most, start[bucket])
        if most > _CROWD:
            _sort_by_digits(n, key, index)
            for k in range(n):
                time[k] = times[index[k]]
        else:
            total = 0
            for bucket in range(1 << n_bits):
                of_bucket = start[bucket]
                start[bucket] = total
                total += of_bucket
            for k in range(n):
                place = start[key[k] >> shift]
                start[key[k] >> shift] += 1
                index[place], time[place] = active[k], times[active[k]]
    # What has equal keys, or is short, is put in order here.
    for k in range(1, n):
        i, t = index[k], time[k]
        m = k
        while m > 0 and time[m - 1] > t:
            time[m], index[m] = time[m - 1], index[m - 1]
            m -= 1
        time[m], index[m] = t, i
    return n


@jit()
def _most_active(times: Any) -> int:
    """Largest number of finite entries of a row."""
    most = 0
    for b in range(times.shape[0]):
        n = 0
        for i in range(times.shape[1]):
            n += times[b, i] < np.inf
        most = max(most, n)
    return most


@jit()
def _sort_inputs(
    tasks: Any, times: Any, tau_m: float, tau_s: float, n_active: Any, source: Any, frame_start: Any,
    frame_stop: Any, time: Any, gap: Any, decay: Any, coefficients: Any,
) -> None:  # fmt: skip
    rate_m, rate_s = 1.0 / tau_m, 1.0 / tau_s
    since = np.empty(time.shape[1])
    b = next_task(tasks)
    while b < times.shape[0]:
        n = sort_active(times[b], source[b], time[b])
        n_active[b] = n
        first = 0
        for k in range(n):
            if time[b, k] - time[b, first] > min(tau_m, tau_s):
                frame_stop[b, first] = k
                first = k
            frame_start[b, k] = first
            since[k] = time[b, k] - time[b, first]
            gap[b, k] = time[b, k + 1] - time[b, k] if k + 1 < n else np.inf
        if n:
            frame_stop[b, first] = n
        # Vector code: no branches, no calls.
        for k in range(n):
            em, es, tr = short_propagator(since[k], tau_m, tau_s)
            decay[b, 0, k], decay[b, 1, k] = em, tr
            growth = 1.0 / es
            coefficients[b, 0, k] = -tr * growth / em
            coefficients[b, 1, k] = growth
            # Of simultaneous inputs only the last is followed by a gap that can hold a crossing.
            s = gap[b, k]
            rest = 1.0 - s * rate_m if s > 0.0 else 0.0
            coefficients[b, 2, k] = em * rest
            coefficients[b, 3, k] = tr * rest + es * s * rate_s
        if n:
            em, es, tr = short_propagator(since[n - 1], tau_m, tau_s)
            coefficients[b, 2, n - 1] = -_STEEP * em * rate_m
            coefficients[b, 3, n - 1] = _STEEP * (es * rate_s - tr * rate_m)
        b = next_task(tasks)


def sort_inputs(times: NDArray[Any], tau_m: float, tau_syn: float, dtype: Any = np.float64) -> SortedInputs:
    """Sort the active inputs of each sample.

    Parameters
    ----------
    times : array, shape [batch, n_in]
        Input spike times [ms], inf where silent.
    dtype : numpy type
        Of the weights that will be used with them.
    """
    # No wider than the fullest sample: memory that is never touched still costs page faults.
    width = _most_active(times)
    shape = (len(times), width)
    result = SortedInputs(
        n_active=np.empty(shape[0], np.int32),
        source=np.empty(shape, np.int32),
        frame_start=np.empty(shape, np.int32),
        frame_stop=np.empty(shape, np.int32),
        time=np.empty(shape),
        gap=np.empty(shape),
        decay=np.empty((shape[0], 2, width)),
        coefficients=np.empty((shape[0], N_COEFFICIENTS, width), dtype),
    )
    with ONE_AT_A_TIME:
        run(_sort_inputs, len(times), times, tau_m, tau_syn, *result)
    return result
