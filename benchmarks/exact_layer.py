"""Cost of the exact first-spike layer, in units of dense matrix products of the same shapes.

    python benchmarks/exact_layer.py                          one table
    python benchmarks/exact_layer.py --json FILE --sweep      with cost against batch, width, depth, activity, ratio,
                                                              delays and precision
    python benchmarks/exact_layer.py --peers                  and snntorch, jaxsnn and exact-snn-nn, each in an
                                                              environment of its own (minutes, 2 GB of memory)

The unit is what a dense layer of the same shapes costs: forward, and both products of the backward pass, in float64,
measured in turn with what is compared with it, on all cores. Medians; quote ratios, never times. The exact layer runs
as in `semsync train`: torch's own threads rest, and freed memory is kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from peers.timing import BATCH, N_ACTIVE, SIZES, dense_products, input_times, layer_weights

from semsync.models.first_spike import first_spike_times
from semsync.models.loss import FirstSpikeLoss
from semsync.models.memory import keep_freed_memory

LOSS = FirstSpikeLoss()
N_THREADS = torch.get_num_threads()


@dataclass(frozen=True)
class Case:
    """One network and batch; times in ms."""

    sizes: tuple[int, ...] = SIZES
    batch: int = BATCH
    n_active: int = N_ACTIVE
    tau_m: float = 10.0
    tau_syn: float = 10.0
    engine: str = "kernel"
    dtype: torch.dtype = torch.float64
    delays: str = "none"
    of_inputs: bool = False  # whether input times have gradients, as those of a hidden layer do


def exact_step(case: Case) -> Callable[[], None]:
    """Forward, loss and backward of the exact layers, with weights that make most neurons fire."""
    rng = np.random.default_rng(0)
    times = torch.from_numpy(input_times(rng, case.batch, case.sizes[0], case.n_active)).to(case.dtype)
    times.requires_grad_(case.of_inputs)
    labels = torch.from_numpy(rng.integers(0, case.sizes[-1], case.batch))
    weights, synaptic, shifts = [], [], []
    n_active = case.n_active
    for n_in, n_out in zip(case.sizes[:-1], case.sizes[1:], strict=True):
        # In memory of torch's, as parameters are: it begins on a cache line.
        w = layer_weights(rng, n_in, n_out, n_active)
        weights.append(torch.tensor(w, dtype=case.dtype, requires_grad=True))
        synaptic.append(torch.from_numpy(rng.uniform(0.1, 5.0, (n_in, n_out))).to(case.dtype).requires_grad_())
        shifts.append(
            [torch.from_numpy(rng.uniform(0.1, 5.0, n)).to(case.dtype).requires_grad_() for n in (n_in, n_out)]
        )
        n_active = n_out

    def step() -> None:
        torch.set_num_threads(1)
        t = times
        for w, d, (axonal, dendritic) in zip(weights, synaptic, shifts, strict=True):
            if case.delays == "axonal and dendritic":
                t = t + axonal
            of_synapses = d if case.delays == "synaptic" else None
            t = first_spike_times(t, w, case.tau_m, case.tau_syn, delays=of_synapses, engine=case.engine)
            if case.delays == "axonal and dendritic":
                t = t + dendritic
        # As in training, where every step starts without gradients.
        for parameter in (times, *weights, *synaptic, *(x for pair in shifts for x in pair)):
            parameter.grad = None
        LOSS(t, labels, case.tau_syn).mean().backward()

    return step


def dense_step(case: Case, dtype: torch.dtype = torch.float64) -> Callable[[], None]:
    """The matrix products of a dense network of the same shapes, on all cores."""
    products = dense_products(case.sizes, case.batch, dtype)

    def step() -> None:
        torch.set_num_threads(N_THREADS)
        products()

    return step


def interleaved(steps: Sequence[Callable[[], None]], n_runs: int, n_warm: int = 3, n_measured: int = 3) -> list[float]:
    """Median seconds of each step, in turn so that a change of the machine's speed meets all of them.

    A step is run a few times in a row, as in a training, and the first are not measured: caches, clock and threads are
    then those of a loop of its own, not those that the other left behind (torch's spin for a while after a product).
    """
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(n_runs):
        for step, own in zip(steps, seconds, strict=True):
            for number in range(n_warm + n_measured):
                started = time.perf_counter()
                step()
                if number >= n_warm:
                    own.append(time.perf_counter() - started)
    return [statistics.median(own) for own in seconds]


def ratio_to_dense(case: Case, n_runs: int) -> float:
    exact, dense = interleaved([exact_step(case), dense_step(case)], n_runs)
    return exact / dense


def peak_memory_mb() -> float:
    """Peak memory of a step above that of a process that has imported the same and built the same network."""

    def peak(code: str) -> float:
        here = str(Path(__file__).parent)
        text = f"import sys; sys.path.insert(0, {here!r}); import resource, exact_layer as b; {code}"
        text += "; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        out = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
        return int(out.split()[-1]) / 1024

    # A tiny step first, so that the compiled kernel counts for both.
    tiny = "b.exact_step(b.Case(sizes=(8, 8, 4), batch=2, n_active=4))()"
    return peak(f"{tiny}; s = b.exact_step(b.Case()); s()") - peak(f"{tiny}; s = b.exact_step(b.Case())")


PEERS = {"surrogate": "snntorch", "jaxsnn": "jaxsnn", "exact_snn": "exact-snn-nn"}  # with_NAME.py and its package


def peer(name: str) -> tuple[str, float]:
    """What another package does in a step, and that step in units of dense products, in an environment of its own.

    jaxsnn and exact-snn-nn are exact as well; snntorch has surrogate gradients over 100 steps.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "torch==2.13.0", "numpy"], check=True)
        subprocess.run([*install, PEERS[name]], check=True)
        script = Path(__file__).parent / "peers" / f"with_{name}.py"
        run = subprocess.run([python, str(script)], stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(run.stdout.splitlines()[-1])
    return result["name"], result["ratio"]


SWEEPS: dict[str, list[tuple[str, Case]]] = {
    "batch": [(str(n), Case(batch=n)) for n in (32, 128, 512)],
    "width": [(str(n), Case(sizes=(784, n, 10))) for n in (100, 400, 1600)],
    "hidden layers": [(str(n), Case(sizes=(784, *[400] * n, 10))) for n in (1, 2, 4)],
    "active inputs": [(str(n), Case(n_active=n)) for n in (50, 150, 784)],
    "delays": [(kind, Case(delays=kind)) for kind in ("none", "axonal and dendritic", "synaptic")],
    "precision": [("float64", Case()), ("float32", Case(dtype=torch.float32))],
    "tau_m / tau_syn": [(name, Case(tau_m=10.0 * float(name))) for name in ("1", "0.5", "1.000001", "2", "5")],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--runs", type=int, default=11, help="turns of each step, of three measurements")
    parser.add_argument("--sweep", action="store_true", help="also cost against batch, width, depth, activity, ratio")
    parser.add_argument("--peers", action="store_true", help="also other packages, each in an environment of its own")
    arguments = parser.parse_args()
    keep_freed_memory()
    case = Case()
    exact, dense, dense32, synaptic, of_inputs, shifted = interleaved(
        [
            exact_step(case),
            dense_step(case),
            dense_step(case, torch.float32),
            exact_step(replace(case, delays="synaptic")),
            exact_step(replace(case, of_inputs=True)),
            exact_step(replace(case, delays="axonal and dendritic")),
        ],
        arguments.runs,
    )
    tau_ratios, of_tau_ratios = zip(*SWEEPS["tau_m / tau_syn"], strict=True)
    equal, *unequal = interleaved([exact_step(one) for one in of_tau_ratios], arguments.runs)
    reference, dense_again = interleaved(
        [exact_step(replace(case, engine="reference")), dense_step(case)], 2, n_warm=1, n_measured=1
    )
    result: dict[str, object] = {
        "case": "784-400-10, batch 128, 150 active inputs, float64, forward + loss + backward",
        "threads": N_THREADS,
        "ratio_to_gemm_float64": exact / dense,
        "ratio_to_gemm_float32": exact / dense32,
        "synaptic_delays_to_none": synaptic / exact,
        "input_gradients_to_gemm_float64": of_inputs / dense,
        "axonal_and_dendritic_delays_to_input_gradients": shifted / of_inputs,
        **{f"tau_ratio_{name}_to_1": one / equal for name, one in zip(tau_ratios[1:], unequal, strict=True)},
        "reference_to_gemm_float64": reference / dense_again,
        "ratio_to_reference": (exact / dense) / (reference / dense_again),
        "peak_memory_mb": peak_memory_mb(),
        "process_peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if arguments.peers:
        for name in PEERS:
            what, ratio = peer(name)
            result |= {name: what, f"{name}_to_gemm_float64": ratio, f"ratio_to_{name}": exact / dense / ratio}
    if arguments.sweep:
        result["sweeps"] = {
            title: {label: ratio_to_dense(one, arguments.runs) for label, one in cases}
            for title, cases in SWEEPS.items()
        }
    for key, value in result.items():
        if isinstance(value, dict):
            for title, row in value.items():
                print(f"{title:48}" + "  ".join(f"{label}: {ratio:.2f}" for label, ratio in row.items()))
        else:
            print(f"{key:48}{value:.4g}" if isinstance(value, float) else f"{key:48}{value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
