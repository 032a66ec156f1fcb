from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, Population, Projection
from semsync.bridge.schedule import MIN_DELAY, Schedule, on_grid
from semsync.errors import InputError

NEURON = LIFNeuron(tau_m=10.0, tau_syn=10.0)


def feed_forward(*delays):
    weights = [np.ones((2, 2)) for _ in delays]
    return NetworkDescription.from_weights(weights, NEURON, delays=delays, trial_duration=20.0)


@pytest.mark.parametrize("delays", [(0.0, 0.0), (0.37, 1.23456), (1.0, 2.5)])
def test_uniform_delays_come_onto_the_grid(delays):
    schedule = Schedule.of(feed_forward(*delays), 0.1)
    for total in schedule.delays:
        assert on_grid(total, 0.1)
        assert total.min() >= MIN_DELAY


def test_totals_are_the_delay_and_the_shift():
    drawn = [np.random.default_rng(layer).uniform(0, 5, (2, 2)) for layer in range(3)]
    network = feed_forward(*drawn)
    schedule = Schedule.of(network, 0.1)
    for projection, total in zip(network.projections, schedule.delays, strict=True):
        offset = schedule.shift[projection.target] - schedule.shift[projection.source]
        np.testing.assert_allclose(total, projection.delay + offset, rtol=0, atol=1e-12)
        assert total.min() >= MIN_DELAY
    assert schedule.recording_duration >= 20.0 + max(schedule.shift.values())
    assert schedule.session_duration(1) >= schedule.recording_duration + max(schedule.t_ref, schedule.max_delay)


def test_paths_of_different_length_to_a_layer_share_one_shift():
    populations = [Population("input", 1, 0), *(Population(name, 1, k, NEURON) for k, name in ((1, "a"), (2, "b")))]
    one = np.ones((1, 1))
    projections = [Projection("input", "a", one), Projection("a", "b", one), Projection("input", "b", one)]
    schedule = Schedule.of(NetworkDescription(populations, projections, 20.0), 0.1)
    assert [float(delay[0, 0]) for delay in schedule.delays] == [1.0, 1.0, 2.0]


def test_loops_need_delays_of_their_own():
    populations = [Population("input", 1, 0), Population("a", 1, 1, NEURON)]
    one = np.ones((1, 1))

    def loop(delay):
        projections = [Projection("input", "a", one), Projection("a", "a", one, np.array(delay))]
        return NetworkDescription(populations, projections, 20.0)

    assert Schedule.of(loop(1.23), 0.1).delays[1] == pytest.approx(1.23)
    with pytest.raises(InputError, match="loop of populations must be at least 1"):
        Schedule.of(loop(0.5), 0.1)


@pytest.mark.parametrize("resolution", [0.0, -0.1, 2.0, 0.3, 1 / 3, float("nan")])
def test_resolutions_that_nest_lacks_are_refused(resolution):
    with pytest.raises(InputError, match="resolution must be"):
        Schedule.of(feed_forward(0.0), resolution)
