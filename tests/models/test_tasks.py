"""The threads of the kernel: every task once, whoever takes it."""

import subprocess
import sys

import numpy as np
import pytest

from semsync.models.first_spike import tasks
from semsync.models.first_spike.compilation import jit
from semsync.models.first_spike.tasks import next_task


@jit()
def count(of_run, done):
    task = next_task(of_run)
    while task < len(done):
        done[task] += 1
        task = next_task(of_run)


@pytest.fixture
def threads():
    before = tasks.get_num_threads()
    yield tasks.set_num_threads
    tasks.set_num_threads(before)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("n_tasks", [0, 1, 5, 10000])
def test_every_task_is_done_once(threads, n_threads, n_tasks):
    threads(n_threads)
    done = np.zeros(n_tasks, np.int64)
    with tasks.ONE_AT_A_TIME:
        tasks.run(count, n_tasks, done)
    assert (done == 1).all()


@jit()
def note(of_run, by_thread):
    task = next_task(of_run)
    while task < len(by_thread):
        by_thread[task] = of_run[1]
        task = next_task(of_run)


def test_threads_have_shares_of_their_own_and_help_out(threads):
    threads(1)
    by_thread = np.full(1000, -1)
    with tasks.ONE_AT_A_TIME:
        tasks.run(note, 1000, by_thread)
    assert (by_thread == 0).all()
    # A thread that never comes: the others take its share.
    shares = np.zeros((2, 8), np.int64)
    shares[:, 0], shares[:, 1] = (0, 500), (500, 1000)
    note((shares, 1), by_thread)
    assert (by_thread == 1).all()
    assert next_task((shares, 0)) > 1000


def test_an_error_reaches_the_caller_and_the_threads_go_on(threads):
    threads(3)

    def fail(of_run):
        raise ValueError("of this task")

    for _ in range(2):
        with pytest.raises(ValueError, match="of this task"), tasks.ONE_AT_A_TIME:
            tasks.run(fail, 5)
    done = np.zeros(50, np.int64)
    with tasks.ONE_AT_A_TIME:
        tasks.run(count, 50, done)
    assert (done == 1).all()


def test_a_forked_process_has_threads_of_its_own():
    code = """
import os, numpy as np
from semsync.models.first_spike import kernel, tasks
tasks.set_num_threads(2)
times = np.arange(40.0).reshape(4, 10)
kernel.sort_inputs(times, 10.0, 10.0)
child = os.fork()
again = kernel.sort_inputs(times, 10.0, 10.0)
assert (again.n_active == 10).all()
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_no_thread_is_none():
    with pytest.raises(ValueError, match="n_threads must be at least 1, got 0"):
        tasks.set_num_threads(0)
