from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from semsync import LIFNeuron
from semsync.bridge import export
from semsync.errors import InputError

NEURON = LIFNeuron(tau_m=20.0, tau_syn=10.0, E_L=-70.0, V_reset=-70.0, V_th=-55.0)


def trained(**changes):
    torch = pytest.importorskip("torch")
    values = {
        "weights": torch.nn.ParameterList(
            [torch.nn.Parameter(torch.tensor([[1.0, -0.5]])), torch.nn.Parameter(torch.tensor([[2.0], [-1.0]]))]
        ),
        "neuron": NEURON,
        "cell_types": [np.array(["-"]), np.array(["E", "I"]), np.array(["-"])],
        "obeys_dale": [False, True],
        "delays": None,
        "trial_duration": 80.0,
        "encoding": {"t_late": 20.0},
    }
    return SimpleNamespace(**(values | changes))


def test_weights_become_currents():
    description = export(trained(), metadata={"preset": "digits"})
    # One spike of weight w moves the potential as w thresholds would: I = w C_m (V_th - E_L) / tau_syn.
    unit = 250.0 * 15.0 / 10.0
    np.testing.assert_allclose(description.projections[0].weights, [[unit, -unit / 2]])
    np.testing.assert_allclose(description.projections[1].weights, [[2 * unit], [-unit]])
    assert [projection.obeys_dale for projection in description.projections] == [False, True]
    assert description.populations[1].cell_type.tolist() == ["E", "I"]
    assert description.output.neuron == NEURON
    assert description.trial_duration == 80.0
    assert description.encoding == {"t_late": 20.0}
    assert description.metadata == {"preset": "digits"}


def test_delays_travel_along():
    torch = pytest.importorskip("torch")
    description = export(trained(delays=[torch.tensor([[0.25, 1.5]], requires_grad=True), 2.0]))
    np.testing.assert_array_equal(description.projections[0].delay, [[0.25, 1.5]])
    np.testing.assert_array_equal(description.projections[1].delay, 2.0)


def test_the_description_does_not_follow_further_training():
    network = trained()
    description = export(network)
    network.weights[0].data.zero_()
    assert description.projections[0].weights.any()


def test_other_objects_are_refused():
    with pytest.raises(InputError, match="it lacks neuron, cell_types"):
        export(SimpleNamespace(weights=[]))
