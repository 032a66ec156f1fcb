"""NIR graphs: round trips of ours, and what is refused, by node."""

from __future__ import annotations

import contextlib
import itertools
import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsync import LIFNeuron, NetworkDescription, Population, Projection
from semsync.bridge import read_nir, write_nir
from semsync.errors import FileError, InputError
from semsync.pipeline.networks import load_network

nir = pytest.importorskip("nir")

NEURON = LIFNeuron(tau_m=20.0, tau_syn=7.3, E_L=-65.2, V_th=-50.1, V_reset=-68.0, t_ref=1.7)
INSTANTANEOUS = LIFNeuron(tau_m=11.1, tau_syn=0.0, E_L=-65.2, V_th=-50.1, V_reset=-60.0)


def assert_equal(found, expected):
    """Equal to the last bit, but for weights: they are scaled and back, and may lose that bit."""
    assert len(found.populations) == len(expected.populations)
    for a, b in zip(found.populations, expected.populations, strict=True):
        assert (a.name, a.size, a.layer, a.neuron) == (b.name, b.size, b.layer, b.neuron)
        np.testing.assert_array_equal(a.cell_type, b.cell_type)
        np.testing.assert_array_equal(a.I_e, b.I_e)
    assert len(found.projections) == len(expected.projections)
    for a, b in zip(found.projections, expected.projections, strict=True):
        assert (a.source, a.target, a.obeys_dale) == (b.source, b.target, b.obeys_dale)
        np.testing.assert_array_max_ulp(a.weights, b.weights, 1)
        shape = a.weights.shape
        np.testing.assert_allclose(np.broadcast_to(a.delay, shape), np.broadcast_to(b.delay, shape), rtol=0, atol=1e-12)
    assert (found.trial_duration, found.encoding, found.metadata) == (
        expected.trial_duration,
        expected.encoding,
        expected.metadata,
    )


finite = st.floats(-1e3, 1e3, allow_subnormal=False)
positive = st.floats(1e-2, 1e3)


@st.composite
def neurons(draw):
    E_L, V_th = draw(st.floats(-90, -60)), draw(st.floats(-59, 20))
    return LIFNeuron(
        tau_m=draw(positive),
        tau_syn=draw(st.one_of(st.just(0.0), positive)),
        C_m=draw(positive),
        E_L=E_L,
        V_th=V_th,
        V_reset=draw(st.floats(-100, -59.5)),
        t_ref=draw(st.one_of(st.just(np.inf), st.floats(0, 10))),
    )


