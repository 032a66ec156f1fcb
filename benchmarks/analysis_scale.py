"""Time and memory of the analysis of a large recording, beside the route through one neo.SpikeTrain a unit and trial.

    python benchmarks/analysis_scale.py                            10,000 trials x 2,000 units, 20 million spikes
    python benchmarks/analysis_scale.py --trials 1000 --hours 0.1  a tenth of it
    python benchmarks/analysis_scale.py --json FILE                and the numbers as a file

Recordings are generated: 10 classes that half of the units prefer, packets above a background, four areas; and 800
units at 8 Hz for an hour as an NWB file, written through pynwb, with 1,200 trials. Each measurement is a process of
its own, whose peak of memory is told, with what it loads. All of `semsync.analysis.analyze.analyze` runs, for one
window and with 1,000 permutations. Seconds are those of the wall clock and, in brackets, of the processor, all threads
together, which other programs change less; ratios are of the latter.

The other route is what one writes with Neo, Elephant, scikit-learn and SciPy: a spike train for each unit and trial,
functions called for each. It is measured on as many as take seconds, and what the whole would take follows from the
cost of one: of a spike train, of a unit and permutation, of a pair of trials (whose number grows with the square).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_CLASSES, N_AREAS, DURATION = 10, 4, 500.0  # ms
N_FILE_UNITS, RATE, TRIALS_PER_HOUR = 800, 8.0, 1200  # of the NWB file; Hz
N_NAIVE_TRIALS = 10


def generate(folder: Path, n_trials: int, n_units: int) -> None:
    """One spike a unit and trial in the mean, as arrays that need no semsync to read."""
    rng = np.random.default_rng(0)
    classes = np.arange(n_trials) % N_CLASSES
    preferred = rng.integers(0, N_CLASSES, n_units)
    selective = (np.arange(n_units) % 2 == 0) & (preferred == np.arange(N_CLASSES)[:, None])
    rate = rng.lognormal(0.0, 0.8, n_units) * np.where(selective, 1.5, 1.0)
    rate /= rate.mean()
    parts = []
    for start in range(0, n_trials, 500):
        n_spikes = rng.poisson(rate[classes[start : start + 500]])
        trial, unit = (np.repeat(rows.ravel(), n_spikes.ravel()) for rows in np.indices(n_spikes.shape, np.int32))
        packet = rng.random(len(trial)) < 0.3
        times = np.where(packet, rng.normal(100.0, 5.0, len(trial)), rng.uniform(0.0, DURATION, len(trial)))
        order = np.lexsort((times, trial))
        parts.append((times[order], unit[order], trial[order] + np.int32(start)))
    for name, columns in zip(("times", "unit", "trial"), zip(*parts, strict=True), strict=True):
        np.save(folder / f"{name}.npy", np.concatenate(columns))
    np.save(folder / "classes.npy", classes)


def load_arrays(folder: Path, **options: Any) -> list[NDArray[Any]]:
    return [np.load(folder / f"{name}.npy", **options) for name in ("times", "unit", "trial", "classes")]


def generate_nwb(path: Path, hours: float) -> None:
    import pynwb
    from hdmf.common import ElementIdentifiers, VectorData, VectorIndex

    rng = np.random.default_rng(0)
    duration = 3600.0 * hours
    n_spikes = rng.poisson(rng.gamma(2.0, RATE / 2, N_FILE_UNITS) * duration)
    times = np.concatenate([np.sort(rng.integers(0, int(duration * 30_000), n)) for n in n_spikes]) / 30_000
    spikes = VectorData(name="spike_times", description="[s]", data=times)
    index = VectorIndex(name="spike_times_index", target=spikes, data=np.cumsum(n_spikes).astype(np.uint64))
    ids = ElementIdentifiers(name="id", data=np.arange(N_FILE_UNITS))
    nwb = pynwb.NWBFile("generated", "generated", datetime(2020, 1, 1, tzinfo=UTC))
    nwb.units = pynwb.misc.Units(name="units", description="units", id=ids, columns=[spikes, index])
    nwb.add_trial_column("stimulus", "class of the stimulus")
    for row, start in enumerate(np.arange(0.0, duration, 3600.0 / TRIALS_PER_HOUR)):
        nwb.add_trial(start_time=start, stop_time=start + 2.5, stimulus=row % 8)
    with pynwb.NWBHDF5IO(str(path), "w") as file:
        file.write(nwb)


class Clock:
    """Seconds of the wall clock and of the processor, by part."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = {}
        self._begin("")

    def _begin(self, part: str) -> None:
        self._part, self._wall, self._cpu = part, time.perf_counter(), time.process_time()

    def next(self, part: str = "") -> None:
        """The part that runs ends, another begins."""
        if self._part:
            own = self.parts.setdefault(self._part, [0.0, 0.0])
            own[0] += time.perf_counter() - self._wall
            own[1] += time.process_time() - self._cpu
        self._begin(part)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.next(name)
        yield
        self.next()


