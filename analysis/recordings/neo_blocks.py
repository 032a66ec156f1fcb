"""Neo's objects to a SpikeTable and back.

Our Blocks hold one Segment with one continuous SpikeTrain a unit and one Epoch called ``trials``: a SpikeTrain for
every unit and trial would cost 0.35 ms each in memory and 18 ms each in a NIX file.

- SpikeTrain: time in the recording (onset + time in the trial) in ms; the unit table's columns as annotations; and, as
  array annotations, ``time_in_trial`` (float, ms) and ``trial`` (row of the trial table), because the sum of a late
  onset and a spike time loses bits that cannot be subtracted back.
- Epoch: start and duration of the trials in ms; the trial table's columns, exact, as array annotations.
- Block: the header of :mod:`.header` as annotation ``semsync_recording``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .header import HEADER_NAME, TIME_IN_TRIAL, TRIAL, decode_header, encode_header, restore, storable
from .trials import add_lack, add_note, cut_trials, foreign_columns, one_trial

if TYPE_CHECKING:
    import neo

EPOCH_NAME = "trials"

# Names that Neo's constructors, or NixIO, keep for themselves.
_NEO_NAMES = frozenset(
    [
        "name",
        "description",
        "file_origin",
        "times",
        "durations",
        "labels",
        "units",
        "dtype",
        "copy",
        "t_start",
        "t_stop",
        "sampling_rate",
        "sampling_period",
        "waveforms",
        "left_sweep",
        "array_annotations",
        "annotations",
        "nix_name",
        "neo_name",
        "time_in_trial",
        "trial",
    ]
)
_PREFIX = "column_"


def to_neo(table: SpikeTable) -> neo.Block:
    """A table as a Neo Block; :func:`from_neo` gives back an equal table.

    Parameters
    ----------
    table : SpikeTable

    Returns
    -------
    neo.Block
        See the module's text. All times in ms.

    Raises
    ------
    InputError
        On columns or annotations that files cannot keep, see :func:`.header.encode_header`.

    Examples
    --------
    >>> from semsync import SpikeTable
    >>> from semsync.analysis.recordings import from_neo, to_neo
    >>> table = SpikeTable([1.5, 0.5], [0, 0], [0, 1], {"unit_id": [7]}, {"start": [0, 10], "stop": [10, 20]})
    >>> block = to_neo(table)
    >>> block.segments[0].spiketrains[0].magnitude
    array([ 1.5, 10.5])
    >>> from_neo(block) == table
    True
    """
    import neo

    block = neo.Block(name="semsync recording", **{HEADER_NAME: encode_header(table)})
    segment = neo.Segment(name="recording")
    block.segments.append(segment)

    absolute = table.trials["onset"][table.trial] + table.times
    t_start = min([0.0, *table.trials["start"], *absolute.tolist()])
    t_stop = max([0.0, *table.trials["stop"], *absolute.tolist()])
    order = np.lexsort((absolute, table.unit))
    border = np.searchsorted(table.unit[order], np.arange(table.n_units + 1))
    for row in range(table.n_units):
        spikes = order[border[row] : border[row + 1]]
        annotations = {_escape(name): storable(column)[row].item() for name, column in table.units.items()}
        segment.spiketrains.append(
            neo.SpikeTrain(
                absolute[spikes],
                units="ms",
                t_start=t_start,
                t_stop=t_stop,
                name=str(table.units["unit_id"][row]),
                array_annotations={TIME_IN_TRIAL: table.times[spikes], TRIAL: table.trial[spikes].astype(np.int64)},
                **annotations,
            )
        )
    start, stop = table.trials["start"], table.trials["stop"]
    segment.epochs.append(
        neo.Epoch(
            start,
            stop - start,
            labels=np.array([str(trial) for trial in range(table.n_trials)], dtype="U"),
            units="ms",
            name=EPOCH_NAME,
            array_annotations={_escape(name): storable(column) for name, column in table.trials.items()},
        )
    )
    return block


def from_neo(
    block: neo.Block,
    *,
    trials: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """A table of a Neo Block: one of ours, or one that an experimenter made.

    A Block of :func:`to_neo` gives back its table, when no option asks for other trials. Of a foreign Block,

    - one Segment with an Epoch is cut at that Epoch (the one named `trials`, or the only one), whose labels and array
      annotations become columns of the trial table;
    - several Segments are a trial each. Where their times run on from one to the next, they are times in the recording,
      and the onset is the Segment's start. Otherwise each Segment has a clock of its own: its times are kept as they
      are, and the trials are laid end to end;
    - one Segment without an Epoch is one trial.

    Annotations that every SpikeTrain has become columns of the unit table; `unit_id` is the annotation of that name, or
    the trains' names where they are all different, or their row. ``annotations['notes']`` and ``annotations['lacks']``
    say what was assumed and what is missing.

    Parameters
    ----------
    block : neo.Block
    trials : str, optional
        Name of the Epoch.
    class_column : str, optional
        Column of the trial table (an array annotation, or ``label``) that becomes `stimulus_class`.
    align : str, optional
        Array annotation of the Epoch with each trial's onset in the recording (a time quantity, or numbers in ms); the
        trial's start without it.
    window : (float, float), optional
        Cut this window around each onset [ms], and not the Epoch's duration.

    Raises
    ------
    InputError
        On a Block without spike trains, unknown names, spike times that are not finite, or a header that is damaged or
        of a newer version.
    """
    foreign = any(option is not None for option in (trials, class_column, align, window))
    if HEADER_NAME in block.annotations and not foreign:
        return _our_table(block)
    segments = [segment for segment in block.segments if len(segment.spiketrains)]
    if not segments:
        raise InputError(f"the Neo Block {block.name!r} has no spike trains")
    if len(segments) == 1:
        return _continuous(segments[0], trials, class_column, align, window)
    if trials is not None or align is not None:
        raise InputError(
            f"trials and align choose among the Epochs of one Segment, but the Neo Block {block.name!r} has "
            f"{len(segments)} Segments with spikes, a trial each"
        )
    return _segment_per_trial(segments, class_column, window)


def _our_table(block: neo.Block) -> SpikeTable:
    header = decode_header(block.annotations[HEADER_NAME])
    if len(block.segments) != 1 or not any(epoch.name == EPOCH_NAME for epoch in block.segments[0].epochs):
        raise InputError(f"the Neo Block has a {HEADER_NAME} header, but not one Segment with an Epoch {EPOCH_NAME!r}")
    segment = block.segments[0]
    epoch = next(epoch for epoch in segment.epochs if epoch.name == EPOCH_NAME)
    spiketrains = list(segment.spiketrains)
    try:
        units = {
            name: np.array([spiketrain.annotations[_escape(name)] for spiketrain in spiketrains])
            for name in header["units"]
        }
        times = [np.asarray(spiketrain.array_annotations[TIME_IN_TRIAL], dtype=float) for spiketrain in spiketrains]
        trial = [np.asarray(spiketrain.array_annotations[TRIAL], dtype=np.int32) for spiketrain in spiketrains]
    except KeyError as error:
        raise InputError(f"a SpikeTrain of the Neo Block lacks the annotation {error}") from None
    columns = {_unescape(name): np.asarray(values) for name, values in epoch.array_annotations.items()}
    return SpikeTable(
        np.concatenate([*times, np.empty(0)]),
        np.repeat(np.arange(len(times), dtype=np.int32), [len(spikes) for spikes in times]),
        np.concatenate([*trial, np.empty(0, dtype=np.int32)]),
        restore(units, header["units"]),
        restore(columns, header["trials"]),
        header["annotations"],
    )


def _continuous(
    segment: neo.Segment,
    trials: str | None,
    class_column: str | None,
    align: str | None,
    window: tuple[float, float] | None,
) -> SpikeTable:
    annotations: dict[str, Any] = {}
    spiketrains = list(segment.spiketrains)
    epoch = _choose_epoch(segment, trials)
    if epoch is None:
        columns = one_trial(
            min(float(spiketrain.t_start.rescale("ms")) for spiketrain in spiketrains),
            max(float(spiketrain.t_stop.rescale("ms")) for spiketrain in spiketrains),
        )
        epochs = {epoch.name: len(epoch) for epoch in segment.epochs}
        there = f"; trials can name one of the Epochs {epochs}" if epochs else " in the Block"
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
        for epoch in epochs:
            if epoch.name == name:
                return epoch
        raise InputError(f"there is no Epoch {name!r} to take trials from; there are {[e.name for e in epochs]}")
    called_trials = [epoch for epoch in epochs if str(epoch.name).lower() in ("trial", EPOCH_NAME)]
    candidates = called_trials or epochs
    return candidates[0] if len(candidates) == 1 else None


def _epoch_columns(epoch: neo.Epoch, align: str | None) -> dict[str, NDArray[Any]]:
    start = epoch.times.rescale("ms").magnitude
    values = {_unescape(name): _magnitude(column) for name, column in epoch.array_annotations.items()}
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


def _segment_per_trial(
    segments: Sequence[neo.Segment], class_column: str | None, window: tuple[float, float] | None
) -> SpikeTable:
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
            "the Segments have different numbers of spike trains, and neither an annotation unit_id nor the names of the "
            "trains say which belong together"
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
            columns[_unescape(key)] = np.array(values)
    return columns


def _escape(name: str) -> str:
    return _PREFIX + name if name in _NEO_NAMES or name.startswith(_PREFIX) else name


def _unescape(name: str) -> str:
    return name.removeprefix(_PREFIX)