@st.composite
def descriptions(draw):
    n_layers = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 4)) for _ in range(n_layers + 1)]
    names = draw(
        st.lists(st.text("abc ./äE_-1", min_size=1), min_size=n_layers + 1, max_size=n_layers + 1, unique=True)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    populations = []
    for layer, (name, size) in enumerate(zip(names, sizes, strict=True)):
        neuron = draw(neurons()) if layer else None
        current = rng.normal(0, 100, size) * draw(st.booleans()) if layer else 0.0
        populations.append(Population(name, size, layer, neuron, rng.choice(["E", "I", "-"], size), current))
    # A chain; then shortcuts, loops and doubles.
    pairs = [(layer, layer + 1) for layer in range(n_layers)]
    pairs += draw(st.lists(st.tuples(st.integers(0, n_layers), st.integers(1, n_layers)), max_size=2))
    projections = []
    for number, (source, target) in enumerate(pairs):
        shape = sizes[source], sizes[target]
        weights = rng.normal(0, 50, shape).astype(np.float32 if draw(st.booleans()) else np.float64)
        dendritic = number >= n_layers  # so that each population has a place for its current
        delays = [(), (shape[0], 1), *([(1, shape[1]), shape] if dendritic else [])]
        delay = rng.uniform(0, 5, draw(st.sampled_from(delays)))
        if delay.shape == shape:
            delay = delay[:, :1] + delay[:1]
        signs = {"E": 1, "I": -1}
        dale = draw(st.booleans())
        if dale:
            sign = np.array([signs.get(kind, 0) for kind in populations[source].cell_type])[:, None]
            weights = np.where(sign, sign * np.abs(weights), weights)
        projections.append(Projection(names[source], names[target], weights, delay, dale))
    metadata = draw(st.dictionaries(st.text(max_size=5), st.one_of(finite, st.text(max_size=5), st.none()), max_size=3))
    return NetworkDescription(populations, projections, draw(positive), {"t_late": draw(finite)}, metadata)


@given(descriptions(), positive)
def test_round_trip(tmp_path_factory, description, dt):
    path = tmp_path_factory.getbasetemp() / "round_trip.nir"
    assert_equal(read_nir(write_nir(description, path, dt=dt, settled_bias=True)), description)


def test_the_network_that_comes_with_the_package_comes_back(tmp_path):
    description = load_network("pretrained:mnist-dale")
    path = write_nir(description, tmp_path / "mnist.nir")
    assert_equal(load_network(path), description)
    # NIR's own reader, its check of types included, finds what we say.
    graph = nir.read(path)
    assert type(graph.nodes["hidden_1"]).__name__ == "CubaLIF"
    np.testing.assert_array_equal(graph.nodes["hidden_1"].v_threshold, np.ones(400))
    assert graph.nodes["input_to_hidden_1"].weight.shape == (400, 784)


def test_dimensionless_weights_of_single_precision_come_back_to_the_last_bit(tmp_path):
    weights = np.random.default_rng(0).normal(0, 1, (50, 40)).astype(np.float32)
    description = NetworkDescription.from_weights([weights], NEURON, trial_duration=9.0)
    path = write_nir(description, tmp_path / "a.nir")
    assert nir.read(path).nodes["input_to_output"].weight.dtype == np.float32
    np.testing.assert_array_equal(read_nir(path).projections[0].weights, description.projections[0].weights)


def small(neuron=NEURON, delay=0.0, **of_output):
    return NetworkDescription(
        [Population("input", 2, 0), Population("output", 3, 1, neuron, **of_output)],
        [Projection("input", "output", [[1.5, 0.1, 0.0], [2.0, -3.0, 1.0]], delay)],
        trial_duration=50.0,
    )


def edited(path, change):
    graph = nir.read(path, type_check=False)
    change(graph)
    nir.write(path, graph)
    return path


def test_a_node_that_another_program_changed_says_what_it_is_now(tmp_path):
    path = write_nir(small(), tmp_path / "a.nir")

    def change(graph):
        graph.nodes["output"].tau_mem = np.full(3, 0.03)
        graph.nodes["input_to_output"].weight = graph.nodes["input_to_output"].weight * 2

    description = read_nir(edited(path, change))
    neuron = description.output.neuron
    assert neuron.tau_m == pytest.approx(30.0, rel=1e-12)
    assert (neuron.tau_syn, neuron.C_m, neuron.E_L, neuron.t_ref) == pytest.approx((7.3, 250.0, -65.2, 1.7), rel=1e-12)
    # r was tau_mem / dt of the old tau_mem: the same pulse now gives two thirds of the potential's slope.
    expected = np.array([[1.5, 0.1, 0.0], [2.0, -3.0, 1.0]]) * 2 * 20 / 30
    np.testing.assert_allclose(description.projections[0].weights, expected, rtol=1e-12)


def test_delays_of_single_synapses_are_refused_by_projection(tmp_path):
    with pytest.raises(
        InputError, match=r"delays of projection input -> output do not map: .* each synapse has its own"
    ):
        write_nir(small(delay=[[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]]), tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())


def test_a_current_that_synapses_would_filter_is_refused_by_population(tmp_path):
    with pytest.raises(InputError, match=r"current into population 'output' does not map: .* settled_bias=True"):
        write_nir(small(I_e=1.0), tmp_path / "a.nir")


def test_a_current_without_a_place_is_refused_by_population(tmp_path):
    with pytest.raises(InputError, match=r"current into population 'output' does not map: .* without dendritic delays"):
        write_nir(small(INSTANTANEOUS, delay=[1.0, 2.0, 3.0], I_e=1.0), tmp_path / "a.nir")


# What others write.


def lif(n=2, **changes):
    values = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_reset": 0.0, "v_threshold": 1.0} | changes
    return nir.LIF(**{name: np.broadcast_to(value, (n,)).astype(float) for name, value in values.items()})


def cuba(n=2, **changes):
    values = {"tau_mem": 0.01, "tau_syn": 0.005, "r": 1.0, "v_leak": 0.0, "v_reset": 0.0, "v_threshold": 1.0} | changes
    return nir.CubaLIF(**{name: np.broadcast_to(value, (n,)).astype(float) for name, value in values.items()})


def linear(n_out=2, n_in=2, value=1.0):
    return nir.Linear(np.full((n_out, n_in), value))


def chain(path, *nodes, edges=(), **more):
    """Input, the nodes called a, b, c, ..., Output; and more edges and nodes."""
    named = dict(zip("abcdefgh", nodes, strict=False))
    names = ["input", *named, "output"]
    everything = {"input": nir.Input(np.array([2])), **named, **more, "output": nir.Output(np.array([2]))}
    all_edges = [*itertools.pairwise(names), *edges]
    nir.write(path, nir.NIRGraph(nodes=everything, edges=all_edges, type_check=False))
    return path


def read(path, **changes):
    return read_nir(path, **({"trial_duration": 50.0, "dt": 1.0} | changes))


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ([linear(), nir.IF(r=np.ones(2), v_threshold=np.ones(2))], r"node 'b' \(IF\) does not map: it does not leak"),
        (
            [linear(), lif(), linear(), nir.LI(tau=np.ones(2), r=np.ones(2), v_leak=np.zeros(2))],
            r"node 'd' \(LI\) does not map: it never spikes",
        ),
        ([nir.Conv1d(2, np.ones((1, 1, 1)), 1, 0, 1, 1, np.zeros(1)), lif()], r"'a' \(Conv1d\) .* not unrolled"),
        ([linear(), nir.Threshold(np.ones(2)), lif()], r"node 'b' \(Threshold\) does not map: it has no membrane"),
        ([linear(), lif(tau=[0.01, 0.02])], r"node 'b' \(LIF\) .* the same tau, got values from 0.01 to 0.02"),
        ([linear(), cuba(tau_syn=[0.01, 0.02])], r"node 'b' \(CubaLIF\) .* the same tau_syn"),
        ([linear(), cuba(tau_mem=-1.0)], r"node 'b' \(CubaLIF\) does not map: tau_mem must be positive, got -1 s"),
        ([linear(), cuba(r=[1.0, np.nan])], r"node 'b' .* r must be finite, unit 1 has nan"),
        ([linear(), lif(v_reset=[0.0, 0.5])], r"node 'b' .* the same \(v_reset - v_leak\)"),
        ([linear(), lif(v_leak=2.0)], r"node 'b' .* v_threshold must lie above v_leak and v_reset, unit 0"),
        ([linear(2, 3), lif()], r"node 'a' \(Linear\) has weights for 3 channels, it is given 2"),
        ([linear(3), lif()], r"node 'b' \(LIF\) has 2 units, it is given 3 channels from 'input'"),
        ([linear(value=np.inf), lif()], r"node 'a' \(Linear\) must have finite weights, got inf at \[0, 0\]"),
        ([nir.Delay(np.array([0.001, -0.002])), linear(), lif()], r"node 'a' \(Delay\) must have delays >= 0 s"),
        ([nir.Delay(np.ones(3)), linear(), lif()], r"node 'a' \(Delay\) has values for 3 channels, it is given 2"),
        (
            [linear(), nir.Delay(np.array([0.001, 0.002])), linear(), lif()],
            r"node 'b' \(Delay\) does not map: different delays between two weights \(before node 'c'\)",
        ),
        (
            [nir.Affine(np.ones((2, 2)), np.ones(2)), nir.Delay(np.ones(2)), lif()],
            r"node 'b' \(Delay\) does not map: a bias would reach it",
        ),
        (
            [linear(), lif(), linear()],
            r"node 'c' \(Linear\) does not map: it lies between the neurons 'b' and the output",
        ),
        ([linear()], "has no node of neurons"),
    ],
)
def test_what_does_not_map_is_refused_by_node(tmp_path, nodes, sentence):
    path = chain(tmp_path / "net.nir", *nodes)
    with pytest.raises(InputError, match=sentence) as refusal:
        read(path)
    assert str(refusal.value).startswith(str(path))


