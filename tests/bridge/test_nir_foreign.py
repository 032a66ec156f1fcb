"""Networks that snnTorch and Norse wrote, run in NEST: what deviates is what we say deviates."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from semsync.bridge import read_nir

pytest.importorskip("nir")
EXAMPLE = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "foreign_networks" / "deviation.py"))
NETWORKS, update, deviations = (EXAMPLE[name] for name in ("NETWORKS", "update", "deviations"))

by_network = pytest.mark.parametrize("name", list(NETWORKS))


@by_network
def test_the_update_gives_every_recorded_spike(name):
    foreign = NETWORKS[name]
    for found, layer in zip(update(foreign), ("hidden", "output"), strict=True):
        recorded = foreign.recorded(layer)
        assert recorded.sum() > 400
        np.testing.assert_array_equal(found, recorded)


def test_what_the_files_say():
    snntorch, norse = NETWORKS["snntorch"].read(), NETWORKS["norse"].read()
    for description in (snntorch, norse):
        assert [population.size for population in description.populations] == [64, 40, 10]
        assert [population.layer for population in description.populations] == [0, 1, 2]
        assert not any(population.I_e.any() for population in description.populations)
    # beta = 0.9 in steps of 0.1 ms, synapses instantaneous; Norse's defaults. Both were written in single precision.
    np.testing.assert_allclose([snntorch.output.neuron.tau_m, snntorch.output.neuron.tau_syn], [1.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose([norse.output.neuron.tau_m, norse.output.neuron.tau_syn], [10.0, 5.0], rtol=1e-6)


@pytest.fixture(scope="module")
def tables():
    pytest.importorskip("nest")
    return {name: deviations(foreign) for name, foreign in NETWORKS.items()}


def assert_predicted(table, measures):
    for layer in (0, 1):
        for measure in measures:
            measured, predicted = table["nest"][layer][measure], table["both"][layer][measure]
            assert measured != 0
            assert abs(measured - predicted) <= 0.2 * abs(measured), (layer, measure, measured, predicted)


def test_nest_deviates_from_snntorch_by_reset_and_grid(tables):
    table = tables["snntorch"]
    assert_predicted(table, ["count", "abs_count", "first_spike", "moved"])
    # The reset by subtraction keeps what exceeds the threshold: NEST loses a spike in seven, and more behind.
    for layer in (0, 1):
        assert table["reset"][layer]["count"] / table["nest"][layer]["count"] == pytest.approx(1, abs=0.2)


def test_without_the_reset_by_subtraction_little_is_left(tables):
    assert_predicted(tables["snntorch, reset to zero"], ["abs_count", "first_spike", "moved"])
    for layer in (0, 1):
        left = tables["snntorch, reset to zero"]["nest"][layer]["abs_count"]
        assert left < 0.1 * tables["snntorch"]["nest"][layer]["abs_count"]


def test_nest_deviates_from_norse_by_the_grid(tables):
    assert_predicted(tables["norse"], ["count", "abs_count", "first_spike", "moved"])


def test_a_network_with_nir_delays(tmp_path):
    pytest.importorskip("nest")
    foreign = NETWORKS["norse"]
    delays = EXAMPLE["with_delays"](foreign, tmp_path / "delays.nir")
    description = foreign.read(tmp_path / "delays.nir")
    for projection, steps in zip(description.projections, delays, strict=True):
        assert projection.delay.shape == (len(steps), 1)
        np.testing.assert_allclose(projection.delay[:, 0], steps * 1.0, rtol=1e-12)
    table = deviations(foreign, description, delays)
    assert_predicted(table, ["count", "abs_count", "first_spike", "moved"])
    # Without the delays the prediction is far off: they are what NEST runs.
    undelayed = EXAMPLE["measures"](update(foreign, finer=10)[0], 0.1)
    delayed = EXAMPLE["measures"](update(foreign, finer=10, delays=delays)[0], 0.1)
    assert EXAMPLE["deviation"](delayed, undelayed)["first_spike"] > 1


@pytest.mark.parametrize("framework", ["snntorch", "norse"])
def test_other_frameworks_read_and_run_what_we_write(framework):
    folder = NETWORKS["norse"].path.parent
    description, dt = read_nir(folder / "ours.nir"), 0.1
    with np.load(folder / f"ours_{framework}.npz") as file:
        stimulus, output = file["stimulus"], file["output"]
    assert len(output) > 40
    spikes = np.zeros((1, round(description.trial_duration / dt), description.input.size))
    spikes[0, stimulus[:, 0], stimulus[:, 1]] = 1
    for projection in description.projections:
        neuron = description[projection.target].neuron
        spikes = EXAMPLE["layer"](spikes, projection.weights, neuron, dt, "zero")
    np.testing.assert_array_equal(np.argwhere(spikes[0]), output)
