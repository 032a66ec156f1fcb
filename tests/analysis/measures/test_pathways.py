from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription, SpikeTable
from semsync.analysis.measures import (
    pathway_selectivity,
    pathway_share,
    pathway_strengths,
    rows_of_populations,
    top_overlap,
    top_units,
)
from semsync.errors import InputError

NEURON = LIFNeuron(tau_m=10.0, tau_syn=10.0)


def dale_network(seed=0) -> tuple[NetworkDescription, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    types = [["-"] * 3, ["E"] * 4 + ["I"] * 2, ["I"] + ["E"] * 5, ["-"] * 3]
    weights = [rng.normal(0, 1, (len(a), len(b))) for a, b in pairwise(types)]
    for matrix, source in zip(weights[1:], types[1:], strict=False):
        matrix[:] = np.abs(matrix) * np.where(np.array(source) == "I", -1, 1)[:, None]
    net = NetworkDescription.from_weights(
        weights, NEURON, cell_types=types, obeys_dale=[False, True, True], trial_duration=50.0
    )
    return net, weights


def test_strengths_follow_excitatory_paths_only():
    net, weights = dale_network()
    first, second = pathway_strengths(net)
    assert (first.population, second.population) == ("hidden_1", "hidden_2")
    assert (first.units.tolist(), second.units.tolist()) == ([0, 1, 2, 3], [1, 2, 3, 4, 5])
    direct = weights[2][1:]
    product = weights[1][:4, 1:] @ direct
    for found, expected in ((second.strength, direct), (first.strength, product)):
        np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), rtol=1e-12)
    only = pathway_strengths(net, "direct")
    assert [path.population for path in only] == ["hidden_2"]
    with pytest.raises(InputError, match="kind of pathway"):
        pathway_strengths(net, "longest")


def test_selectivity_and_overlap():
    strength = np.array([[4.0, 0, 0], [0, 5, 0], [0, 0, 6], [1, 1, 1], [0, 0, 0]])
    selectivity = pathway_selectivity(strength)
    np.testing.assert_allclose(selectivity[:4], [1, 1, 1, 0], atol=1e-12)
    assert np.isnan(selectivity[4])
    assert top_units(strength, 1).argmax(axis=0).tolist() == [0, 1, 2]
    assert top_overlap(top_units(strength, 1)) == 0.0
    assert top_overlap(top_units(np.ones((6, 3)), 2)) == 1.0
    with pytest.raises(InputError, match=r"n_top must lie in 1\.\.5"):
        top_units(strength, 6)


def test_spikes_on_the_right_pathway():
    top = np.eye(4, dtype=bool)
    classes = np.arange(200) % 4
    counts = np.eye(4, dtype=int)[classes] * 3 + 1
    share = pathway_share(counts, top, classes, n_permutations=199)
    np.testing.assert_allclose(share.right, 4 / 7)
    np.testing.assert_allclose(share.other, 1 / 7)
    assert share.chance == pytest.approx(0.25, abs=0.01)
    assert share.p_value == 1 / 200


def test_spikes_that_ignore_the_class_are_at_chance():
    p_values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        counts, classes = rng.poisson(1.0, (40, 8)), rng.integers(0, 4, 40)
        top = top_units(rng.random((8, 4)), 2)
        p_values.append(pathway_share(counts, top, classes, n_permutations=99, seed=seed).p_value)
    assert abs(np.mean(np.array(p_values) <= 0.1) - 0.1) < 3 * np.sqrt(0.09 / 200)


def test_silent_trials_have_no_share_and_unknown_classes_are_refused():
    counts, top = np.array([[0, 0], [1, 3]]), np.eye(2, dtype=bool)
    share = pathway_share(counts, top, np.array([0, 1]), n_permutations=19)
    assert np.isnan(share.right[0])
    assert share.right[1] == 0.75
    with pytest.raises(InputError, match="the network has 2 outputs, but there is a stimulus class 2"):
        pathway_share(counts, top, np.array([0, 2]))


def test_units_of_the_network_are_found_in_the_recording():
    net, _ = dale_network()
    names = ["input"] * 3 + ["hidden_2"] * 6 + ["hidden_1"] * 6
    table = SpikeTable([], [], [], {"unit_id": range(15), "population": names}, {"start": [0.0], "stop": [1.0]})
    assert rows_of_populations(table, net)["hidden_1"].tolist() == list(range(9, 15))
    with pytest.raises(InputError, match="population 'hidden_2' has 6 units in the network, but 5 in the recording"):
        rows_of_populations(table.select(units=np.arange(15) != 4), net)
    table = SpikeTable([], [], [], {"unit_id": [0]}, {"start": [0.0], "stop": [1.0]})
    with pytest.raises(InputError, match="unit column 'population'"):
        rows_of_populations(table, net)
