"""The copy of a recording that is made beside other work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semsync.analysis.recordings import load_nix, save_nwb
from semsync.errors import FileError
from semsync.pipeline.nix_copy import nix_copy
from semsync.pipeline.progress import silent
from semsync.spike_table import SpikeTable

N_UNITS = 60  # a second of writing


@pytest.fixture(scope="module")
def table():
    units = np.arange(N_UNITS)
    trials = {name: np.array([value]) for name, value in {"start": 0.0, "stop": 50.0, "onset": 0.0}.items()}
    return SpikeTable(1.0 + units / 10, units, np.zeros(N_UNITS, np.int64), {"unit_id": units}, trials)


@pytest.fixture
def nwb(table, tmp_path):
    return save_nwb(table, tmp_path / "recording.nwb")


def processes_with(path: Path) -> list[int]:
    listed = subprocess.run(["ps", "-Aww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if str(path) in line]


def test_copy_is_whole_and_equal_once_the_work_is_done(table, nwb, tmp_path):
    stages = []
    nix = tmp_path / "recording.nix"
    with nix_copy(nwb, nix, lambda *said: stages.append(said[:3])):
        assert not nix.exists()
    assert load_nix(nix) == table
    assert stages == [("copy to NIX", 0, 1), ("copy to NIX", 1, 1)]
    written = nix.stat().st_mtime_ns
    with nix_copy(nwb, nix, silent):
        pass
    assert nix.stat().st_mtime_ns == written


def copy_and(act, nwb, nix):
    """Have it copied, and `act` while it is being written."""
    with nix_copy(nwb, nix, silent):
        started = time.monotonic()
        while not list(nix.parent.glob("*.partial.nix")):
            assert time.monotonic() - started < 60
            time.sleep(0.01)
        act()


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_work_that_fails_ends_the_copy_and_leaves_nothing_of_it(nwb, tmp_path, failure):
    def fail():
        raise failure

    nix = tmp_path / "recording.nix"
    with pytest.raises(failure):
        copy_and(fail, nwb, nix)
    assert [path.name for path in tmp_path.iterdir()] == ["recording.nwb"]
    assert not processes_with(nix)


def test_copy_ends_with_its_caller_however_that_is_killed(nwb, tmp_path):
    nix = tmp_path / "recording.nix"
    script = (
        "import os, signal, sys, time; from pathlib import Path\n"
        "from semsync.pipeline.nix_copy import nix_copy; from semsync.pipeline.progress import silent\n"
        "nwb, nix = map(Path, sys.argv[1:])\n"
        "with nix_copy(nwb, nix, silent):\n"
        "    while not list(nix.parent.glob('*.partial.nix')): time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(nwb), str(nix)], check=False, timeout=60)
    assert run.returncode == -signal.SIGKILL
    ended = time.monotonic()
    while processes_with(nix):
        assert time.monotonic() - ended < 10
        time.sleep(0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["recording.nwb"]


def test_what_is_wrong_with_the_copy_is_said_in_one_sentence(nwb, tmp_path):
    with (
        pytest.raises(FileError, match=r"^cannot write .*: there is no folder .*/missing$"),
        nix_copy(nwb, tmp_path / "missing" / "recording.nix", silent),
    ):
        pass


@pytest.mark.parametrize(
    ("by", "said"), [(signal.SIGKILL, "was ended by signal 9; go on"), (signal.SIGTERM, "was ended; go on")]
)
def test_copy_that_is_killed_is_said(nwb, tmp_path, by, said):
    nix = tmp_path / "recording.nix"

    def kill():
        (pid,) = processes_with(nix)
        os.kill(pid, by)

    with pytest.raises(FileError, match=said):
        copy_and(kill, nwb, nix)
    assert not nix.exists()
    with nix_copy(nwb, nix, silent):
        pass
    assert nix.exists()
