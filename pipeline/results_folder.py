"""Results that are many files: whole or recognisably not, and without what an earlier result left."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import FileError
from .run_folder import RunFolder, read_json, write_json


def write_results(folder: RunFolder, results: dict[str, Any], write_files: Callable[[], list[Path]]) -> None:
    """Write files, then ``results.json``, which lists them: a folder that has it is complete.

    Parameters
    ----------
    folder : RunFolder
        Of which files of an earlier result that are not written again are removed; files of the user's stay.
    results : dict
        Gets a key ``files``.
    write_files : callable
        Writes everything else; returns the paths of tables and figures.
    """
    earlier = _files_of(folder)
    folder.results.unlink(missing_ok=True)
    results["files"] = [path.relative_to(folder.root).as_posix() for path in write_files()]
    for name in earlier - set(results["files"]):
        (folder.root / name).unlink(missing_ok=True)
    write_json(folder.results, results)


def _files_of(folder: RunFolder) -> set[str]:
    """Tables and figures of an earlier result, as far as it can be read."""
    if not folder.results.exists():
        return set()
    try:
        names = read_json(folder.results).get("files", [])
    except (FileError, AttributeError):
        return set()
    return {str(name) for name in names if re.fullmatch(r"(tables|figures)/[\w .-]+\.(parquet|csv|svg|pdf)", str(name))}
