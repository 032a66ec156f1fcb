"""An analysis that is interrupted, that finds no space, or that another lies in the way of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.recordings import save_nwb

pty = pytest.importorskip("pty", reason="a terminal of its own needs Unix")
resource = pytest.importorskip("resource", reason="limits of file sizes need Unix")

ANALYZE = [sys.executable, "-m", "semsync", "analyze", "recording.nwb", "--out", "out"]
# Files of this process can grow to so many bytes only: what a full disk does to them.
ON_A_FULL_DISK = """
import resource, sys
from semsync.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    trial, unit = (rows.ravel() for rows in np.indices((40, 5)))
    start = 100.0 * np.arange(40)
    trials = {"start": start, "stop": start + 100, "stimulus_class": np.arange(40) % 2}
    table = SpikeTable(rng.uniform(0, 100, 200), unit, trial, {"unit_id": np.arange(5)}, trials)
    save_nwb(table, tmp_path / "recording.nwb")
    return tmp_path


def in_folder(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, "--n-permutations", "19"], cwd=folder, capture_output=True, text=True)


def test_interrupted_it_says_so_on_one_line_and_can_be_started_again(folder: Path) -> None:
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [*ANALYZE, "--n-permutations", "50000000"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        # A shell's background jobs, of which these tests may be one, are started deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 120
    while b"selectivity" not in shown and time.monotonic() < deadline:
        shown += os.read(ours, 4096)
    run.send_signal(signal.SIGINT)
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # the end of what a terminal has to say
    assert run.wait(60) == 130
    assert b"reading recording.nwb" in shown
    assert b"semsync: interrupted; start again" in shown
    assert b"Traceback" not in shown
    assert list((folder / "out").iterdir()) == []
    assert in_folder(folder, *ANALYZE).returncode == 0
    assert (folder / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("n_bytes", "what"),
    [(2000, f"tables to {Path('out', 'tables')}"), (60_000, f"the report {Path('out', 'report.html')}")],
)
def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(folder: Path, n_bytes: int, what: str) -> None:
    run = in_folder(folder, sys.executable, "-c", ON_A_FULL_DISK, str(n_bytes), *ANALYZE[3:])
    assert run.returncode == 1
    assert run.stderr.strip() == f"semsync: cannot write {what}: File too large"
    assert not list((folder / "out").rglob("*.partial"))
    assert not (folder / "out" / "report.html").exists()
    assert not (folder / "out" / "results.json").exists()


def test_an_analysis_that_is_there_is_kept_unless_told(folder: Path) -> None:
    assert in_folder(folder, *ANALYZE).returncode == 0
    before = (folder / "out" / "results.json").read_text()
    again = in_folder(folder, *ANALYZE, "--seed", "1")
    assert again.returncode == 1
    assert again.stderr.strip() == (
        "semsync: out holds an analysis; add --overwrite to replace it, or choose another --out"
    )
    assert (folder / "out" / "results.json").read_text() == before
    assert in_folder(folder, *ANALYZE, "--seed", "1", "--overwrite").returncode == 0
    assert (folder / "out" / "results.json").read_text() != before
    (folder / "out" / "results.json").unlink()
    (folder / "file").write_text("")
    elsewhere = in_folder(folder, *ANALYZE[:-1], "file")
    assert elsewhere.returncode == 1
    assert elsewhere.stderr.strip() == "semsync: the output folder file is a file"
