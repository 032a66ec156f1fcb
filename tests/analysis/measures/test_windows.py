from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.analysis.measures import apply_window, find_groups, find_window, find_windows
from semsync.errors import InputError


def two_trials(**columns) -> SpikeTable:
    trials = {"start": [100.0, 200.0], "stop": [150.0, 250.0], **columns}
    return SpikeTable([1.0, 7.5, 9.0, 2.0, 3.0], [0, 1, 0, 1, 1], [0, 0, 0, 1, 1], {"unit_id": ["a", "b"]}, trials)


def test_decision_window_holds_the_deciding_spike_and_leaves_out_undecided_trials():
    table = two_trials(decision_time=[7.5, np.inf])
    window = find_window(table, "decision")
    cut = apply_window(table, window)
    assert window.n_excluded == 1
    assert cut.times.tolist() == [1.0, 7.5]
    assert cut.trials["stop"].tolist() == [107.5]


def test_a_recording_without_decisions_lacks_the_window_and_keeps_the_others():
    windows, lacks = find_windows(two_trials(), ("all", "decision"))
    assert [window.name for window in windows] == ["all"]
    assert len(lacks) == 1
    assert "decision_time" in lacks[0]
    _, lacks = find_windows(two_trials(decision_time=[np.inf, np.inf]), ("decision",))
    assert "none of the 2 trials has a decision" in lacks[0]


@pytest.mark.parametrize("spec", ["response", (5.0, 5.0), (np.nan, 3.0), (8.0, 2.0)])
def test_a_window_that_cannot_be_is_refused(spec):
    with pytest.raises(InputError, match="window must be"):
        find_windows(two_trials(), (spec,))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.floats(0, 50)), max_size=60),
    st.floats(0, 25),
    st.floats(26, 60),
)
def test_user_windows_and_first_spikes_by_definition(spikes, t_start, t_stop):
    trial, unit, times = zip(*spikes, strict=True) if spikes else ((), (), ())
    trials = {"start": np.arange(4) * 100.0, "stop": np.arange(4) * 100.0 + 50}
    table = SpikeTable(times, unit, trial, {"unit_id": np.arange(5)}, trials)
    window = find_window(table, (t_start, t_stop))
    inside = sorted((i, t, u) for i, u, t in spikes if t_start <= t <= t_stop)
    cut = apply_window(table, window)
    assert list(zip(cut.trial, cut.times, cut.unit, strict=True)) == inside
    first: dict[tuple[int, int], float] = {}
    for i, t, u in inside:
        first.setdefault((i, u), t)
    cut = apply_window(table, window, spike_mode="first")
    assert {(i, u): t for i, t, u in zip(cut.trial, cut.times, cut.unit, strict=True)} == first
    assert cut.n_spikes == len(first)


def test_groups():
    table = two_trials()
    assert [(group.layer, group.name) for group in find_groups(table)] == [(0, "all units")]
    with pytest.raises(InputError, match="cannot be grouped by 'layer'"):
        find_groups(table, "layer")
    with pytest.raises(InputError, match="cannot be grouped by 'depth'"):
        find_groups(table, "depth")
    own = SpikeTable([], [], [], {"unit_id": [0, 1, 2], "depth": [900, 300, 900]}, {"start": [0.0], "stop": [1.0]})
    assert [(group.name, group.rows.tolist()) for group in find_groups(own, "depth")] == [("300", [1]), ("900", [0, 2])]
    units = {"unit_id": [0, 1, 2, 3], "layer": [1, 2, 1, 2], "population": ["E1", "h2", "I1", "h2"]}
    table = SpikeTable([], [], [], units, {"start": [0.0], "stop": [1.0]})
    groups = find_groups(table)
    assert [(group.layer, group.name, group.rows.tolist()) for group in groups] == [
        (1, "layer 1", [0, 2]),
        (2, "h2", [1, 3]),
    ]
    assert [group.name for group in find_groups(table, "population")] == ["E1", "I1", "h2"]
