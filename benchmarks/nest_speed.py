"""How fast a trained network runs in NEST: `semsync simulate pretrained:mnist-dale --dataset mnist`.

    python benchmarks/nest_speed.py                              one table
    python benchmarks/nest_speed.py --json FILE --images 200     and the numbers as a file
    python benchmarks/nest_speed.py --data-folder FOLDER         where the files of MNIST lie; see `semsync data`

Compared with one process that builds the network anew for every image, at the same time step and with the same flat
arrays of connections. All are measured in turn, several times, on the same images; medians, and ratios within one run.
Images per second are those of the wall clock, from the call to the recording, the start of the workers included; for
the rebuild they count from when NEST is loaded. The two scalings are in seconds of the processor, which other programs
change less. Nothing here loads torch.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsync import NetworkDescription, SpikeTable
from semsync.bridge import simulate
from semsync.bridge.protocols import Protocol
from semsync.bridge.stimuli import Stimuli
from semsync.errors import SemsyncError
from semsync.models import datasets
from semsync.models.encoding import encoder_from
from semsync.pipeline.networks import load_network

NETWORK, RESOLUTION = "pretrained:mnist-dale", 0.1  # ms
WIDTHS = (0.25, 0.5, 1.0, 1.5)  # of the hidden layers, relative to the trained network
IMAGES = (25, 50, 100, 200)


def mnist_features(n: int, folder: Path | None) -> tuple[NDArray[np.float64], str]:
    """Features of `n` test images, or of such statistics where MNIST is not at hand."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
    try:
        test = datasets.load("mnist", folder or (beside if beside.is_dir() else None)).test
        return test.features[:n], "MNIST test images"
    except SemsyncError:
        rng = np.random.default_rng(0)
        ink = rng.random((n, 784)) < 0.19
        return np.where(ink, rng.uniform(0.2, 1.0, (n, 784)), 0.0), "generated stimuli, as MNIST is missing (19 % ink)"


def widened(network: NetworkDescription, width: float) -> NetworkDescription:
    """The network with hidden layers of another width, whose neurons fire as before: copies, or a share, of them."""
    rows = {
        p.name: np.arange(p.size) if p in (network.input, network.output) else _rows(p.size, width)
        for p in network.populations
    }
    populations = [
        replace(p, size=len(rows[p.name]), cell_type=p.cell_type[rows[p.name]], I_e=0.0) for p in network.populations
    ]
    projections = []
    for p in network.projections:
        scale = network[p.source].size / len(rows[p.source])
        projections.append(replace(p, weights=p.weights[np.ix_(rows[p.source], rows[p.target])] * scale))
    return replace(network, populations=populations, projections=projections)


def _rows(size: int, width: float) -> NDArray[np.int64]:
    return np.floor(np.arange(round(size * width)) / width).astype(int)


def n_events(network: NetworkDescription, recording: SpikeTable) -> float:
    """Synaptic events of a trial, in the mean."""
    counts = recording.counts().sum(axis=0)
    rows = np.cumsum([0] + [p.size for p in network.populations])
    start = dict(zip((p.name for p in network.populations), rows, strict=False))
    return (
        sum(
            float(counts[start[p.source] : start[p.source] + len(p.weights)] @ (p.weights != 0).sum(axis=1))
            for p in network.projections
        )
        / recording.n_trials
    )


