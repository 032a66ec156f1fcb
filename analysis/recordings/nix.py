"""NIX files, through Neo."""

from __future__ import annotations

from pathlib import Path

from ...errors import FileError
from ...spike_table import SpikeTable
from .files import one_line, require_hdf5, written_beside
from .header import HEADER_NAME
from .neo_blocks import from_block_of, to_neo
from .trials import add_note


def save_nix(table: SpikeTable, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a table as a NIX file that Neo reads, and :func:`load_nix` reads back equal, to the last bit.

    The layout is that of :func:`.neo_blocks.to_neo`. NIX needs about 30 ms and 45 kB a unit, whatever the number of
    trials.

    Parameters
    ----------
    table : SpikeTable
    path : str or Path
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        On columns or annotations that files cannot keep.
    FileError
        When the file exists already or cannot be written.
    """
    block = to_neo(table)
    with written_beside(path, overwrite, _size(table, block.annotations[HEADER_NAME])) as partial:
        from neo.io import NixIO

        file = NixIO(str(partial), mode="ow")
        try:
            file.write_block(block)
        finally:
            file.close()
    return Path(path)


def load_nix(
    path: str | Path,
    *,
    trials: str | None = None,
    class_column: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
) -> SpikeTable:
    """Read a NIX file that :func:`save_nix` or Neo wrote; of several Blocks the first.

    Parameters
    ----------
    path : str or Path
    trials, class_column, align, window
        For foreign files, see :func:`.neo_blocks.from_neo`.

    Raises
    ------
    FileError
        When the file is missing, truncated, of another kind, damaged, or of a newer format version.
    InputError
        On options that do not fit the file, and on spike times that are not finite.
    """
    path = require_hdf5(path, "a NIX file")
    if not is_nix(path):
        raise FileError(f"{path} is an HDF5 file, but not of NIX, expected a NIX file")
    from neo.io import NixIO

    try:
        file = NixIO(str(path), mode="ro")
        try:
            n_blocks = len(file.nix_file.blocks)
            block = file.read_block(0) if n_blocks else None
        finally:
            file.close()
    # nixio raises its own kinds, Neo plain Exceptions: whatever it is, the file is what is wrong.
    except Exception as error:
        raise FileError(f"{path} cannot be read as a NIX file of Neo ({one_line(error)})") from error
    if block is None:
        raise FileError(f"{path} is a NIX file without a Block, expected one with spike trains")
    table = from_block_of(
        path, "as a NIX file of Neo", block, trials=trials, class_column=class_column, align=align, window=window
    )
    if n_blocks == 1:
        return table
    annotations = dict(table.annotations)
    add_note(annotations, f"The file holds {n_blocks} Blocks, of which the first was read.")
    return SpikeTable(table.times, table.unit, table.trial, table.units, table.trials, annotations)


def _size(table: SpikeTable, header: str) -> int:
    """More than the bytes of the file: each annotation of a unit is a data set of its own, of about 3 kB."""
    n_bytes_units = 6_000 * (len(table.units) + 12) * table.n_units
    n_bytes_trials = sum(column.nbytes + 32 * len(column) for column in table.trials.values())
    return 1_000_000 + len(header) + n_bytes_units + 2 * n_bytes_trials + 64 * table.n_spikes


def is_nix(path: Path) -> bool:
    """Whether an HDF5 file says that it is a NIX file."""
    import h5py

    with h5py.File(path, "r") as file:
        return file.attrs.get("format") in ("nix", b"nix")
