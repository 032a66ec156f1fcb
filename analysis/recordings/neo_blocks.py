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

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import FileError, InputError, SemsyncError
from ...spike_table import SpikeTable
from .column_names import NEO_NAMES, escape, unescape
from .files import one_line
from .header import HEADER_NAME, TIME_IN_TRIAL, TRIAL, decode_header, encode_header, restore, storable
from .neo_foreign import continuous_table, segments_table
from .trials import cut_again

if TYPE_CHECKING:
    import neo

EPOCH_NAME = "trials"


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
    t_start = min(table.trials["start"].min(initial=0.0), absolute.min(initial=0.0))
    t_stop = max(table.trials["stop"].max(initial=0.0), absolute.max(initial=0.0))
    order = np.lexsort((absolute, table.unit))
    border = np.searchsorted(table.unit[order], np.arange(table.n_units + 1))
    for row in range(table.n_units):
        spikes = order[border[row] : border[row + 1]]
        annotations = {escape(name, NEO_NAMES): storable(column)[row].item() for name, column in table.units.items()}
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
            array_annotations={escape(name, NEO_NAMES): storable(column) for name, column in table.trials.items()},
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

    A Block of :func:`to_neo` gives back its table (cut again where options say so). Of a foreign Block,

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
        Name of the Epoch; or, with a window, of an Event.
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
        On a Block without spike trains, unknown names, or spike times that are not finite.
    FileError
        On a Block of ours that is damaged, or of a newer format version.
    """
    if HEADER_NAME in block.annotations:
        return cut_again(_our_table(block), trials=trials, class_column=class_column, align=align, window=window)
    segments = [segment for segment in block.segments if len(segment.spiketrains)]
    if not segments:
        raise InputError(f"the Neo Block {block.name!r} has no spike trains")
    if len(segments) == 1:
        return continuous_table(segments[0], trials, class_column, align, window)
    if trials is not None or align is not None:
        raise InputError(
            f"trials and align choose among the Epochs of one Segment, but the Neo Block {block.name!r} has "
            f"{len(segments)} Segments with spikes, a trial each"
        )
    return segments_table(segments, class_column, window)


def _our_table(block: neo.Block) -> SpikeTable:
    header = decode_header(block.annotations[HEADER_NAME])
    if len(block.segments) != 1 or not any(epoch.name == EPOCH_NAME for epoch in block.segments[0].epochs):
        raise FileError(f"the Neo Block has a {HEADER_NAME} header, but not one Segment with an Epoch {EPOCH_NAME!r}")
    segment = block.segments[0]
    epoch = next(epoch for epoch in segment.epochs if epoch.name == EPOCH_NAME)
    spiketrains = list(segment.spiketrains)
    try:
        units = {
            name: np.array([spiketrain.annotations[escape(name, NEO_NAMES)] for spiketrain in spiketrains])
            for name in header["units"]
        }
        times = [np.asarray(spiketrain.array_annotations[TIME_IN_TRIAL], dtype=float) for spiketrain in spiketrains]
        trial = [np.asarray(spiketrain.array_annotations[TRIAL], dtype=np.int32) for spiketrain in spiketrains]
    except KeyError as error:
        raise FileError(f"a SpikeTrain of the Neo Block lacks the annotation {error}") from None
    columns = {unescape(name): np.asarray(values) for name, values in epoch.array_annotations.items()}
    return SpikeTable(
        np.concatenate([*times, np.empty(0)]),
        np.repeat(np.arange(len(times), dtype=np.int32), [len(spikes) for spikes in times]),
        np.concatenate([*trial, np.empty(0, dtype=np.int32)]),
        restore(units, header["units"]),
        restore(columns, header["trials"]),
        header["annotations"],
    )


def from_block_of(path: Path, how: str, block: neo.Block, **options: Any) -> SpikeTable:
    """:func:`from_neo` for the Block of a file: every failure is one sentence that names the file.

    Parameters
    ----------
    path : Path
    how : str
        How the file was read, as in "cannot be read ...".
    block : neo.Block
    **options
        Of :func:`from_neo`.

    Raises
    ------
    FileError, InputError
    """
    try:
        return from_neo(block, **options)
    except SemsyncError as error:
        raise type(error)(f"{path}: {error}") from error
    # A foreign Block may hold units or shapes that Neo itself would not have made.
    except Exception as error:
        raise FileError(f"{path} cannot be read {how} ({one_line(error)})") from error
