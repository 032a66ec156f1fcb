"""Any other format that Neo reads, by the name of Neo's reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import FileError, InputError
from ...spike_table import SpikeTable
from .files import one_line
from .neo_blocks import from_block_of
from .trials import add_note

if TYPE_CHECKING:
    import neo

# They run code that a file brings along.
_UNPICKLING = {"PickleIO"}


def load_neo(
    path: str | Path,
    *,
    io: str,
    trials: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read a file, or a folder of files, with one of Neo's readers; of several Blocks the first.

    Signals are not read, where Neo can leave them out. The Block becomes a table as :func:`.neo_blocks.from_neo` says.

    Parameters
    ----------
    path : str or Path
    io : str
        Name of a class of :mod:`neo.io`, as ``"PlexonIO"`` or ``"BlackrockIO"``.
    trials, class_column, align, window
        See :func:`.neo_blocks.from_neo`.

    Raises
    ------
    FileError
        When the file is missing, or Neo cannot read it.
    InputError
        On an unknown reader, one that unpickles, and options that do not fit the file.
    """
    path = Path(path)
    if not path.exists():
        raise FileError(f"there is no file {path}, expected one that {io} of Neo reads")
    import neo.io

    readers = {reader.__name__: reader for reader in neo.io.iolist if reader.__name__ not in _UNPICKLING}
    if io not in readers:
        raise InputError(f"Neo has no reader {io!r} that semsync uses; it has {', '.join(sorted(readers))}")
    try:
        reader = readers[io](str(path))
        blocks = reader.read(lazy=True) if reader.support_lazy else reader.read()
        block = _spikes_only(blocks[0]) if blocks else None
    # Each of Neo's readers has errors of its own for what it cannot read.
    except Exception as error:
        raise FileError(f"{path} cannot be read by Neo's {io} ({one_line(error)})") from error
    if block is None:
        raise FileError(f"{path} has no Block with spike trains for Neo's {io}")
    table = from_block_of(
        path, f"by Neo's {io}", block, trials=trials, class_column=class_column, align=align, window=window
    )
    annotations = dict(table.annotations)
    add_note(annotations, f"The file was read by Neo's {io}.")
    if len(blocks) > 1:
        add_note(annotations, f"The file holds {len(blocks)} Blocks, of which the first was read.")
    return SpikeTable(table.times, table.unit, table.trial, table.units, table.trials, annotations)


def _spikes_only(block: neo.Block) -> neo.Block:
    """The Block without signals, and with spikes, epochs and events loaded."""
    import neo

    loaded = neo.Block(name=block.name)
    loaded.annotations = dict(block.annotations)
    for segment in block.segments:
        own = neo.Segment(name=segment.name)
        own.annotations = dict(segment.annotations)
        for kind in ("spiketrains", "epochs", "events"):
            getattr(own, kind).extend([_loaded(item) for item in getattr(segment, kind)])
        loaded.segments.append(own)
    return loaded


def _loaded(item: Any) -> Any:
    return item.load() if hasattr(item, "load") else item