def measure(how: str, network: NetworkDescription, times: NDArray[np.float64]) -> dict[str, Any]:
    """Run it in a process of its own, so that each has its own peak of memory.

    `how` is the number of workers, or "rebuild".
    """
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder) / "network.safetensors")
        np.save(Path(folder) / "times.npy", times)
        command = [sys.executable, __file__, "--measure", how, "--folder", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        with np.load(Path(folder) / "first.npz") as file:
            return result | {"first": file["first"]}


def _measure(how: str, folder: Path) -> None:
    network = NetworkDescription.load(folder / "network.safetensors")
    times = np.load(folder / "times.npy")
    if how == "rebuild":
        os.environ["OMP_NUM_THREADS"] = "1"
        seconds, first = _rebuild(network, times)
        used = resource.getrusage(resource.RUSAGE_SELF)
        events = None
    else:
        started = time.perf_counter()
        recording = simulate(network, times, resolution=RESOLUTION, n_workers=int(how))
        seconds, first = time.perf_counter() - started, recording.first_spikes()
        # Memory is that of the largest worker, time the sum of all.
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        events = n_events(network, recording)
    np.savez(folder / "first.npz", first=first)
    megabytes = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_memory_mb": megabytes, "events": events}))


def _rebuild(network: NetworkDescription, times: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """One process, the network built anew for every image."""
    from semsync.bridge.kernel_network import KernelNetwork
    from semsync.bridge.nest_kernel import load_nest

    nest = load_nest()
    stimuli = Stimuli.of(network, times)
    first = np.full((len(times), sum(p.size for p in network.populations)), np.inf)
    first[:, : times.shape[1]] = times
    started = time.perf_counter()
    for trial in range(len(times)):
        plan = Protocol().plan(network, RESOLUTION)
        spikes, unit, _ = KernelNetwork(nest, plan).present([stimuli.of_trial(trial)], trial)
        first[trial, unit] = spikes
    return time.perf_counter() - started, first


def largest_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """[ms]; inf where a neuron fires in one only."""
    return float(np.abs(np.subtract(a, b, out=np.zeros(a.shape), where=a != b)).max())


def compare_ways(
    network: NetworkDescription, times: NDArray[np.float64], n_rebuilt: int, n_runs: int
) -> dict[str, Any]:
    """One worker, two workers and the rebuild in turn."""
    ways = {"1": times, "2": times, "rebuild": times[:n_rebuilt]}
    seconds: dict[str, list[float]] = {how: [] for how in ways}
    peak = dict.fromkeys(ways, 0.0)
    first = {}
    for _ in range(n_runs):
        for how, stimuli in ways.items():
            result = measure(how, network, stimuli)
            seconds[how].append(result["seconds"] / len(stimuli))
            peak[how] = max(peak[how], result["peak_memory_mb"])
            first[how] = result["first"]
    per_image = {how: statistics.median(values) for how, values in seconds.items()}
    return {
        "images_per_second": {how: 1 / value for how, value in per_image.items()},
        "ratio_to_rebuild": {how: per_image["rebuild"] / per_image[how] for how in ("1", "2")},
        "largest_difference_to_rebuild_ms": largest_difference(first["2"][:n_rebuilt], first["rebuild"]),
        "peak_memory_mb": peak,
    }


def against_images(network: NetworkDescription, times: NDArray[np.float64], n_runs: int) -> list[dict[str, float]]:
    """Seconds of the processor that one worker takes for more and more images."""
    counts = [n for n in IMAGES if n <= len(times)]
    seconds: dict[int, list[float]] = {n: [] for n in counts}
    for _ in range(n_runs):
        for n in counts:
            seconds[n].append(measure("1", network, times[:n])["cpu_seconds"])
    return [{"images": n, "seconds": statistics.median(seconds[n])} for n in counts]


def against_width(network: NetworkDescription, times: NDArray[np.float64], n_runs: int) -> list[dict[str, float]]:
    """Milliseconds of the processor for an image of more and more synaptic events, the worker's start left out."""
    networks = {width: widened(network, width) for width in WIDTHS}
    taken: dict[float, list[float]] = {width: [] for width in WIDTHS}
    events = {}
    few, many = times[:1], times
    for _ in range(n_runs):
        for width, one in networks.items():
            start, all_of_it = measure("1", one, few), measure("1", one, many)
            taken[width].append((all_of_it["cpu_seconds"] - start["cpu_seconds"]) / (len(many) - 1))
            events[width] = all_of_it["events"]
    return [
        {"width": w, "synapses": networks[w].n_synapses, "events": events[w], "ms": statistics.median(taken[w]) * 1e3}
        for w in WIDTHS
    ]


def straight(x: list[float], y: list[float]) -> dict[str, float]:
    """The straight line through points, and how far, relative to the largest, they lie from it at most."""
    slope, intercept = np.polyfit(x, y, 1)
    off = np.abs(np.polyval([slope, intercept], x) - y).max() / max(y)
    return {"slope": float(slope), "intercept": float(intercept), "largest_deviation": float(off)}


def print_table(result: dict[str, Any]) -> None:
    print(f"{NETWORK}, h = {RESOLUTION} ms, {result['images']} images, {result['stimuli']}; {result['cores']} cores\n")
    print(f"{'':24}{'images/s':>10}{'x rebuild':>11}{'MB/process':>12}")
    for how, name in (("1", "1 worker"), ("2", "2 workers"), ("rebuild", "rebuilt for each image")):
        ratio = result["ratio_to_rebuild"].get(how, 1.0)
        speed, memory = result["images_per_second"][how], result["peak_memory_mb"][how]
        print(f"{name:24}{speed:10.1f}{ratio:11.1f}{memory:12.0f}")
    print(f"largest difference between spike times: {result['largest_difference_to_rebuild_ms']:.1e} ms\n")
    line = result["line_images"]
    for row in result["scaling_images"]:
        print(f"{row['images']:5} images{row['seconds']:9.2f} s")
    print(
        f"{line['intercept']:.2f} s and {1e3 * line['slope']:.1f} ms an image; "
        f"off a straight line by {line['largest_deviation']:.1%} at most\n"
    )
    line = result["line_events"]
    for row in result["scaling_events"]:
        print(
            f"width x {row['width']:<5g}{row['synapses']:9,} synapses{row['events']:11,.0f} events{row['ms']:8.1f} ms"
        )
    print(
        f"{line['intercept']:.1f} ms and {1e6 * line['slope']:.0f} ns an event; "
        f"off a straight line by {line['largest_deviation']:.1%} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--images", type=int, default=200, help="images of each measurement")
    parser.add_argument("--rebuilt", type=int, default=25, help="images for which the network is built anew")
    parser.add_argument("--runs", type=int, default=3, help="measurements of each")
    parser.add_argument("--data-folder", type=Path, help="folder of MNIST's files")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        _measure(arguments.measure, arguments.folder)
        return
    network = load_network(NETWORK)
    features, stimuli = mnist_features(arguments.images, arguments.data_folder)
    times = encoder_from(network.encoding)(features)
    n_runs = arguments.runs
    result: dict[str, Any] = {
        "network": NETWORK,
        "resolution_ms": RESOLUTION,
        "images": len(times),
        "stimuli": stimuli,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        **compare_ways(network, times, min(arguments.rebuilt, len(times)), n_runs),
        "scaling_images": against_images(network, times, n_runs),
        "scaling_events": against_width(network, times[:50], n_runs),
    }
    by_images, by_events = result["scaling_images"], result["scaling_events"]
    result["line_images"] = straight([row["images"] for row in by_images], [row["seconds"] for row in by_images])
    result["line_events"] = straight([row["events"] for row in by_events], [row["ms"] for row in by_events])
    print_table(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