def test_a_loop_without_a_neuron_is_refused(tmp_path):
    path = chain(tmp_path / "a.nir", linear(), lif(), edges=[("a", "a")])
    with pytest.raises(InputError, match=r"node 'a' \(Linear\) does not map: it lies on a loop without a neuron"):
        read(path)


@pytest.mark.parametrize("kind", ["input", "output"])
def test_two_ways_in_or_out_are_refused(tmp_path, kind):
    more = {"other": nir.Input(np.array([2])) if kind == "input" else nir.Output(np.array([2]))}
    edges = [("other", "b") if kind == "input" else ("b", "other")]
    path = chain(tmp_path / "a.nir", linear(), lif(), edges=edges, **more)
    with pytest.raises(InputError, match=f"must have one {kind.title()} node, it has .*'other'"):
        read(path)


def test_a_type_that_nir_does_not_know_is_named(tmp_path):
    path = chain(tmp_path / "a.nir", linear(), lif())
    with h5py.File(path, "r+") as file:
        del file["node/nodes/b/type"]
        file["node/nodes/b/type"] = "AdEx"
    with pytest.raises(InputError, match=r"node 'b' is of type 'AdEx', which NIR .* does not know"):
        read(path)


def test_what_nir_does_not_say_is_asked_for(tmp_path):
    path = chain(tmp_path / "a.nir", linear(), lif())
    with pytest.raises(InputError, match="does not say how long a trial lasts; give trial_duration"):
        read(path, trial_duration=None)
    with pytest.raises(InputError, match=r"node 'b' \(LIF\): NIR does not say how long a spike lasts; give dt"):
        read(path, dt=None)
    with pytest.raises(InputError, match="dt must be positive and finite"):
        read(path, dt=0.0)
    with pytest.raises(InputError, match="spikes must be one of 'pulse', 'jump', got 'dirac'"):
        read(path, spikes="dirac")
    # Where a spike is a jump of the synaptic current, its length does not matter.
    jumping = chain(tmp_path / "b.nir", linear(), cuba())
    assert read(jumping, dt=None, spikes="jump").output.neuron.tau_syn == pytest.approx(5.0)