# What parts of an analysis are called in the table.
PARTS = {
    "spikes": "spikes of the window",
    "selectivity": "information gain, information, permutations",
    "packets": "packets",
    "decoding": "decoding (3 decoders) and Jaccard distances",
    "Elephant's": "Elephant's measures, on samples",
}


def measure_analysis(folder: Path, clock: Clock) -> dict[str, Any]:
    import pandas  # noqa: F401  (its import is no part of an analysis)

    from semsync import SpikeTable
    from semsync.analysis.analyze import analyze

    times, unit, trial, classes = load_arrays(folder)
    n_units, start = int(unit.max()) + 1, 2 * DURATION * np.arange(len(classes))
    areas = np.array([f"area {number}" for number in range(N_AREAS)])[np.arange(n_units) * N_AREAS // n_units]
    trials = {"start": start - DURATION, "onset": start, "stop": start + DURATION, "stimulus_class": classes}
    with clock.part("table of the spikes, checked"):
        table = SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units), "area": areas}, trials)
    del times, unit, trial

    def progress(part: str, n_done: int, n_all: int) -> None:
        clock.next(PARTS[part.removeprefix("window all: ").split(" ")[0]])

    analysis = analyze(table, windows=["all"], n_permutations=1000, progress=progress)
    clock.next()
    n_informative = int((analysis.units["q_value"] < 0.05).sum())
    return {"n_spikes": table.n_spikes, "n_informative": n_informative}


def measure_load(folder: Path, clock: Clock) -> dict[str, Any]:
    import pynwb  # noqa: F401

    from semsync.analysis.recordings import load_nwb

    with clock.part("load"):
        table = load_nwb(folder / "recording.nwb", class_column="stimulus")
    return {"n_spikes": table.n_spikes, "n_trains": table.n_units * table.n_trials}


def measure_naive(folder: Path, clock: Clock) -> dict[str, Any]:
    """The other route, on the first trials."""
    import neo
    import quantities as pq
    from elephant.statistics import mean_firing_rate
    from scipy.spatial.distance import pdist
    from sklearn.metrics import mutual_info_score

    times, unit, trial, classes = (
        np.load(folder / f"{name}.npy", "r") for name in ("times", "unit", "trial", "classes")
    )
    n_units, n_trials = int(unit.max()) + 1, min(N_NAIVE_TRIALS, len(classes))
    spikes = [np.array(times[slice(*np.searchsorted(trial, [k, k + 1]))]) for k in range(n_trials)]
    units = [np.array(unit[slice(*np.searchsorted(trial, [k, k + 1]))]) for k in range(n_trials)]
    before = memory_mb("VmRSS")
    with clock.part("spike trains"):
        spiketrains = [
            [neo.SpikeTrain(of_trial[own == row], units="ms", t_stop=DURATION) for row in range(n_units)]
            for of_trial, own in zip(spikes, units, strict=True)
        ]
    mb = memory_mb("VmRSS") - before
    with clock.part("measures"):
        for of_trial in spiketrains:
            pooled = np.concatenate([spiketrain.magnitude for spiketrain in of_trial])
            _ = pooled.mean(), pooled.std(ddof=1), np.mean([len(spiketrain) > 0 for spiketrain in of_trial])
            _ = [mean_firing_rate(spiketrain).rescale(pq.Hz) for spiketrain in of_trial]
            _ = [spiketrain[0] if len(spiketrain) else None for spiketrain in of_trial]
    rng = np.random.default_rng(0)
    activity = rng.random((len(classes), 20)) < 0.5
    n_shuffles = 10
    with clock.part("information"):
        for column in activity.T:
            for _ in range(n_shuffles):
                mutual_info_score(rng.permutation(classes), column)
    pairs = min(1000, len(classes))
    with clock.part("distances"):
        pdist(rng.random((pairs, n_units)) < 0.5, "jaccard")
    per = {"spike trains": n_trials * n_units, "measures": n_trials * n_units, "information": 20 * n_shuffles}
    per["distances"] = pairs * (pairs - 1) // 2
    return {"n": per, "mb_per_train": mb / per["spike trains"], "n_units": n_units, "n_trials": len(classes)}


def measure_naive_load(folder: Path, clock: Clock) -> dict[str, Any]:
    """The file unit by unit, each cut into its trials, for the first units."""
    import neo
    import pynwb
    import quantities as pq

    n_units = 2
    with pynwb.NWBHDF5IO(str(folder / "recording.nwb"), "r") as file:
        nwb = file.read()
        before = memory_mb("VmRSS")
        with clock.part("spike trains"):
            borders = list(zip(nwb.trials["start_time"][:], nwb.trials["stop_time"][:], strict=True))
            spiketrains = []
            for row in range(n_units):
                spikes = nwb.units["spike_times"][row]
                whole = neo.SpikeTrain(spikes, units="s", t_stop=max(spikes[-1], borders[-1][1]))
                spiketrains.append([whole.time_slice(start * pq.s, stop * pq.s) for start, stop in borders])
    n = sum(map(len, spiketrains))
    return {"n": {"spike trains": n}, "mb_per_train": (memory_mb("VmRSS") - before) / n}


