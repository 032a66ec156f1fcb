"""The active inputs of each sample in the order of their times, and all that depends on input times alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compilation import jit
from .crossing import propagator
from .simd import N_COEFFICIENTS
from .tasks import ONE_AT_A_TIME, next_task, run

_STEEP = 1e20  # after the last input any rise may cross; a slope times this is compared with 1


class SortedInputs(NamedTuple):
    """Active inputs of each sample in the order of their times.

    ``n_active`` has shape [batch]; all others [batch, width, ...], of which the first ``n_active`` are used. The gap
    after the last input is infinite. ``frame_start`` is the index of the first input of an input's frame;
    ``frame_stop``, known at that first input, is one past the frame's last. ``decay`` holds exp(-y / tau_m) and k(y)
    for the time y since the frame's start; ``coefficients`` are those of
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
def sort_active(times: Any, index: Any, time: Any) -> int:
    """Stable sort of the finite entries of a row; their number. Least significant digit first, on 16 or 32 bits."""
    n = 0
    low, high = np.inf, -np.inf
    for i in range(len(times)):
        t = np.float64(times[i])
        if t < np.inf:
            index[n] = i
            n += 1
            low = min(low, t)
            high = max(high, t)
    # Few entries seldom share the 16 bits of a key.
    n_digits, largest = (2, 65535.0) if n < 2048 else (4, 4294967295.0)
    scale = largest / (high - low) if high > low else 0.0
    if n < 48 or not scale < np.inf:
        scale = 0.0
    else:
        key = np.empty(n, np.int64)
        for k in range(n):
            key[k] = np.int64((np.float64(times[index[k]]) - low) * scale)
        other_index, other_key = np.empty(n, np.int32), np.empty(n, np.int64)
        start = np.empty(257, np.int32)
        for digit in range(n_digits):
            shift = 8 * digit
            start[:] = 0
            for k in range(n):
                start[((key[k] >> shift) & 255) + 1] += 1
            for bucket in range(256):
                start[bucket + 1] += start[bucket]
            for k in range(n):
                bucket = (key[k] >> shift) & 255
                other_index[start[bucket]] = index[k]
                other_key[start[bucket]] = key[k]
                start[bucket] += 1
            key, other_key = other_key, key
            for k in range(n):
                index[k] = other_index[k]
    # What has equal keys, or is short, is put in order here.
    for k in range(n):
        i, t = index[k], np.float64(times[index[k]])
        m = k
        while m > 0 and time[m - 1] > t:
            time[m], index[m] = time[m - 1], index[m - 1]
            m -= 1
        time[m], index[m] = t, i
    return n


@jit()
def _sort_inputs(
    counter: Any, times: Any, tau_m: float, tau_s: float, n_active: Any, source: Any, frame_start: Any,
    frame_stop: Any, time: Any, gap: Any, decay: Any, coefficients: Any,
) -> None:  # fmt: skip
    b = next_task(counter)
    while b < times.shape[0]:
        n = sort_active(times[b], source[b], time[b])
        n_active[b] = n
        first = 0
        for k in range(n):
            if time[b, k] - time[b, first] > min(tau_m, tau_s):
                frame_stop[b, first] = k
                first = k
            frame_start[b, k] = first
            y = time[b, k] - time[b, first]
            em, es, tr = propagator(y, tau_m, tau_s)
            decay[b, k, 0], decay[b, k, 1] = em, tr
            growth = 1.0 / es
            coefficients[b, k, 0] = -tr * growth / em
            coefficients[b, k, 1] = growth
            if k + 1 == n:
                gap[b, k] = np.inf
                coefficients[b, k, 2] = -_STEEP * em / tau_m
                coefficients[b, k, 3] = _STEEP * (es / tau_s - tr / tau_m)
                continue
            s = time[b, k + 1] - time[b, k]
            gap[b, k] = s
            # Of simultaneous inputs only the last is followed by a gap that can hold a crossing.
            rest = 1.0 - s / tau_m if s > 0.0 else 0.0
            coefficients[b, k, 2] = em * rest
            coefficients[b, k, 3] = tr * rest + es * s / tau_s
        if n:
            frame_stop[b, first] = n
        b = next_task(counter)


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
    width = int((times < np.inf).sum(axis=1).max(initial=0))
    shape = (len(times), width)
    result = SortedInputs(
        n_active=np.empty(shape[0], np.int32),
        source=np.empty(shape, np.int32),
        frame_start=np.empty(shape, np.int32),
        frame_stop=np.empty(shape, np.int32),
        time=np.empty(shape),
        gap=np.empty(shape),
        decay=np.empty((*shape, 2)),
        coefficients=np.empty((*shape, N_COEFFICIENTS), dtype),
    )
    with ONE_AT_A_TIME:
        run(_sort_inputs, len(times), times, tau_m, tau_syn, *result)
    return result