def test_our_files_say_what_others_do_not(tmp_path):
    path = write_nir(small(), tmp_path / "a.nir", dt=0.5)
    assert read_nir(path, trial_duration=20.0).trial_duration == 20.0
    assert read_nir(path, t_ref=np.inf).output.neuron.t_ref == np.inf
    with pytest.raises(InputError, match=r"says that its spikes last 0.5 ms, got dt = 1 ms"):
        read_nir(path, dt=1.0)


def test_weights_in_a_row_become_one_projection(tmp_path):
    first, second = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, -1.0], [2.0, 0.0]])
    path = chain(
        tmp_path / "a.nir",
        nir.Scale(np.array([2.0, 3.0])),
        nir.Delay(np.array([0.001, 0.002])),
        nir.Linear(first),
        nir.Delay(np.array([0.004, 0.004])),
        nir.Linear(second),
        nir.Delay(np.array([0.003, 0.0])),
        cuba(),
    )
    (projection,) = (description := read(path)).projections
    scale = description.output.neuron.unit_weight * 1e-3 / 0.01  # of a pulse of 1 ms
    np.testing.assert_allclose(projection.weights, (second @ first @ np.diag([2.0, 3.0])).T * scale, rtol=1e-12)
    np.testing.assert_allclose(projection.delay, [[8.0, 5.0], [9.0, 6.0]], rtol=1e-12)


def test_biases_add_up_along_the_way(tmp_path):
    path = chain(
        tmp_path / "a.nir",
        nir.Affine(np.ones((2, 2)), np.array([1.0, 2.0])),
        nir.Affine(np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([10.0, 20.0])),
        nir.Scale(np.array([1.0, 3.0])),
        lif(),
    )
    description = read(path)
    neuron = description.output.neuron
    # r b is the potential that the bias holds, in thresholds.
    held = description.output.I_e * neuron.tau_m / neuron.C_m / 20.0
    np.testing.assert_allclose(held, [13.0, 72.0], rtol=1e-12)