def memory_mb(what: str) -> float:
    """VmHWM, the peak of this process, or VmRSS, what it holds now. (Linux; a child's getrusage has its parent's.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


MEASUREMENTS: dict[str, Callable[[Path, Clock], dict[str, Any]]] = {
    "analysis": measure_analysis,
    "load": measure_load,
    "naive": measure_naive,
    "naive load": measure_naive_load,
}


def measure(what: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, "--folder", folder], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def total(result: dict[str, Any], *parts: str) -> NDArray[np.float64]:
    """Seconds of the wall clock and of the processor of some parts, or of all."""
    return np.sum([result["parts"][part] for part in parts or result["parts"]], axis=0)


def whole_of(naive: dict[str, Any]) -> dict[str, float]:
    """Seconds of the processor that the other route would take for the whole, by part, from the cost of one."""
    n_trials, n_units = naive["n_trials"], naive["n_units"]
    n = {"spike trains": n_trials * n_units, "measures": n_trials * n_units, "information": n_units * 1000}
    n["distances"] = n_trials * (n_trials - 1) // 2  # of all units; analyze() takes each area's
    return {part: naive["parts"][part][1] / naive["n"][part] * n[part] for part in n}


def print_table(result: dict[str, Any]) -> None:
    analysis, load, naive, naive_load = (result[name] for name in MEASUREMENTS)
    print(f"{result['trials']:,} trials x {result['units']:,} units, {analysis['n_spikes']:,} spikes; "
          f"{result['cores']} cores, load {result['load_average']:.1f}\n")  # fmt: skip
    for part, (wall, cpu) in analysis["parts"].items():
        print(f"{part:46}{wall:8.2f} s ({cpu:.2f})")
    wall, cpu = total(analysis)
    print(f"{'all':46}{wall:8.2f} s ({cpu:.2f}){analysis['peak_mb']:8.0f} MB at most\n")
    print(f"through one neo.SpikeTrain a unit and trial, from {naive['n']['spike trains']:,} of them")
    for part, seconds in result["naive_seconds"].items():
        one = naive["parts"][part][1] / naive["n"][part]
        print(f"{part:46}{seconds:8.0f} s, {1e6 * one:.1f} us each")
    n_trains = result["trials"] * result["units"]
    print(f"{'all':46}{sum(result['naive_seconds'].values()):8.0f} s, {result['ratio']:.0f} times as long; "
          f"{naive['mb_per_train'] * n_trains / 1024:.0f} GB of spike trains\n")  # fmt: skip
    wall, cpu = total(load)
    print(f"{N_FILE_UNITS} units x {result['hours']:g} h from NWB, {load['n_spikes']:,} spikes: "
          f"{wall:.2f} s ({cpu:.2f}), {load['peak_mb']:.0f} MB at most")  # fmt: skip
    gigabytes = naive_load["mb_per_train"] * load["n_trains"] / 1024
    print(
        f"through neo.SpikeTrain, {load['n_trains']:,} of them: {result['naive_load_seconds']:.0f} s, "
        f"{result['load_ratio']:.0f} times as long, {gigabytes:.1f} GB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--trials", type=int, default=10_000, help="trials of the generated recording")
    parser.add_argument("--units", type=int, default=2_000, help="units of it")
    parser.add_argument("--hours", type=float, default=1.0, help="duration of the NWB file")
    parser.add_argument("--measure", choices=["generate", *MEASUREMENTS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        clock = Clock()
        found = MEASUREMENTS[arguments.measure](arguments.folder, clock)
        print(json.dumps(found | {"parts": clock.parts, "peak_mb": memory_mb("VmHWM")}))
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    result: dict[str, Any] = {"trials": arguments.trials, "units": arguments.units, "hours": arguments.hours}
    result |= {"cores": cores, "load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, arguments.trials, arguments.units)
        generate_nwb(folder / "recording.nwb", arguments.hours)
        result |= {what: measure(what, folder) for what in MEASUREMENTS}
    result["naive_seconds"] = whole_of(result["naive"])
    result["ratio"] = sum(result["naive_seconds"].values()) / total(result["analysis"])[1]
    slow, fast = result["naive load"], result["load"]
    result["naive_load_seconds"] = total(slow)[1] / slow["n"]["spike trains"] * fast["n_trains"]
    result["load_ratio"] = result["naive_load_seconds"] / total(fast)[1]
    print_table(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
