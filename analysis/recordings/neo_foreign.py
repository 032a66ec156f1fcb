"""Neo Blocks that experimenters made, as tables; :func:`.neo_blocks.from_neo` says how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .column_names import unescape
from .trials import add_lack, add_note, check_window, cut_trials, foreign_columns, one_trial

if TYPE_CHECKING:
    import neo


def continuous_table(
    segment: neo.Segment,
    trials: str | None,
    class_column: str | None,
    align: str | None,
    window: tuple[float, float] | None,
) -> SpikeTable:
    """A Segment cut at an Epoch, or around an Event; parameters as of :func:`.neo_blocks.from_neo`."""
    annotations: dict[str, Any] = {}
    spiketrains = list(segment.spiketrains)
    events = _named(segment.events, trials)
    epoch = None if events is not None else _choose_epoch(segment, trials)
    if events is not None:
        columns = _event_columns(events, align, window)
    elif epoch is None:
        columns = one_trial(
            min(float(spiketrain.t_start.rescale("ms")) for spiketrain in spiketrains),
            max(float(spiketrain.t_stop.rescale("ms")) for spiketrain in spiketrains),
        )
        epochs = {epoch.name: len(epoch) for epoch in segment.epochs}
        there = f"; trials can name one of the Epochs {epochs}" if epochs else " in the Block"
        events_there = {event.name: len(event) for event in segment.events if len(event)}
        if events_there:
            there += f"; with a window it can name one of the Events {events_there}"
        add_lack(annotations, f"There is no Epoch of trials, so the whole recording is one trial{there}.")
        if align is not None:
            raise InputError(f"align={align!r} needs an Epoch of trials; the Segment has the Epochs {list(epochs)}")
    else:
        columns = _epoch_columns(epoch, align)
    times = [spiketrain.rescale("ms").magnitude for spiketrain in spiketrains]
    units = _unit_columns(spiketrains)
    return cut_trials(times, units, columns, annotations, class_column=class_column, window=window)


def _choose_epoch(segment: neo.Segment, name: str | None) -> neo.Epoch | None:
    epochs = [epoch for epoch in segment.epochs if len(epoch)]
    if name is not None:
        named = _named(epochs, name)
        if named is not None:
            return named
        raise InputError(f"there is no Epoch {name!r} to take trials from; there are {[e.name for e in epochs]}")
    called_trials = [epoch for epoch in epochs if str(epoch.name).lower() in ("trial", "trials")]
    candidates = called_trials or epochs
    return candidates[0] if len(candidates) == 1 else None


def _named(objects: Iterable[Any], name: str | None) -> Any | None:
    """The Epoch or Event of a name that holds something; None without."""
    return next((own for own in objects if name is not None and own.name == name and len(own)), None)


def _event_columns(event: neo.Event, align: str | None, window: tuple[float, float] | None) -> dict[str, NDArray[Any]]:
    """Trials around the times of an Event, which have no duration of their own."""
    if window is None or align is not None:
        raise InputError(f"{event.name!r} is an Event without durations: trials around it need a window, and no align")
    before, after = check_window(window)
    onset = event.times.rescale("ms").magnitude.astype(np.float64)
    values = {unescape(name): _magnitude(column) for name, column in event.array_annotations.items()}
    if event.labels is not None and len(event.labels) == len(onset):
        values.setdefault("label", np.asarray(event.labels).astype(str))
    return foreign_columns(values) | {"start": onset + before, "stop": onset + after, "onset": onset}


def _epoch_columns(epoch: neo.Epoch, align: str | None) -> dict[str, NDArray[Any]]:
    start = epoch.times.rescale("ms").magnitude
    values = {unescape(name): _magnitude(column) for name, column in epoch.array_annotations.items()}
    if epoch.labels is not None and len(epoch.labels) == len(start):
        values.setdefault("label", np.asarray(epoch.labels))
    onset = start
    if align is not None:
        if align not in values or values[align].dtype.kind not in "iuf":
            raise InputError(f"the Epoch has no times {align!r} to align to; it has {sorted(values)}")
        onset = values[align].astype(np.float64)
    stop = start + epoch.durations.rescale("ms").magnitude
    return foreign_columns(values) | {"start": start, "stop": stop, "onset": onset}


def _magnitude(column: Any) -> NDArray[Any]:
    """Numbers of an array annotation, times in ms."""
    import quantities as pq

    if isinstance(column, pq.Quantity):
        if column.dimensionality.simplified == pq.s.dimensionality:
            column = column.rescale("ms")
        return np.asarray(column.magnitude)
    return np.asarray(column)


def segments_table(
    segments: Sequence[neo.Segment],
    class_column: str | None,
    window: tuple[float, float] | None,
) -> SpikeTable:
    """Segments as a trial each; parameters as of :func:`.neo_blocks.from_neo`."""
    annotations: dict[str, Any] = {}
    trains = [list(segment.spiketrains) for segment in segments]
    keys = _train_keys(trains)
    first_of = {key: trains[trial][row] for trial, row, key in reversed(keys)}
    unit_rows = {key: row for row, key in enumerate(dict.fromkeys(key for _, _, key in keys))}
    t_start = np.array([min(float(train.t_start.rescale("ms")) for train in own) for own in trains])
    t_stop = np.array([max(float(train.t_stop.rescale("ms")) for train in own) for own in trains])
    one_clock = bool(np.all(t_start[1:] >= t_stop[:-1]))
    if one_clock:
        start, stop, onset = t_start, t_stop, t_start
    else:
        stop = np.cumsum(t_stop - t_start)
        start = np.concatenate([[0.0], stop[:-1]])
        onset = start - t_start
        add_note(
            annotations, f"Each of the {len(segments)} Segments has a clock of its own; trials are laid end to end."
        )
    columns = _shared_annotations([segment.annotations for segment in segments])
    labels = [segment.name or "" for segment in segments]
    if any(labels):
        columns.setdefault("label", np.array(labels))
    columns = foreign_columns(columns) | {"start": start, "stop": stop, "onset": onset}

    times: list[list[NDArray[np.float64]]] = [[] for _ in unit_rows]
    for trial, row, key in keys:
        spikes = trains[trial][row].rescale("ms").magnitude
        times[unit_rows[key]].append(spikes if one_clock else spikes + onset[trial])
    return cut_trials(
        [np.concatenate(parts) for parts in times],
        _unit_columns([first_of[key] for key in unit_rows]),
        columns,
        annotations,
        class_column=class_column,
        window=window,
    )


def _train_keys(trains: Sequence[Sequence[neo.SpikeTrain]]) -> list[tuple[int, int, Any]]:
    """(trial, row, key) of every train, with a key that tells units apart: an annotation, the name, or the row."""
    for key_of in (lambda train: train.annotations.get("unit_id"), lambda train: train.name or None):
        keys = [[key_of(train) for train in own] for own in trains]
        if all(None not in own and len(set(own)) == len(own) for own in keys):
            return [(trial, row, key) for trial, own in enumerate(keys) for row, key in enumerate(own)]
    if len({len(own) for own in trains}) > 1:
        raise InputError(
            "the Segments have different numbers of spike trains, and neither an annotation unit_id nor the names of "
            "the trains say which belong together"
        )
    return [(trial, row, row) for trial, own in enumerate(trains) for row in range(len(own))]


def _unit_columns(spiketrains: Sequence[neo.SpikeTrain]) -> dict[str, NDArray[Any]]:
    columns = _shared_annotations([spiketrain.annotations for spiketrain in spiketrains])
    if "unit_id" not in columns:
        names = [spiketrain.name or "" for spiketrain in spiketrains]
        named = all(names) and len(set(names)) == len(names)
        columns["unit_id"] = np.array(names) if named else np.arange(len(names))
    return columns


def _shared_annotations(annotations: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Annotations that all of these objects have, of one plain type, as columns."""
    columns = {}
    for key in annotations[0]:
        values = [own.get(key) for own in annotations]
        types = {type(value.item() if isinstance(value, np.generic) else value) for value in values}
        if key != "nix_name" and (types <= {int, float} or types in ({str}, {bool})):
            columns[unescape(key)] = np.array(values)
    return columns
