"""Protocols as text and objects, and what each rung makes of a plan. Without NEST."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import Protocol, protocol_names
from semsync.bridge.protocols import RUNGS, Delays, Heterogeneity, Noise, Refractory, get_rung
from semsync.errors import InputError

RNG = np.random.default_rng(0)
NETWORK = NetworkDescription.from_weights(
    [RNG.normal(0.8, 0.5, (8, 400)), RNG.normal(0.8, 0.5, (400, 3))],
    LIFNeuron(tau_m=10.0, tau_syn=5.0, E_L=-70.0, V_th=-50.0, V_reset=-65.0),
    trial_duration=40.0,
)


def test_names_of_protocols_are_those_of_their_rungs():
    assert protocol_names() == ["exact", *RUNGS]
    for name in RUNGS:
        rung = get_rung(name)
        assert rung.name == name
        assert rung.__doc__
        assert hasattr(rung(), rung.axis)
        for value in rung.sweep:
            assert getattr(rung.of({rung.axis: value}), rung.axis) == value


@pytest.mark.parametrize("name", list(RUNGS))
def test_text_and_object_are_the_same(name):
    company = "+".join(get_rung(name).needs)
    protocol = Protocol.of(f"{company}+{name}" if company else name)
    assert Protocol.of(str(protocol)) == protocol


def test_parameters_may_be_text_numbers_or_objects():
    texts = [
        Protocol.of("noise:sd=2,kind=poisson+refractory:t_ref=3"),
        Protocol.of("refractory:t_ref=3.0 + noise:kind=poisson,sd=2"),
    ]
    assert texts[0] == texts[1] == Protocol.of([Refractory(3), Noise(sd=2, kind="poisson")])
    assert Protocol.of(["refractory:t_ref=3", Noise(2.0, "poisson")]) == texts[0]
    assert str(texts[0]) == "refractory:t_ref=3+noise:sd=2,kind=poisson,step=0.1,rate=1000"
    assert Protocol.of("exact") == Protocol.of([]) == Protocol()
    assert str(Protocol()) == "exact"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nois", "there is no protocol 'nois'; did you mean 'noise'"),
        ("", "there is no protocol ''"),
        ("noise:amplitude=2", "protocol 'noise' has no parameter 'amplitude'; it has sd, kind, step, rate"),
        ("noise:sd=-1", "sd of protocol 'noise' must be a finite number >= 0 mV, got '-1'"),
        ("noise:sd=nan", "got 'nan'"),
        ("noise:sd=inf", "got 'inf'"),
        ("noise:sd=much", "sd of protocol 'noise' must be a number, got 'much'"),
        ("noise:kind=pink", "kind of protocol 'noise' must be one of gaussian, poisson, got 'pink'"),
        ("noise:sd", "written as noise:key=value"),
        ("noise+noise", "'noise' is named more than once"),
        ("ongoing", "'ongoing' makes sense only with 'refractory': refractory.ongoing"),
        ("refractory+ongoing:session=2.5", "session of protocol 'ongoing' must be a whole number"),
        ("unreliable:p_fail=1", "p_fail of protocol 'unreliable' must be a finite number >= 0 and <= 0.99"),
        ("conductance:E_ex=1", "must be a finite number > 1"),
        ("exact:h=1", "'exact' has no parameters"),
    ],
)
def test_what_is_no_protocol_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        Protocol.of(text)
    assert "\n" not in str(caught.value)


def test_heterogeneity_has_the_mean_and_spread_asked_for():
    plan = Protocol.of("heterogeneity:cv=0.2").plan(NETWORK, 0.1)
    drawn = plan.neurons["hidden_1"]
    for values in (drawn["tau_m"] / 10, drawn["tau_syn"] / 5, drawn["C_m"] / 250, (drawn["V_th"] + 70) / 20):
        assert values.mean() == pytest.approx(1, abs=4 * 0.2 / 20)  # four standard errors of 400 neurons
        assert values.std() == pytest.approx(0.2, abs=4 * 0.2 / np.sqrt(800) * 1.2)
    assert len({tuple(values) for values in (drawn["tau_m"] / 10, drawn["tau_syn"] / 5, drawn["C_m"] / 250)}) == 3
    again, other = (
        Protocol.of(Heterogeneity(0.2)).plan(NETWORK, 0.1),
        Protocol.of(Heterogeneity(0.2)).plan(NETWORK, 0.1, 1),
    )
    np.testing.assert_array_equal(again.neurons["output"]["V_th"], plan.neurons["output"]["V_th"])
    assert (other.neurons["output"]["V_th"] != plan.neurons["output"]["V_th"]).all()


def test_heterogeneity_of_one_parameter_leaves_the_others():
    alone = Protocol.of("heterogeneity:cv=0.2,what=V_th").plan(NETWORK, 0.1).neurons["hidden_1"]
    together = Protocol.of("heterogeneity:cv=0.2").plan(NETWORK, 0.1).neurons["hidden_1"]
    assert (alone["tau_m"], alone["tau_syn"], alone["C_m"]) == (10.0, 5.0, 250.0)
    np.testing.assert_array_equal(alone["V_th"], together["V_th"])


def test_distributed_delays_keep_their_mean_and_stay_positive_in_nest():
    plan = Protocol.of(Delays(sd=0.5)).plan(NETWORK, 0.1)
    for synapses, total in zip(plan.synapses, plan.schedule.delays, strict=True):
        assert abs(synapses.delay).max() <= 1.5
        assert synapses.delay.mean() == pytest.approx(0, abs=4 * 0.5 / np.sqrt(synapses.delay.size))
        assert total.min() >= 1.0


def test_conductances_pass_the_trained_current_at_threshold():
    plan = Protocol.of("conductance").plan(NETWORK, 0.1)
    assert plan.reversal == pytest.approx((0.0, -85.0))
    for synapses, projection in zip(plan.synapses, NETWORK.projections, strict=True):
        force = np.where(synapses.weights > 0, plan.reversal[0] - -50.0, -(plan.reversal[1] - -50.0))
        np.testing.assert_allclose(synapses.weights * force, projection.weights, rtol=1e-12)


def test_the_refractory_period_is_the_networks_own_where_it_has_one():
    own = NetworkDescription.from_weights([np.ones((1, 1))], LIFNeuron(10.0, 5.0, t_ref=4.0), trial_duration=40.0)
    assert Protocol.of("refractory").plan(own, 0.1).neurons["output"]["t_ref"] == 4.0
    assert Protocol.of("refractory").plan(NETWORK, 0.1).neurons["output"]["t_ref"] == 2.0
    assert Protocol.of("refractory:t_ref=0").plan(own, 0.1).neurons["output"]["t_ref"] == 0.1


def test_unequal_resting_potentials_have_no_common_conductance():
    from semsync import Population, Projection

    neurons = [LIFNeuron(10.0, 5.0), LIFNeuron(10.0, 5.0, E_L=-5.0)]
    populations = [Population("in", 1, 0), Population("a", 1, 1, neurons[0]), Population("b", 1, 2, neurons[1])]
    one = np.ones((1, 1))
    network = NetworkDescription(populations, [Projection("in", "a", one), Projection("a", "b", one)], 40.0)
    with pytest.raises(InputError, match="same E_L and V_th in all populations; 'b' has"):
        Protocol.of("conductance").plan(network, 0.1)
