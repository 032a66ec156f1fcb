"""The analysis of a recording file, simulated or real, into a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError
from ..spike_table import SpikeTable
from .networks import load_network
from .progress import Progress, silent
from .results_folder import write_results
from .run_folder import RunFolder
from .selecting import criteria_of, two_times


def analyse_file(
    recording: Path,
    out: Path,
    *,
    overwrite: bool = False,
    windows: Sequence[str] = (),
    by: str | None = None,
    network: Path | None = None,
    reading: Mapping[str, str] | None = None,
    selecting: Mapping[str, str] | None = None,
    baseline: str | None = None,
    also: Sequence[str] = (),
    n_permutations: int = 1000,
    matched_size: int | None = None,
    min_active_trials: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Analyse a recording as far as it allows; writes results, report, tables and figures to the folder `out`.

    ``results.json``, ``report.html``, ``tables/NAME.parquet`` and ``.csv`` (:meth:`Analysis.from_folder` reads them
    back), ``figures/NAME.svg`` and ``.pdf``.

    Parameters
    ----------
    recording : path
        Of a format that :func:`semsync.analysis.recordings.load_recording` reads.
    out : path
    overwrite : bool
        Replace an analysis that is there.
    windows : sequence of str
        "all", "decision", or two times in ms from onset with a comma between them; all and decision without.
    network : path, optional
        The network that was recorded, for its pathways; a file, or ``pretrained:NAME``.
    reading : mapping
        Options of the reader, as text: trials, class_column, align, span, units, time_unit, resolution.
    selecting : mapping
        Criteria of :class:`~semsync.analysis.selection.Criteria`, as text.
    baseline : str, optional
        Two times in ms from onset; adds ``responses`` of units, see :mod:`semsync.analysis.baseline`.
    also : sequence of str
        Additional analyses, see :mod:`semsync.analysis.extras`.

    Returns
    -------
    dict
        What was written to ``results.json``.
    """
    from ..analysis.analyze import analyze
    from ..analysis.baseline import baseline_responses
    from ..analysis.extras import find_extras
    from ..analysis.recordings import load_recording
    from ..analysis.selection import select
    from ..analysis.tables import rows_of, save_tables
    from .reporting import recording_report

    if not overwrite and (out / "results.json").exists():
        raise FileError(f"{out} holds an analysis; add --overwrite to replace it, or choose another --out")
    extras = find_extras(also)
    chosen = [_window(window) for window in windows]
    criteria = criteria_of(selecting or {})
    baseline_window = None if baseline is None else two_times(baseline, "--baseline")
    description = None if network is None else load_network(network)
    progress("analyse", 0, 1, f"reading {recording.name}")
    table = load_recording(recording, **reader_options(reading or {}))
    table, dropped = select(table, criteria)
    if not chosen:
        # The decision window is only worth a word where there is a decision to speak of.
        chosen = ["all", "decision"] if "decision_time" in table.trials else ["all"]
    responses = None if baseline_window is None else baseline_responses(table, baseline_window, chosen)
    folder = RunFolder(out, resume=True)
    n_parts = 0

    def tell(part: str, n_done: int, n_all: int) -> None:
        nonlocal n_parts
        n_parts = n_all + 1
        progress("analyse", n_done, n_parts, part)

    analysis = analyze(
        table,
        windows=chosen,
        by=by,
        n_permutations=n_permutations,
        matched_size=matched_size,
        min_active_trials=min_active_trials,
        description=description,
        also=extras,
        seed=seed,
        progress=tell,
    )
    progress("analyse", n_parts - 1, n_parts, "report")
    results = {
        "recording": _about(recording, table),
        "selection": [step.to_dict() for step in dropped],
        **analysis.to_dict(["layers", "units", "pathways"]),
        "lacks": [*table.annotations.get("lacks", ()), *analysis.lacks],
        **({} if responses is None else {"responses": rows_of(responses)}),
        "settings": dict(analysis.settings)
        | {"reading": dict(reading or {}), "selecting": dict(selecting or {}), "baseline": baseline},
    }

    def write_files() -> list[Path]:
        files = save_tables(
            folder.root / "tables", analysis.tables | ({} if responses is None else {"responses": responses})
        )
        return files + recording_report(
            folder, recording.name, table, analysis, network=description, source=recording.name
        )

    write_results(folder, results, write_files)
    progress("analyse", n_parts, n_parts)
    return results


def _about(path: Path, table: SpikeTable) -> dict[str, Any]:
    return {
        "file": path.name,
        "n_units": table.n_units,
        "n_trials": table.n_trials,
        "n_spikes": table.n_spikes,
        "duration_ms": float(np.max(table.trials["stop"]) - np.min(table.trials["start"])) if table.n_trials else 0.0,
        "notes": list(table.annotations.get("notes", ())),
    }


def _window(text: str) -> str | tuple[float, float]:
    return two_times(text, "--window") if "," in text else text


def reader_options(reading: Mapping[str, str]) -> dict[str, Any]:
    """What the reader takes, from what the command line gives it."""
    options: dict[str, Any] = {key: value for key, value in reading.items() if key not in ("span", "align")}
    if "resolution" in options:
        options["resolution"] = float(options["resolution"])
    if "span" in reading:
        options["window"] = two_times(reading["span"], "--span")
    if "align" in reading:
        align = reading["align"]
        codes = [part.strip() for part in align.split(",")]
        # Events are numbers in GDF files, and columns elsewhere.
        options["align"] = [int(code) for code in codes] if all(code.isdigit() for code in codes) else align
    return options
