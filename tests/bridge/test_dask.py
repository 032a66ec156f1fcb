"""Chunks on Dask: real schedulers, real Dask workers, real NEST beside them."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import semsync.bridge.executors.dask_cluster as dask_cluster
from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import simulate
from semsync.errors import FileError, InputError, MissingDependencyError, SemsyncError

distributed = pytest.importorskip("distributed", reason="needs dask: pip install 'semsync[dask]'")

N_TRIALS, CHUNK_SIZE = 16, 2
RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(0.8, 0.5, (8, 6)), RNG.normal(0.8, 0.5, (6, 3))]
NETWORK = NetworkDescription.from_weights(WEIGHTS, LIFNeuron(tau_m=10.0, tau_syn=5.0), trial_duration=40.0)
INPUT_TIMES = RNG.uniform(0, 15, (N_TRIALS, 8))
ARGUMENTS = {"classes": np.arange(N_TRIALS) % 3, "chunk_size": CHUNK_SIZE}


@pytest.fixture(scope="module")
def recording():
    return simulate(NETWORK, INPUT_TIMES, **ARGUMENTS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two Dask workers, each a process with torch in it."""
    folder = tmp_path_factory.mktemp("dask")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        local_directory=str(folder),
        memory_limit=None,
    ) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.run(__import__, "torch")
        yield cluster


