"""Results as tidy tables in files: Parquet, which keeps types and missing values, and CSV, which everything reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError, InputError

if TYPE_CHECKING:
    import pandas as pd


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as plain JSON values, ``{column: value}`` of each row; what is not finite becomes None.

    Examples
    --------
    >>> import pandas as pd
    >>> rows_of(pd.DataFrame({"unit_id": [0, 1], "p_value": [0.25, float("nan")]}))
    [{'unit_id': 0, 'p_value': 0.25}, {'unit_id': 1, 'p_value': None}]
    """
    columns = {str(name): [_plain(value) for value in values.tolist()] for name, values in table.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def table_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The reverse of :func:`rows_of`; None stands for NaN among numbers, and a column of names has none.

    Raises
    ------
    InputError
        When it is no list of rows, or rows differ in their columns.
    """
    import pandas as pd

    if not isinstance(rows, list) or any(not isinstance(row, Mapping) or row.keys() != rows[0].keys() for row in rows):
        raise InputError("a table is a list of rows {column: value} with the same columns, and this is none")
    return pd.DataFrame([{name: nan if value is None else value for name, value in row.items()} for row in rows])


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def save_tables(folder: str | Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write tables as ``NAME.parquet`` and ``NAME.csv``, each file whole or not at all.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    tables : mapping of str to DataFrame
        Tables without a column are left out.

    Returns
    -------
    list of Path
        The files, in the order of the tables.

    Raises
    ------
    FileError
        When a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = save_tables(folder, {"units": pd.DataFrame({"unit_id": [3, 4], "p_value": [0.01, float("nan")]})})
    ...     [path.name for path in paths], pd.read_parquet(paths[0])["p_value"].tolist()
    (['units.parquet', 'units.csv'], [0.01, nan])
    """
    folder = Path(folder)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            if not len(table.columns):
                continue
            # Not by pyarrow itself, whose errors do not say that a disk is full.
            write = partial(Path.write_bytes, data=bytes(table.to_parquet(index=False)))
            written.append(_replaced(folder / f"{name}.parquet", write))
            written.append(_replaced(folder / f"{name}.csv", partial(table.to_csv, index=False)))
    except OSError as error:
        raise FileError(f"cannot write tables to {folder}: {error.strerror or error}") from error
    return written


def load_table(path: str | Path) -> pd.DataFrame:
    """A table that :func:`save_tables` wrote as Parquet.

    Raises
    ------
    FileError
        When it is missing or damaged.
    """
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise FileError(f"there is no table {path}") from None
    except (OSError, ValueError) as error:  # pyarrow's errors on content are ValueErrors
        raise FileError(f"{path} is not a readable Parquet file: {error}") from error


def load_values(path: Path) -> dict[str, Any]:
    """A dictionary that was written as JSON.

    Raises
    ------
    FileError
        When the file is missing, damaged, or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(f"there is no file {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise FileError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(values, dict):
        raise FileError(f"{path} holds no results: expected a JSON object")
    return values


def _replaced(path: Path, write: Callable[[Path], object]) -> Path:
    unfinished = path.with_name(path.name + ".partial")
    try:
        write(unfinished)
        return unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
