"""Workers, resuming, and refusals: real NEST in real processes."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import semsync.bridge.simulation
from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import Protocol, simulate
from semsync.bridge.job import Job
from semsync.bridge.nest_kernel import check_version
from semsync.bridge.stimuli import Stimuli
from semsync.errors import FileError, InputError, MissingDependencyError, SemsyncError

N_TRIALS, CHUNK_SIZE = 12, 2
RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(0.8, 0.5, (8, 6)), RNG.normal(0.8, 0.5, (6, 3))]
NETWORK = NetworkDescription.from_weights(WEIGHTS, LIFNeuron(tau_m=10.0, tau_syn=5.0), trial_duration=40.0)
INPUT_TIMES = RNG.uniform(0, 15, (N_TRIALS, 8))
CLASSES = np.arange(N_TRIALS) % 3


@pytest.fixture(scope="module")
def recording():
    return simulate(NETWORK, INPUT_TIMES, classes=CLASSES, chunk_size=CHUNK_SIZE)


def job(folder, chunk_size):
    """What `simulate` makes of the network and its stimuli."""
    return Job(folder, NETWORK, Stimuli.of(NETWORK, INPUT_TIMES), np.full(N_TRIALS, 0.1), Protocol(), 0, chunk_size)


def running_workers():
    """Process ids of the workers of this process."""
    command = ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in listed if "semsync.bridge.worker" in line]


def test_the_table_holds_all_that_happened(recording):
    assert recording.units["population"].tolist() == ["input"] * 8 + ["hidden_1"] * 6 + ["output"] * 3
    assert recording.units["layer"].tolist() == [0] * 8 + [1] * 6 + [2] * 3
    assert set(recording.units) == {"unit_id", "population", "layer", "cell_type"}
    first = recording.first_spikes()
    np.testing.assert_array_equal(first[:, :8], INPUT_TIMES)
    assert recording.counts().max() == 1
    np.testing.assert_array_equal(recording.trials["stimulus_class"], CLASSES)
    np.testing.assert_array_equal(recording.trials["decision_time"], first[:, 14:].min(axis=1))
    decided = np.isfinite(first[:, 14:].min(axis=1))
    np.testing.assert_array_equal(recording.trials["decision"], np.where(decided, first[:, 14:].argmin(axis=1), -1))
    assert decided.any()
    period = np.diff(recording.trials["start"])
    assert (period == period[0]).all()
    assert period[0] >= 2 * 40.0
    np.testing.assert_array_equal(recording.trials["stop"] - recording.trials["onset"], 40.0)
    assert recording.annotations["simulator"].startswith("NEST 3.")


@pytest.mark.parametrize(("n_workers", "chunk_size"), [(2, CHUNK_SIZE), (2, 5), (1, 100)])
def test_results_are_the_same_for_any_number_of_workers_and_chunks(recording, n_workers, chunk_size):
    again = simulate(NETWORK, INPUT_TIMES, classes=CLASSES, n_workers=n_workers, chunk_size=chunk_size)
    assert again == recording


def test_a_killed_worker_is_started_again(recording, tmp_path):
    killed, done = [], []

    def kill_once(n_done, n_trials):
        done.append(n_done)
        assert n_trials == N_TRIALS
        if n_done == 5 and not killed:
            killed.extend(running_workers())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    again = simulate(NETWORK, INPUT_TIMES, classes=CLASSES, chunk_size=CHUNK_SIZE, progress=kill_once)

    assert len(killed) == 1
    assert done[-1] == N_TRIALS
    assert again == recording


def test_a_worker_that_keeps_dying_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SemsyncError, match=r"died 3 times at trials 0\.\.11 .*worker-0.log"):
        simulate(NETWORK, INPUT_TIMES, work_folder=tmp_path / "work")


def test_a_partial_work_folder_is_resumed(recording, tmp_path):
    arguments = {"classes": CLASSES, "chunk_size": CHUNK_SIZE, "work_folder": tmp_path}
    simulate(NETWORK, INPUT_TIMES, **arguments)
    chunks = sorted(tmp_path.glob("chunk-*.safetensors"))
    assert len(chunks) == N_TRIALS // CHUNK_SIZE
    chunks[1].unlink()
    chunks[2].write_bytes(chunks[2].read_bytes()[:-7])
    kept = chunks[0].stat().st_mtime_ns
    done = []

    again = simulate(NETWORK, INPUT_TIMES, **arguments, progress=lambda n_done, n_trials: done.append(n_done))

    assert again == recording
    assert done[0] == N_TRIALS - 2 * CHUNK_SIZE
    assert chunks[0].stat().st_mtime_ns == kept
    # What is whole needs no worker.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        assert simulate(NETWORK, INPUT_TIMES, **arguments) == recording


def test_noise_of_other_mpi_ranks_is_not_gone_on_with(tmp_path):
    """NEST draws on each rank; no rank is needed to refuse it."""
    begun = dataclasses.replace(job(tmp_path, CHUNK_SIZE), protocol=Protocol.of("refractory+noise:sd=1"), n_ranks=2)
    begun.prepare()
    assert Job.load(tmp_path).fingerprint == begun.fingerprint
    with pytest.raises(FileError, match="other MPI ranks where NEST draws"):
        simulate(
            NETWORK, INPUT_TIMES, resolution=0.1, protocol=begun.protocol, chunk_size=CHUNK_SIZE, work_folder=tmp_path
        )


def test_a_work_folder_of_another_simulation_is_refused(tmp_path):
    job(tmp_path, CHUNK_SIZE).prepare()
    with pytest.raises(FileError, match="another simulation"):
        simulate(NETWORK, INPUT_TIMES + 1.0, chunk_size=CHUNK_SIZE, work_folder=tmp_path)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(FileError, match="cannot use"):
        simulate(NETWORK, INPUT_TIMES, work_folder=file)


def test_ctrl_c_ends_the_workers():
    def interrupt(n_done, n_trials):
        if n_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(NETWORK, np.tile(INPUT_TIMES, (50, 1)), n_workers=2, progress=interrupt)
    assert running_workers() == []


def test_a_killed_parent_leaves_no_worker():
    code = (
        "import os, signal, subprocess, numpy as np; from semsync import LIFNeuron, NetworkDescription\n"
        "from semsync.bridge import simulate\n"
        "network = NetworkDescription.from_weights([np.ones((8, 3))], LIFNeuron(10.0, 5.0), trial_duration=40.0)\n"
        "def die(n_done, n_trials):\n"
        "    if n_done < 4: return\n"
        "    subprocess.run(['ps', '-o', 'pid=', '--ppid', str(os.getpid())])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "simulate(network, np.ones((100000, 8)), chunk_size=50000, n_workers=2, progress=die)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    assert run.returncode == -signal.SIGKILL
    workers = [int(pid) for pid in run.stdout.split()]
    assert len(workers) >= 2
    stop = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


def is_running(pid):
    """Whether there is such a process, and it is not merely waiting to be reaped."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_a_worker_loads_neither_torch_nor_other_rooms(tmp_path):
    job(tmp_path, N_TRIALS).prepare()
    code = (
        "import sys; from semsync.bridge.worker import main; assert main(sys.argv[1:]) == 0;"
        "assert 'nest' in sys.modules;"
        "rooms = ('torch', 'semsync.models', 'semsync.analysis', 'neo', 'elephant');"
        "assert not [name for name in sys.modules if name.startswith(rooms)]"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], input=b"0\n", check=True, stdout=subprocess.PIPE)


