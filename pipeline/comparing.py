"""Comparisons of analyses: from what a user names to the folder with figure, table and page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError, InputError
from .progress import Progress, silent
from .results_folder import write_results
from .run_folder import RunFolder, environment

if TYPE_CHECKING:
    from ..analysis.comparison import Ensemble

_PLAIN = re.compile(r"[^\w.-]+")


def compare_folders(
    sides: Sequence[str],
    out: Path | None = None,
    *,
    overwrite: bool = False,
    windows: Sequence[str] = (),
    groups: Sequence[str] = (),
    measures: Sequence[str] = (),
    n_resamples: int = 1000,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[RunFolder, dict[str, Any]]:
    """Compare ensembles of analyses; writes results, report, tables and figures to the folder `out`.

    Parameters
    ----------
    sides : sequence of str
        ``[NAME=]FOLDER[,FOLDER...]``, see :func:`read_ensemble`.
    out : path, optional
        Without it, a folder here that is named after the ensembles.
    overwrite : bool
        Replace a comparison that is there.
    windows, groups : sequence of str
        ``A=B``, or a name that is in both.
    measures : sequence of str
        Keys of measures; all without.
    n_resamples : int
    seed : int

    Returns
    -------
    folder, results
        Where it was written, and what ``results.json`` holds.

    Raises
    ------
    InputError, FileError
        When a folder holds no analysis, or the analyses have nothing in common.
    """
    from ..analysis.comparison import compare
    from ..analysis.report import ComparisonReport, build_page, save_figures, write_report
    from ..analysis.tables import rows_of, save_tables

    ensembles = [read_ensemble(side) for side in sides]
    names = [ensemble.name for ensemble in ensembles]
    folder = RunFolder.paths(out or Path("-".join([*(_PLAIN.sub("-", name) for name in names), "comparison"])))
    if not overwrite and folder.results.exists():
        raise FileError(f"{folder.root} holds results; add --overwrite to replace them, or choose another --out")
    progress("compare", 0, 2)
    result = compare(
        ensembles,
        windows=[_pair(text, "--window") for text in windows],
        groups=[_pair(text, "--map") for text in groups],
        measures=measures,
        n_resamples=n_resamples,
        seed=seed,
    )
    progress("compare", 1, 2, "report")
    results = {
        "ensembles": result.settings["ensembles"],
        **{name: rows_of(table) for name, table in result.tables.items() if name != "member_distances"},
        "notes": list(result.notes),
        "settings": dict(result.settings),
    }
    folder = RunFolder(folder.root, resume=True)

    def write_files() -> list[Path]:
        files = save_tables(folder.root / "tables", result.tables)
        page = build_page(ComparisonReport(" and ".join(names), result, environment=environment()))
        write_report(folder.report, page)
        return [*files, *save_figures(folder.root / "figures", page)]

    write_results(folder, results, write_files)
    progress("compare", 2, 2)
    return folder, results


def read_ensemble(text: str) -> Ensemble:
    """The analyses that ``[NAME=]FOLDER[,FOLDER...]`` names.

    A folder is one of ``semsync analyze``, one of ``semsync run``, or one whose ``seed-*`` are runs, which are then the
    members. ``FOLDER:CONDITION`` is another network of a run ("untrained", "shuffled"). A folder can be a pattern, such
    as ``sessions/*-analysis``. The name is the folder's without one.

    Raises
    ------
    FileError
        When a folder is missing or holds no analysis.
    """
    from ..analysis.analyze import Analysis
    from ..analysis.comparison import Ensemble

    name, path = _named(text)
    folders: list[tuple[Path, str]] = []
    for part in [path] if Path(path).exists() else path.split(","):
        folders += _folders_of(part.strip())
    members: dict[str, Analysis] = {}
    if len({(folder.resolve(), condition) for folder, condition in folders}) < len(folders):
        raise InputError(f"a folder is named more than once in {text!r}")
    for folder, condition in folders:
        key = folder.name if folder.name not in members else str(folder)
        members[key] = Analysis.from_folder(folder, condition)
    first = Path(path.split(",")[0].partition(":")[0])
    return Ensemble(name or first.name or str(first), members)


def _named(text: str) -> tuple[str, str]:
    """The name before the first ``=``, unless the text is a path that has one."""
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists() or "/" in name:
        return "", text
    if not name or not path:
        raise InputError(f"an ensemble is written as NAME=FOLDER,FOLDER,..., got {text!r}")
    return name, path


def _folders_of(text: str) -> list[tuple[Path, str]]:
    path, condition = text, "trained"
    if not Path(text).exists() and ":" in text:
        path, _, condition = text.rpartition(":")
    found = [Path(path)]
    if not found[0].exists() and re.search(r"[*?\[]", path):
        anchor = Path(path).anchor
        found = sorted(Path(anchor or ".").glob(path.removeprefix(anchor)))
        if not found:
            raise FileError(f"no folder is called like {path}")
    folders = []
    for folder in found:
        if not folder.is_dir():
            raise FileError(f"{folder} is {'a file' if folder.exists() else 'missing'}, expected a folder of results")
        seeds = sorted(folder.glob("seed-*"), key=lambda seed: (len(seed.name), seed.name))
        folders += [(member, condition) for member in seeds or [folder]]
    return folders


def _pair(text: str, option: str) -> tuple[str, str]:
    left, equals, right = (part.strip() for part in text.partition("="))
    if not left or (equals and not right):
        raise InputError(f"{option} expects A=B, or a name that is in both, got {text!r}")
    return left, right or left
