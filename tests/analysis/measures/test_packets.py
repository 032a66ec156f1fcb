from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.analysis.measures import (
    common_packet_size,
    matched_shortest_half,
    packet_spikes,
    pulse_packets,
    shortest_half,
    shuffled_decision_shortest_half,
)
from semsync.errors import InputError


def shortest_half_by_definition(times: list[float]) -> float:
    times, half = sorted(times), -(-len(times) // 2)
    if len(times) < 3:
        return np.nan
    return min(times[i + half - 1] - times[i] for i in range(len(times) - half + 1))


def recording(times_of_trial: list[np.ndarray], n_units: int, stop: float = 100.0) -> SpikeTable:
    n = len(times_of_trial)
    trial = np.repeat(np.arange(n), [len(times) for times in times_of_trial])
    unit = np.concatenate([np.arange(len(times)) % n_units for times in times_of_trial])
    start = np.arange(n) * 1000.0
    times = np.concatenate(times_of_trial)
    return SpikeTable(times, unit, trial, {"unit_id": np.arange(n_units)}, {"start": start, "stop": start + stop})


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.floats(0, 50, allow_subnormal=False)), max_size=120),
    st.sets(st.integers(0, 6), min_size=1),
)
def test_packets_by_definition(spikes, chosen):
    trial, unit, times = zip(*spikes, strict=True) if spikes else ((), (), ())
    trials = {"start": np.arange(5) * 100.0, "stop": np.arange(5) * 100.0 + 50}
    table = SpikeTable(times, unit, trial, {"unit_id": np.arange(7)}, trials)
    packets = pulse_packets(table, sorted(chosen))
    for i in range(5):
        of_trial = [t for j, u, t in spikes if j == i and u in chosen]
        active = {u for j, u, _ in spikes if j == i and u in chosen}
        assert packets.size[i] == len(of_trial)
        assert packets.participation[i] == pytest.approx(len(active) / len(chosen))
        assert packets.mean[i] == pytest.approx(np.mean(of_trial) if of_trial else np.nan, nan_ok=True)
        sd = np.std(of_trial, ddof=1) if len(of_trial) > 1 else np.nan
        assert packets.sd[i] == pytest.approx(sd, abs=1e-9, nan_ok=True)
        assert packets.shortest_half[i] == pytest.approx(shortest_half_by_definition(of_trial), nan_ok=True)


def test_shortest_half_of_a_gaussian_packet_depends_on_its_size_as_known():
    # Shares of the large-n value 2 * 0.6745 SD, as stated in the project's notes: .34 / .48 / .80 at n = 3 / 5 / 27.
    rng = np.random.default_rng(0)
    for n, share in ((3, 0.34), (5, 0.48), (27, 0.80)):
        spikes = packet_spikes(recording(list(50 + rng.normal(0, 1, (20_000, n))), n))
        assert shortest_half(spikes).mean() / (2 * 0.67449) == pytest.approx(share, abs=0.01)


def test_matched_size_compares_packets_of_equal_spread_as_equal():
    rng = np.random.default_rng(1)
    small = packet_spikes(recording([50 + rng.normal(0, 2, 9) for _ in range(3000)], 9))
    large = packet_spikes(recording([50 + rng.normal(0, 2, 200) for _ in range(3000)], 200))
    assert shortest_half(large).mean() > 1.5 * shortest_half(small).mean()
    matched = [matched_shortest_half(spikes, 7, n_repeats=10, seed=3) for spikes in (small, large)]
    sem = np.hypot(*(values.std() / np.sqrt(len(values)) for values in matched))
    assert abs(matched[0].mean() - matched[1].mean()) < 3 * sem


def test_matched_size_averages_all_subsets():
    times = np.array([0.0, 1.0, 3.0, 3.5, 9.0])
    spikes = packet_spikes(recording([times, times[:2]], 5))
    subsets = [times[[i, j, k]] for i in range(5) for j in range(i + 1, 5) for k in range(j + 1, 5)]
    exact = np.mean([shortest_half_by_definition(list(subset)) for subset in subsets])
    matched = matched_shortest_half(spikes, 3, n_repeats=20_000, seed=0)
    assert matched[0] == pytest.approx(exact, rel=0.02)
    assert np.isnan(matched[1])
    assert matched_shortest_half(spikes, 5)[0] == shortest_half(spikes)[0]
    np.testing.assert_array_equal(matched_shortest_half(spikes, 3, seed=4), matched_shortest_half(spikes, 3, seed=4))


def test_matched_size_that_has_no_half_is_refused():
    with pytest.raises(InputError, match="at least 3 spikes, got 2"):
        matched_shortest_half(packet_spikes(recording([np.arange(5.0)], 5)), 2)


def test_shuffling_decisions_widens_packets_that_are_tied_to_their_own_decision():
    rng = np.random.default_rng(2)
    decision = rng.uniform(20, 60, 400)
    # A tight volley just before each trial's decision, and scattered spikes after it.
    times = [np.r_[t - rng.uniform(0, 0.5, 20), rng.uniform(t + 0.1, 100, 400)] for t in decision]
    spikes = packet_spikes(recording(times, 420))
    own = shortest_half(spikes.up_to(decision))
    shuffled = shuffled_decision_shortest_half(spikes, decision, n_repeats=5)
    assert own.max() < 0.5
    assert np.nanmean(shuffled) > 5 * own.mean()


def test_shuffling_equal_decisions_changes_nothing_and_undecided_trials_have_no_value():
    times = [np.array([1.0, 2.0, 4.0, 30.0]), np.array([3.0, 3.5, 5.0]), np.array([1.0, 2.0, 3.0])]
    spikes = packet_spikes(recording(times, 4))
    shuffled = shuffled_decision_shortest_half(spikes, np.array([10.0, 10.0, np.inf]))
    assert shuffled[:2].tolist() == [1.0, 0.5]
    assert np.isnan(shuffled[2])


def test_common_packet_size_ignores_groups_without_packets():
    assert common_packet_size([np.array([30, 40, 50]), np.array([7, 9, 2]), np.array([1, 1, 1])]) == 7
    assert common_packet_size([np.array([1, 1])]) is None