def test_a_subgraph_is_opened_up_and_its_loop_is_a_projection(tmp_path):
    inner = nir.NIRGraph(
        nodes={
            "input": nir.Input(np.array([2])),
            "lif": lif(),
            "w_rec": linear(value=-0.5),
            "output": nir.Output(np.array([2])),
        },
        edges=[("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
        type_check=False,
    )
    description = read(chain(tmp_path / "a.nir", linear(), inner, linear(), lif()))
    assert [(p.name, p.layer) for p in description.populations] == [("input", 0), ("b.lif", 1), ("d", 2)]
    ends = {(p.source, p.target): p.weights[0, 0] for p in description.projections}
    assert ends.keys() == {("input", "b.lif"), ("b.lif", "b.lif"), ("b.lif", "d")}
    assert ends["b.lif", "b.lif"] == pytest.approx(-0.5 * ends["b.lif", "d"], rel=1e-12)


def test_parameters_may_be_one_for_all_units(tmp_path):
    path = chain(tmp_path / "a.nir", linear(3, 2), lif(1), linear(2, 3), lif(1))
    assert [population.size for population in read(path).populations] == [2, 3, 2]


def test_pixels_are_flattened(tmp_path):
    nodes = {
        "input": nir.Input(np.array([1, 2, 2])),
        "flat": nir.Flatten(input_type=np.array([1, 2, 2]), start_dim=0, end_dim=-1),
        "w": linear(2, 4),
        "lif": lif(),
        "output": nir.Output(np.array([2])),
    }
    names = list(nodes)
    edges = list(itertools.pairwise(names))
    nir.write(tmp_path / "a.nir", nir.NIRGraph(nodes=nodes, edges=edges, type_check=False))
    assert read(tmp_path / "a.nir").input.size == 4


# Files.


def test_a_truncated_file_is_refused_in_one_sentence(tmp_path):
    whole = write_nir(small(), tmp_path / "a.nir").read_bytes()
    part = tmp_path / "part.nir"
    for size in np.linspace(0, len(whole) - 1, 40, dtype=int):
        part.write_bytes(whole[:size])
        with pytest.raises(FileError, match=r"part.nir is not a readable NIR graph \(.*\); is it truncated\?") as error:
            read_nir(part)
        assert "\n" not in str(error.value)


def test_bytes_overwritten_are_refused_or_do_not_matter(tmp_path):
    whole = write_nir(small(delay=[[0.1], [0.7]]), tmp_path / "a.nir").read_bytes()
    part = tmp_path / "part.nir"
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        start = int(rng.integers(len(whole)))
        damaged[start : start + 64] = rng.bytes(len(damaged[start : start + 64]))
        part.write_bytes(damaged)
        with contextlib.suppress(FileError, InputError):
            read_nir(part)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileError, match="there is no NIR file"):
        read_nir(tmp_path / "none.nir")
    with h5py.File(tmp_path / "other.nir", "w") as file:
        file["a"] = 1
    with pytest.raises(FileError, match=r"other.nir is not a readable NIR graph"):
        read_nir(tmp_path / "other.nir")
    nir.write(tmp_path / "node.nir", linear())
    with pytest.raises(FileError, match="holds a single Linear node, expected a NIR graph"):
        read_nir(tmp_path / "node.nir")


def test_a_newer_file_is_refused(tmp_path):
    path = write_nir(small(), tmp_path / "a.nir")

    def change(graph):
        graph.metadata["semsync"] = json.dumps(json.loads(graph.metadata["semsync"]) | {"format_version": 2})

    with pytest.raises(FileError, match="semsync-nir format_version 2, this semsync reads up to 1; please upgrade"):
        read_nir(edited(path, change))


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    with pytest.raises(FileError, match="cannot write the NIR graph"):
        write_nir(small(), tmp_path / "no folder" / "a.nir")


def test_a_network_is_loaded_by_its_suffix(tmp_path):
    path = chain(tmp_path / "a.nir", linear(), lif())
    description = load_network(path, trial_duration=30.0, dt=1.0, t_ref=2.0)
    assert (description.trial_duration, description.output.neuron.t_ref) == (30.0, 2.0)
    with pytest.raises(InputError, match=r"dt can only be given for a NIR graph \(.nir\)"):
        load_network("pretrained:mnist-dale", dt=1.0)
