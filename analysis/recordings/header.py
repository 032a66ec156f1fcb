"""What a file of ours says about itself: format, version, column types and annotations, as one JSON text.

NIX and NWB keep arrays, but not every type (NIX turns each integer into int64), no nested annotations, and nothing that
tells a file of ours from one of another program. The header does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import FileError, InputError
from ...spike_table import SpikeTable

FORMAT = "semsync-recording"
FORMAT_VERSION = 1
HEADER_NAME = "semsync_recording"
TIME_IN_TRIAL = "time_in_trial"
TRIAL = "trial"

_KINDS = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats", "U": "strings"}


def encode_header(table: SpikeTable) -> str:
    """The header of a table as JSON.

    Raises
    ------
    InputError
        On columns that files cannot keep (objects, bytes, dates; names with ``/`` or ``:``), and on annotations that
        are not plain JSON values.
    """
    return json.dumps(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "units": _types("unit table", table.units),
            "trials": _types("trial table", table.trials),
            "annotations": _plain(table.annotations),
        },
        sort_keys=True,
    )


def decode_header(text: str) -> dict[str, Any]:
    """The header that :func:`encode_header` made; `units` and `trials` map each column to its dtype.

    Raises
    ------
    FileError
        When the text is no such header, or of a newer version.
    """
    try:
        header = json.loads(text)
        if header["format"] != FORMAT:
            raise FileError(f"the header says format {header['format']!r}, expected {FORMAT!r}")
        version = int(header["format_version"])
        if version > FORMAT_VERSION:
            raise FileError(
                f"{FORMAT} format_version {version} is newer than {FORMAT_VERSION}, the newest that this "
                "semsync reads; please upgrade semsync"
            )
        for table in ("units", "trials"):
            header[table] = {name: _dtype(name, kind) for name, kind in header[table].items()}
        header["annotations"] = dict(header["annotations"])
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise FileError(f"the {FORMAT} header is damaged ({error!r})") from error
    return dict(header)


def restore(columns: Mapping[str, ArrayLike], dtypes: Mapping[str, np.dtype[Any]]) -> dict[str, NDArray[Any]]:
    """Columns with the dtypes that the header names.

    Raises
    ------
    FileError
        When a column of the header is missing or holds other values.
    """
    missing = sorted(dtypes.keys() - columns.keys())
    if missing:
        raise FileError(f"the columns {missing} that the {FORMAT} header names are missing")
    try:
        return {name: np.asarray(columns[name]).astype(dtype) for name, dtype in dtypes.items()}
    except ValueError as error:
        raise FileError(f"a column is not of the type that the {FORMAT} header names ({error})") from error


def storable(column: NDArray[Any]) -> NDArray[Any]:
    """The column as files keep it: no uint64, which NIX lacks (its bits pass through int64 unharmed)."""
    return column.astype(np.int64) if column.dtype == np.uint64 else column


def _types(where: str, columns: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    for name, column in columns.items():
        if not name or "/" in name or ":" in name:
            raise InputError(f"column {name!r} of the {where} cannot be saved: its name must not hold '/' or ':'")
        if column.dtype.kind not in _KINDS or (column.dtype.itemsize > 8 and column.dtype.kind == "f"):
            raise InputError(
                f"column {name!r} of the {where} cannot be saved: its dtype is {column.dtype}, "
                f"expected {', '.join(dict.fromkeys(_KINDS.values()))}"
            )
    return {name: column.dtype.str for name, column in columns.items()}


def _dtype(name: str, text: str) -> np.dtype[Any]:
    dtype = np.dtype(text)
    if dtype.kind not in _KINDS:
        raise FileError(f"the {FORMAT} header gives column {name!r} the dtype {text!r}, which no column can have")
    return dtype


def _plain(annotations: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in annotations.items():
        try:
            plain = json.loads(json.dumps(value))
        except (TypeError, ValueError) as error:
            raise InputError(f"annotation {name!r} must be a plain JSON value ({error})") from error
        if not isinstance(name, str) or (isinstance(value, dict) and plain.keys() != value.keys()):
            raise InputError(f"annotation {name!r} must have strings as keys")
    return dict(annotations)
