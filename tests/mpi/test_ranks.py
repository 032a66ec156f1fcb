"""A worker of several MPI ranks: real mpirun, and a NEST that was built with MPI (``make mpi-test``)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import simulate
from semsync.bridge.executors.mpirun import mpi_environment, mpirun
from semsync.bridge.job import Job
from semsync.bridge.protocols import Protocol
from semsync.bridge.stimuli import Stimuli
from semsync.errors import InputError, MissingDependencyError, SemsyncError

N_TRIALS = 6
NEURON = LIFNeuron(tau_m=10.0, tau_syn=5.0)
SMALL, LARGE = (9, 7, 5, 3), (784, 120, 60, 10)


def network(sizes, *, has_delays=False):
    rng = np.random.default_rng(1)
    weights = [rng.normal(2.5 / np.sqrt(n), 5.0 / np.sqrt(n), (n, m)) for n, m in pairwise(sizes)]
    # Continuous delays of synapses, none on NEST's grid.
    delays = [rng.uniform(0.3, 4.0, weight.shape) for weight in weights] if has_delays else None
    return NetworkDescription.from_weights(weights, NEURON, delays=delays, trial_duration=40.0)


def stimuli(sizes, n_trials=N_TRIALS):
    return np.random.default_rng(2).uniform(0, 15, (n_trials, sizes[0]))


@pytest.mark.parametrize("has_delays", [False, True])
@pytest.mark.parametrize("sizes", [SMALL, LARGE])
def test_two_ranks_equal_one_bit_for_bit(sizes, has_delays):
    description, times = network(sizes, has_delays=has_delays), stimuli(sizes)
    alone = simulate(description, times)
    # Every layer fires: in this many trials all neurons of the last could not by chance be silent.
    assert set(np.unique(alone.units["layer"][alone.unit])) == {0, 1, 2, 3}
    again = simulate(description, times, n_ranks=2)
    assert again == alone
    assert again.annotations == alone.annotations


@pytest.mark.parametrize(
    "protocol",
    [
        "refractory:t_ref=1",
        "grid",
        "conductance",
        "heterogeneity:cv=0.2",
        "delays:sd=1",
        "jitter:sd=1",
        "refractory+heterogeneity+delays+jitter+ongoing:session=2,gap=3",
    ],
)
def test_what_is_drawn_before_nest_is_the_same_on_any_number_of_ranks(protocol):
    description, times = network(SMALL), stimuli(SMALL)
    alone = simulate(description, times, protocol)
    assert alone != simulate(description, times)
    assert simulate(description, times, protocol, n_ranks=3) == alone


@pytest.mark.parametrize("protocol", ["noise:sd=4", "noise:sd=4,kind=poisson", "unreliable:p_fail=0.3"])
def test_what_nest_draws_depends_on_the_number_of_ranks_but_on_nothing_else(protocol):
    description, times = network(SMALL), stimuli(SMALL)
    ours = simulate(description, times, protocol, n_ranks=2)
    assert simulate(description, times, protocol, n_ranks=2, n_workers=2, chunk_size=2) == ours
    assert simulate(description, times, protocol) != ours


def test_simultaneous_spikes_are_summed_in_another_order():
    times = np.round(stimuli(LARGE) * 4) / 4  # 61 different times for 784 inputs
    alone, again = simulate(network(LARGE), times), simulate(network(LARGE), times, n_ranks=2)
    first, first_again = alone.first_spikes(), again.first_spikes()
    np.testing.assert_array_equal(np.isfinite(first_again), np.isfinite(first))
    fired = np.isfinite(first)
    np.testing.assert_allclose(first_again[fired], first[fired], rtol=0, atol=1e-12)


def test_workers_of_several_ranks_share_the_trials_and_a_folder(tmp_path):
    description, times = network(SMALL), stimuli(SMALL)
    alone = simulate(description, times, chunk_size=2, work_folder=tmp_path)
    for chunk in (0, 2):
        (tmp_path / f"chunk-{chunk:05d}.safetensors").unlink()
    done = []
    again = simulate(
        description,
        times,
        n_workers=2,
        n_ranks=2,
        chunk_size=2,
        work_folder=tmp_path,
        progress=lambda n_done, n_trials: done.append(n_done),
    )
    assert again == alone
    assert done == [2, 3, 4, 5, 6]


def ranks():
    """Process ids of all ranks that descend from this process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family = {os.getpid()}
    for _ in range(4):
        family |= {int(pid) for pid, parent, *_ in rows if int(parent) in family}
    return sorted(
        int(pid)
        for pid, _, *args in rows
        if int(pid) in family and "semsync.bridge.worker" in args[0] and "mpirun" not in args[0]
    )


