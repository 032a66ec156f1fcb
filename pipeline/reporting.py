"""Reports from what lies in a folder: they can be written again at any time, without torch, NEST or the data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.analyze import Analysis
from ..analysis.recordings import load_nwb
from ..analysis.report import RecordingReport, RunReport, ValidationReport, build_page, save_figures, write_report
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable
from .run_folder import RunFolder, environment, read_json


def single_report(folder: RunFolder, results: Mapping[str, Any]) -> None:
    """Write the report of a run of one seed."""
    write_report(folder.report, _run_content(folder, results, f"semsync: {results['preset']}, seed {results['seed']}"))


def seeds_report(folder: RunFolder, results: Mapping[str, Any]) -> None:
    """Write the report of a run of several seeds: the figures of the first, the numbers of all."""
    runs = {seed: RunFolder(folder.root / f"seed-{seed}", resume=True) for seed in results["seeds"]}
    all_results = {seed: read_json(own.results) for seed, own in runs.items()}
    first = results["seeds"][0]
    title = f"semsync: {results['preset']}, {len(runs)} seeds (figures: seed {first})"
    write_report(folder.report, _run_content(runs[first], all_results[first], title, all_results))


def recording_report(folder: RunFolder, title: str, table: SpikeTable, analysis: Analysis, **more: Any) -> list[Path]:
    """Write the report of a recording that was analysed; returns its figures, which are files of their own too."""
    notes = table.annotations.get("notes", ())
    page = build_page(RecordingReport(title, analysis, recording=table, notes=notes, environment=environment(), **more))
    write_report(folder.report, page)
    return save_figures(folder.root / "figures", page)


def validation_report(folder: RunFolder, results: Mapping[str, Any]) -> None:
    """Write the report and the figures of a validation."""
    content = ValidationReport(
        "semsync: validation in NEST", results, others=results.get("beside", {}), environment=environment()
    )
    write_report(folder.report, content)
    save_figures(folder.root / "figures", content)


def _run_content(
    folder: RunFolder, results: Mapping[str, Any], title: str, seeds: Mapping[int, Mapping[str, Any]] | None = None
) -> RunReport:
    made = read_json(folder.config)
    history = read_json(folder.history)
    with np.load(folder.spike_times, allow_pickle=False) as pairs:
        reference_times, simulated_times = pairs["reference"], pairs["simulated"]
    return RunReport(
        title,
        results,
        config=made["config"],
        environment=made["environment"],
        history=history["epochs"],
        best_epoch=history["best_epoch"],
        trained=Analysis.from_dict(read_json(folder.analysis("trained"))),
        untrained=Analysis.from_dict(read_json(folder.analysis("untrained"))),
        recording=load_nwb(folder.recording("trained", ".nwb")),
        control_recording=load_nwb(folder.recording("untrained", ".nwb")),
        network=NetworkDescription.load(folder.network("trained")),
        control_network=NetworkDescription.load(folder.network("untrained")),
        reference_times=reference_times,
        simulated_times=simulated_times,
        seeds=seeds or {},
    )