def test_importing_the_bridge_loads_neither_torch_nor_nest():
    code = (
        "import sys, semsync.bridge as bridge; [getattr(bridge, name) for name in bridge.__all__];"
        "assert not {'torch', 'nest', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nest_is_refused_where_torch_is():
    code = "import sys; sys.modules['torch'] = sys; from semsync.bridge.nest_kernel import load_nest; load_nest()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SemsyncError: NEST cannot be loaded into a process that has loaded torch" in run.stderr


def test_a_failing_worker_says_why_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "nest").mkdir()
    (tmp_path / "nest" / "__init__.py").write_text("raise ImportError('libgsl is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(MissingDependencyError, match=r"libgsl is missing.*pip install") as caught:
        simulate(NETWORK, INPUT_TIMES, work_folder=tmp_path / "work")
    assert "\n" not in str(caught.value)
    assert "Traceback" in (tmp_path / "work" / "worker-0.log").read_text()


def test_an_unforeseen_failure_points_to_its_log(monkeypatch, tmp_path):
    (tmp_path / "nest.py").write_text("__version__ = '3.10.0'\ndef set_verbosity(level): raise RuntimeError('odd')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(SemsyncError, match=r"RuntimeError: odd \(the traceback is in .*worker-0.log\)"):
        simulate(NETWORK, INPUT_TIMES, work_folder=tmp_path / "work")


def test_missing_nest_is_said_before_anything_starts(monkeypatch):
    monkeypatch.setattr(semsync.bridge.simulation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        simulate(NETWORK, INPUT_TIMES)


@pytest.mark.parametrize(("version", "accepted"), [("3.9", True), ("3.10.0", True), ("3.8.0", False), ("4.0", False)])
def test_supported_versions(version, accepted):
    if accepted:
        check_version(version)
    else:
        with pytest.raises(MissingDependencyError, match=f"NEST {version} is installed"):
            check_version(version)


def with_one(value):
    times = INPUT_TIMES.copy()
    times[3, 4] = value
    return times


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"stimuli": with_one(np.nan)}, "trial 3, input 4 has nan"),
        ({"stimuli": with_one(-1e-9)}, "trial 3, input 4 has -1e-09"),
        ({"stimuli": with_one(-np.inf)}, "trial 3, input 4 has -inf"),
        ({"stimuli": with_one(40.5)}, "must lie in 0..40 ms"),
        ({"stimuli": INPUT_TIMES[:, :5]}, r"shape \[n_trials, 8\].*got \(12, 5\)"),
        ({"stimuli": INPUT_TIMES[:0]}, "at least one trial"),
        ({"stimuli": [["a"] * 8]}, "array of numbers"),
        ({"protocol": "fast"}, "no protocol 'fast'; known are exact, refractory, grid"),
        ({"classes": [0, 1]}, "one for each of the 12 trials"),
        ({"classes": np.full(N_TRIALS, -1)}, "integers >= 0"),
        ({"n_workers": 0}, "n_workers must be at least 1"),
        ({"chunk_size": 0}, "chunk_size must be at least 1"),
        ({"seed": -1}, "seed must lie in"),
        ({"resolution": 0.3}, "resolution must be"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        simulate(NETWORK, **({"stimuli": INPUT_TIMES} | arguments))
    assert "\n" not in str(caught.value)


def test_neurons_that_could_fire_twice_are_refused():
    neuron = LIFNeuron(tau_m=10.0, tau_syn=5.0, t_ref=2.0)
    network = NetworkDescription.from_weights(WEIGHTS, neuron, trial_duration=40.0)
    with pytest.raises(InputError, match="'exact' lets every neuron fire at most once"):
        simulate(network, INPUT_TIMES)