def nest_processes():
    """Process ids of all workers that descend from this process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family = {os.getpid()}
    for _ in range(4):
        family |= {int(pid) for pid, parent, *_ in rows if int(parent) in family}
    return [int(pid) for pid, _, *args in rows if int(pid) in family and "semsync.bridge.worker" in args[0]]


def wait_until(condition, seconds=20):
    stop = time.monotonic() + seconds
    while not condition() and time.monotonic() < stop:
        time.sleep(0.05)
    return condition()


def test_two_dask_workers_and_one_process_give_identical_recordings(recording, cluster):
    done = []
    again = simulate(
        NETWORK, INPUT_TIMES, **ARGUMENTS, dask=cluster.scheduler_address, progress=lambda n, of: done.append(n)
    )
    assert again == recording
    assert again.annotations == recording.annotations
    assert done == list(range(0, N_TRIALS + 1, CHUNK_SIZE))
    # Nothing is left, neither process nor file.
    assert nest_processes() == []
    with distributed.Client(cluster, set_as_default=False) as client:
        folders = client.run(lambda dask_worker: dask_worker.local_directory)
        assert wait_until(lambda: not any("semsync-" in str(os.listdir(folder)) for folder in folders.values()))


def test_both_dask_workers_take_part_and_keep_their_process(cluster):
    seen = set()
    with distributed.Client(cluster, set_as_default=False) as client:

        def watch(n_done, n_trials):
            seen.update(nest_processes())

        simulate(NETWORK, np.tile(INPUT_TIMES, (4, 1)), dask=client, chunk_size=CHUNK_SIZE, progress=watch)
        assert client.status == "running"
    assert len(seen) == 2


def test_a_cluster_within_this_process(recording):
    assert simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, n_workers=2, dask="local") == recording
    assert nest_processes() == []


def test_a_killed_nest_process_is_started_again(recording, cluster):
    killed = []

    def kill_once(n_done, n_trials):
        if n_done == 4:
            killed.extend(nest_processes())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    assert simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, dask=cluster, progress=kill_once) == recording
    assert len(killed) == 2


def test_chunks_of_a_dead_dask_worker_are_done_by_another(recording, tmp_path):
    killed = []
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
        memory_limit=None,
    ) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill_both_in_turn(n_done, n_trials):
            if n_done in (4, 10):
                killed.append(pids[len(killed)])
                os.kill(killed[-1], signal.SIGKILL)

        again = simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, dask=cluster, progress=kill_both_in_turn)
    assert len(killed) == 2
    assert again == recording


def test_a_lost_scheduler_is_said_in_one_sentence(tmp_path):
    address_file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    command += ["--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(address_file)]
    scheduler = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    processes = [scheduler]
    try:
        assert wait_until(address_file.exists, seconds=60)
        address = json.loads(address_file.read_text())["address"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
        command += ["--local-directory", str(tmp_path)]
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

        def lose(n_done, n_trials):
            if n_done == 4:
                scheduler.kill()

        with pytest.raises(SemsyncError, match=r"the connection to the Dask scheduler was lost; .* kept in .*/work"):
            simulate(
                NETWORK, np.tile(INPUT_TIMES, (50, 1)), chunk_size=2, dask=address, work_folder=tmp_path / "work",
                progress=lose,
            )  # fmt: skip
        assert len(list((tmp_path / "work").glob("chunk-*.safetensors"))) >= 2
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def test_an_interrupted_simulation_ends_its_processes_and_is_resumed_without_dask(recording, cluster, tmp_path):
    done = []

    def interrupt(n_done, n_trials):
        if n_done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, dask=cluster, work_folder=tmp_path, progress=interrupt)
    assert wait_until(lambda: nest_processes() == [])
    again = simulate(
        NETWORK, INPUT_TIMES, **ARGUMENTS, work_folder=tmp_path, progress=lambda n_done, n_trials: done.append(n_done)
    )
    assert again == recording
    assert done[0] == 6


def test_a_killed_parent_leaves_no_process_on_the_cluster(cluster):
    code = (
        "import os, signal, sys, numpy as np; from semsync import LIFNeuron, NetworkDescription\n"
        "from semsync.bridge import simulate\n"
        "network = NetworkDescription.from_weights([np.ones((8, 3))], LIFNeuron(10.0, 5.0), trial_duration=40.0)\n"
        "def die(n_done, n_trials):\n"
        "    if n_done >= 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "simulate(network, np.ones((400, 8)), chunk_size=2, dask=sys.argv[1], progress=die)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, cluster.scheduler_address], check=False)
    assert run.returncode == -signal.SIGKILL
    assert wait_until(lambda: nest_processes() == [], seconds=60)


def test_a_failing_worker_says_why_and_its_log_is_here(cluster, tmp_path):
    (tmp_path / "nest.py").write_text("__version__ = '3.10.0'\ndef set_verbosity(level): raise RuntimeError('odd')")
    path = os.environ.get("PYTHONPATH")

    def set_path(path):
        os.environ["PYTHONPATH"] = path

    with distributed.Client(cluster, set_as_default=False) as client:
        client.run(set_path, os.pathsep.join(filter(None, [str(tmp_path), path])))
        try:
            with pytest.raises(SemsyncError, match=r"RuntimeError: odd \(the traceback is in (.*worker-\d.log)\)"):
                simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, dask=client, work_folder=tmp_path / "work")
        finally:
            client.run(set_path, path or "")
    logs = "".join(log.read_text() for log in (tmp_path / "work").glob("worker-*.log"))
    assert "Traceback" in logs
    assert wait_until(lambda: nest_processes() == [])


def test_a_cluster_of_another_version_is_refused(cluster, monkeypatch):
    with distributed.Client(cluster, set_as_default=False) as client:
        versions = client.get_versions(packages=["semsync"])
    assert versions["client"]["packages"]["semsync"], "semsync is not installed, so Dask does not know its version"
    # The Dask workers are other processes: here alone semsync has another version.
    of_package = distributed.versions._version_cached
    monkeypatch.setattr(
        distributed.versions, "_version_cached", lambda name: "9.9" if name == "semsync" else of_package(name)
    )
    with pytest.raises(MissingDependencyError, match=r"Dask worker tcp://\S+ has semsync 0.*, but this is 9.9"):
        simulate(NETWORK, INPUT_TIMES, dask=cluster)


def test_a_worker_of_another_version_that_joins_late_is_refused(cluster, monkeypatch):
    monkeypatch.setattr(dask_cluster, "__version__", "9.9")
    with pytest.raises(MissingDependencyError, match=r"has semsync 0\.\S+, but this is 9.9: install the same version"):
        simulate(NETWORK, INPUT_TIMES, dask=cluster)


def test_a_cluster_without_workers_is_waited_for(recording, caplog):
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address="127.0.0.1:0", memory_limit=None
    ) as cluster:

        def scale(n_done, n_trials):
            if n_done == 0:
                cluster.loop.call_later(1.0, cluster.scale, 1)

        with caplog.at_level(logging.WARNING):
            again = simulate(NETWORK, INPUT_TIMES, **ARGUMENTS, dask=cluster, progress=scale)
    assert again == recording
    assert "no worker yet" in caplog.text


def test_missing_dask_is_said_before_anything_starts(monkeypatch, tmp_path):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        dask_cluster.importlib.util, "find_spec", lambda name: None if name == "distributed" else find_spec(name)
    )
    with pytest.raises(MissingDependencyError, match=r"pip install 'semsync\[dask\]'"):
        simulate(NETWORK, INPUT_TIMES, dask="local", work_folder=tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_an_address_where_nobody_answers_is_refused(monkeypatch):
    monkeypatch.setattr(dask_cluster, "TIMEOUT", 1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(InputError, match=f"no Dask scheduler answers at '{address}'") as caught:
            simulate(NETWORK, INPUT_TIMES, dask=address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dask", ["ftp://somewhere:1", "nonsense", 8786, ["tcp://127.0.0.1:1"]])
def test_what_is_no_cluster_is_refused(dask, monkeypatch):
    monkeypatch.setattr(dask_cluster, "TIMEOUT", 1)
    with pytest.raises(InputError, match="address") as caught:
        simulate(NETWORK, INPUT_TIMES, dask=dask)
    assert "\n" not in str(caught.value)


def test_importing_the_bridge_does_not_load_dask():
    code = "import sys, semsync.bridge.simulation; assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_work_folder_of_another_simulation_is_refused_as_ever(cluster, tmp_path):
    simulate(NETWORK, INPUT_TIMES[:2], work_folder=tmp_path)
    with pytest.raises(FileError, match="another simulation"):
        simulate(NETWORK, INPUT_TIMES, dask=cluster, work_folder=tmp_path)
