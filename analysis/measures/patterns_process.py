"""SPADE in a process of its own, under a limit of memory: out of it, Elephant's miner ends the process it runs in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...spike_table import SpikeTable
from .patterns import Patterns, PatternSettings, spade_patterns

_GIGABYTE = 1_000_000_000


def limited_spade_patterns(
    table: SpikeTable, settings: PatternSettings, *, max_memory: float, seed: np.random.SeedSequence
) -> Patterns:
    """:func:`~semsync.analysis.measures.patterns.spade_patterns`, within `max_memory` gigabytes where the system can.

    Raises
    ------
    InputError
        When the memory does not suffice, and what the function itself refuses.
    """
    with tempfile.TemporaryDirectory(prefix="semsync-patterns-") as folder:
        path = Path(folder)
        np.savez(
            path / "spikes.npz",
            times=table.times,
            unit=table.unit,
            trial=table.trial,
            n_units=table.n_units,
            stimulus_class=table.trials.get("stimulus_class", np.zeros(table.n_trials, np.int64)),
            start=table.trials["start"],
            stop=table.trials["stop"],
            onset=table.trials["onset"],
        )
        job = {
            "settings": settings.to_dict(),
            "entropy": seed.entropy,
            "spawn_key": list(seed.spawn_key),
            "max_memory": max_memory,
        }
        (path / "job.json").write_text(json.dumps(job))
        # OpenBLAS reserves memory for every core, which would count.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-m", __name__, folder], env=environment, capture_output=True, text=True, check=False
        )
        result = path / "result.json"
        if not result.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            if "MemoryError" in last or "bad_alloc" in done.stderr or done.returncode < 0:
                raise InputError(
                    f"the search for patterns takes more than max_memory = {max_memory:g} GB: raise min_occ or "
                    "min_spikes, lower winlen, or choose fewer units or a shorter window"
                )
            raise RuntimeError(f"the process that searches for patterns failed: {last}")
        found = json.loads(result.read_text())
    if "refused" in found:
        raise InputError(found["refused"])
    return Patterns.from_dict(found)


def _run(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    _limit_memory(job["max_memory"])
    with np.load(folder / "spikes.npz") as spikes:
        table = SpikeTable(
            spikes["times"],
            spikes["unit"],
            spikes["trial"],
            {"unit_id": np.arange(int(spikes["n_units"]))},
            {name: spikes[name] for name in ("start", "stop", "onset", "stimulus_class")},
        )
    seed = np.random.SeedSequence(job["entropy"], spawn_key=job["spawn_key"])
    try:
        found = asdict(spade_patterns(table, PatternSettings(**job["settings"]), seed))
    except InputError as error:
        found = {"refused": str(error)}
    (folder / "result.json").write_text(json.dumps(found))


def _limit_memory(max_memory: float) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = int(max_memory * _GIGABYTE)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