def test_a_killed_rank_takes_the_others_with_it_and_all_are_started_again():
    description, times, killed = network(SMALL), stimuli(SMALL), []

    def kill_last(n_done, n_trials):
        if n_done == 3 and not killed:
            killed.append(ranks()[-1])
            os.kill(killed[0], signal.SIGKILL)

    again = simulate(description, times, chunk_size=2, n_ranks=2, progress=kill_last)
    assert len(killed) == 1
    assert again == simulate(description, times)
    assert ranks() == []


def test_an_interrupt_ends_all_ranks():
    def interrupt(n_done, n_trials):
        if n_done == 3:
            assert len(ranks()) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(network(SMALL), stimuli(SMALL, 200), n_ranks=2, progress=interrupt)
    assert ranks() == []


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_on_one_rank_ends_all_and_is_reported(failing, tmp_path):
    description = network(SMALL)
    times = Stimuli.of(description, stimuli(SMALL))
    Job(tmp_path, description, times, np.full(N_TRIALS, 0.1), Protocol.of("exact"), 0, N_TRIALS).prepare()
    # The other rank waits for this one within NEST.
    code = (
        "import sys; from mpi4py import MPI; from semsync.bridge import kernel_network, worker\n"
        "def fail(*_): raise ValueError('odd')\n"
        f"if MPI.COMM_WORLD.rank == {failing}: kernel_network.KernelNetwork._rest = fail\n"
        "sys.exit(worker.main(sys.argv[1:]))"
    )
    run = subprocess.run(
        [*mpirun(2), sys.executable, "-c", code, str(tmp_path), "--ranks", "2"],
        input=b"0\n",
        capture_output=True,
        env=os.environ | mpi_environment(2),
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    sentence = next(message["message"] for message in messages if "error" in message)
    assert sentence.startswith("a NEST worker failed with ValueError: odd (the traceback is in")
    assert not (tmp_path / "chunk-00000.safetensors").exists()


def test_a_nest_without_mpi_is_refused_in_one_sentence(monkeypatch, tmp_path):
    lines = ["__version__ = '3.10.0'", "build_info = {'have_mpi': False}", "def set_verbosity(level): pass"]
    (tmp_path / "nest.py").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    refuse("the NEST that is installed was built without MPI")


def test_missing_mpi4py_is_said_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('no libmpi.so')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    refuse(r"need mpi4py, which cannot be loaded \(no libmpi.so\): pip install mpi4py")


def test_ranks_that_do_not_find_one_another_are_refused(monkeypatch, tmp_path):
    launcher = tmp_path / "launch"
    launcher.write_text('#!/bin/sh\nshift 2\n"$@" < /dev/null &\n"$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("SEMSYNC_MPIRUN", str(launcher))
    refuse("2 MPI ranks were started, but mpi4py sees 1")


def test_a_missing_launcher_is_said_before_anything_starts(monkeypatch):
    monkeypatch.setenv("SEMSYNC_MPIRUN", "no-such-launcher --option")
    refuse("needs 'no-such-launcher', which is not found: install Open MPI")


def test_less_than_one_rank_is_refused():
    with pytest.raises(InputError, match="n_ranks must be at least 1"):
        simulate(network(SMALL), stimuli(SMALL), n_ranks=0)


def refuse(sentence):
    with pytest.raises(MissingDependencyError, match=sentence) as caught:
        simulate(network(SMALL), stimuli(SMALL), n_ranks=2)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, SemsyncError)
