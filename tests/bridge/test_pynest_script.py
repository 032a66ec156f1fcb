"""The exported script, run where neither semsync nor anything else of it can be imported."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from semsync import LIFNeuron, NetworkDescription
from semsync.bridge import simulate, write_pynest
from semsync.errors import FileError, InputError

RNG = np.random.default_rng(0)
N_TRIALS = 4
SIZES = (8, 10, 6, 3)
ALONE = """
import sys, runpy
for name in ("semsync", "torch", "safetensors", "scipy", "neo"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def network(delays=None, metadata=None, **neuron):
    cell_types = [np.full(8, "-"), np.repeat(["E", "I"], [7, 3]), np.array(list("EIEIEI")), np.full(3, "-")]
    rng = np.random.default_rng(1)
    weights = []
    for n, m, cell_type in zip(SIZES, SIZES[1:], cell_types, strict=False):
        drawn = rng.normal(6 / n, 6 / n, (n, m))
        sign = np.where(cell_type == "I", -0.3, 1.0)[:, None]
        weights.append(np.where(cell_type[:, None] == "-", drawn, np.abs(drawn) * sign))
    weights[1][2] = 0.0
    return NetworkDescription.from_weights(
        weights,
        LIFNeuron(**({"tau_m": 10.0, "tau_syn": 5.0} | neuron)),
        cell_types=cell_types,
        delays=delays,
        obeys_dale=[False, True, True],
        trial_duration=40.0,
        metadata=metadata or {},
    )


def stimuli(n_inputs=SIZES[0]):
    times = RNG.uniform(0, 15, (N_TRIALS, n_inputs))
    times[1, :2] = np.inf
    times[2, 0] = 0.0
    return times


def run(script, *arguments, folder=None, status=0):
    command = [sys.executable, "-I", "-c", ALONE, str(script), *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder or script.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done


def spikes_of(folder, description):
    with np.load(folder / "spikes.npz", allow_pickle=False) as file:
        return np.concatenate([file[f"{population.name}_times"] for population in description.populations], axis=1)


SYNAPTIC = [np.random.default_rng(2).uniform(0, 4, shape) for shape in pairwise(SIZES)]


@pytest.mark.parametrize(
    ("description", "resolution"),
    [
        (network(), 0.1),
        (network(delays=SYNAPTIC, E_L=-65.0, V_reset=-70.0, V_th=-50.0, C_m=200.0), 0.1),
        (network(delays=[0.37, np.round(SYNAPTIC[1], 1), SYNAPTIC[2][:1]], tau_m=5.0), 0.125),
    ],
    ids=["no delays", "synaptic delays", "uniform, on-grid and dendritic delays"],
)
def test_spike_times_are_those_of_the_bridge_to_the_last_bit(description, resolution, tmp_path):
    input_times = stimuli()
    recording = simulate(description, input_times, resolution=resolution)
    expected = recording.first_spikes()
    assert np.isfinite(expected[:, 8:]).mean() > 0.3
    script, weights, example = write_pynest(
        description, tmp_path / "net.py", resolution=resolution, first_spikes=expected, labels=np.arange(N_TRIALS) % 3
    )
    assert [file.name for file in (script, weights, example)] == ["net.py", "net_weights.npz", "net_stimuli.npz"]

    done = run(script)

    np.testing.assert_array_equal(spikes_of(tmp_path, description), expected)
    decisions = recording.trials["decision"]
    assert [int(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("trial ")] == list(decisions)
    assert f"right: {np.sum(decisions == np.arange(N_TRIALS) % 3)} of {N_TRIALS}" in done.stdout
    compared = [line for line in done.stdout.splitlines() if "largest difference" in line]
    assert compared == [f"{name}_times: largest difference 0.0e+00 ms" for name in ("hidden_1", "hidden_2", "output")]


def test_a_wrong_spike_is_told(tmp_path):
    description = network()
    times = simulate(description, stimuli()).first_spikes()
    times[0, 8] += 0.25
    times[3, -1] = 1.0 if times[3, -1] == np.inf else np.inf
    script, *_ = write_pynest(description, tmp_path, first_spikes=times)
    assert script.name == "network.py"

    done = run(script)

    assert "hidden_1_times: largest difference 2.5e-01 ms" in done.stdout
    assert "output_times: largest difference inf ms" in done.stdout


def test_other_stimuli_are_taken_from_the_command_line_and_its_own_output_is_such_a_file(tmp_path):
    description = network()
    script, *_ = write_pynest(description, tmp_path / "net.py")
    other = tmp_path / "elsewhere"
    other.mkdir()
    np.savez(other / "mine.npz", input_times=stimuli())
    run(script, "mine.npz", folder=other)
    done = run(script, "spikes.npz", folder=other)
    assert done.stdout.count("largest difference 0.0e+00 ms") == 3
    assert "right:" not in done.stdout
    assert run(script, folder=other, status=1).stderr.strip().startswith("A spiking network, 8 - 10 - 6 - 3, in NEST.")


def test_the_script_is_short_and_tidy_and_needs_nest_and_numpy_only(tmp_path):
    metadata = {"preset": "digits", "seed": 3, "test_accuracy": 0.978, "settings": {"a": 1}}
    script, *_ = write_pynest(network(metadata=metadata), tmp_path)
    text = script.read_text()
    assert len(text.splitlines()) < 200
    tree = ast.parse(text)
    names = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"nest", "numpy", "pathlib", "sys"}
    said = ast.get_docstring(tree)
    assert "test_accuracy:  0.978" in said
    assert "seed:           3" in said
    assert "settings" not in said
    assert '("hidden_1", 10, NEURON, 1.1),  # 0..6 E, 7..9 I' in text
    assert '("hidden_2", 6, NEURON, 2.1),  # 3 E, 3 I' in text
    for command in (["format", "--check", "--line-length", "99"], ["check", "--line-length", "99"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "--isolated", str(script)], check=True)


def test_whatever_stands_in_a_name_or_in_metadata_stays_text(tmp_path):
    odd = 'x"""\nraise SystemExit("run")\n\\'
    description = network(metadata={odd: odd, "note": "Grüße"})
    populations = [type(p)(f"{p.name}{odd}", p.size, p.layer, p.neuron, p.cell_type) for p in description.populations]
    projections = [
        type(p)(f"{p.source}{odd}", f"{p.target}{odd}", p.weights, p.delay, p.obeys_dale)
        for p in description.projections
    ]
    description = NetworkDescription(populations, projections, 40.0, {}, description.metadata)
    script, *_ = write_pynest(description, tmp_path / 'it\'s "mine".py', first_spikes=stimuli())
    assert "Grüße" in script.read_text(encoding="utf-8")
    assert "run" not in run(script).stderr
    assert np.isfinite(spikes_of(tmp_path, description)[:, 8:]).any()


def test_weights_of_another_network_or_format_are_refused(tmp_path):
    script, weights, _ = write_pynest(network(), tmp_path / "net.py", first_spikes=stimuli())
    with np.load(weights, allow_pickle=False) as file:
        arrays = dict(file)
    for changed in ({"format_version": np.array(2)}, {"network": np.array("0" * 12)}):
        np.savez(weights, **(arrays | changed))
        assert "belongs to another script" in run(script, status=1).stderr


@pytest.mark.parametrize("version", ["3.8.0", "4.0"])
def test_a_foreign_nest_version_is_refused_in_one_sentence(version, tmp_path):
    script, *_ = write_pynest(network(), tmp_path / "net.py", first_spikes=stimuli())
    (tmp_path / "nest.py").write_text(f"__version__ = '{version}'")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stderr == f"this script needs NEST >= 3.9 and < 4, found {version}\n"


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"times": stimuli()}, "needs an array input_times of shape [n_trials, 8]"),
        ({"input_times": stimuli(5)}, "needs an array input_times of shape [n_trials, 8]"),
        ({"input_times": stimuli() - 20}, "must lie in 0..40.0 ms, or be inf"),
        ({"input_times": stimuli() * np.nan}, "must lie in 0..40.0 ms, or be inf"),
    ],
)
def test_bad_stimuli_are_refused_by_the_script(arrays, sentence, tmp_path):
    script, *_ = write_pynest(network(), tmp_path / "net.py")
    np.savez(tmp_path / "bad.npz", **arrays)
    (line,) = run(script, "bad.npz", status=1).stderr.splitlines()
    assert sentence in line


def test_files_are_not_replaced_unless_asked(tmp_path):
    written = write_pynest(network(), tmp_path / "net.py")
    with pytest.raises(FileError, match=r"net\.py exists"):
        write_pynest(network(), tmp_path / "net.py")
    assert write_pynest(network(), tmp_path / "net.py", overwrite=True) == written
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.py", "net_weights.npz"]
    with pytest.raises(FileError, match="cannot write"):
        write_pynest(network(), tmp_path / "net.py" / "folder")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"first_spikes": stimuli(5)}, r"\[n_trials, 8\] \(inputs\) or \[n_trials, 27\] \(all units\), got \(4, 5\)"),
        ({"first_spikes": stimuli(), "labels": [1]}, r"one for each of the 4 trials, got \(1,\)"),
        ({"resolution": 0.3}, "resolution must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        write_pynest(network(), tmp_path, **arguments)
    assert not any(tmp_path.iterdir())


def test_what_the_script_cannot_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="fire at most once"):
        write_pynest(network(t_ref=2.0), tmp_path)
    plain = network()
    driven = [dataclasses.replace(p, I_e=np.full(p.size, 10.0)) if p.neuron else p for p in plain.populations]
    instant = [
        dataclasses.replace(p, neuron=dataclasses.replace(p.neuron, tau_syn=0.0)) if p.neuron else p
        for p in plain.populations
    ]
    for populations, sentence in ((driven, "'hidden_1' has a current I_e"), (instant, "has instantaneous synapses")):
        with pytest.raises(InputError, match=sentence):
            write_pynest(dataclasses.replace(plain, populations=populations), tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("V_th", "said"), [(20.0, "20.0 / 32"), (0.75, "0.75"), (0.1, "0.1 * 8.0")])
def test_potentials_are_in_the_units_in_which_nest_finds_crossings(V_th, said, tmp_path):
    description = network(V_th=V_th)
    input_times = stimuli()
    script, *_ = write_pynest(description, tmp_path, first_spikes=input_times)
    assert f'"V_th": {said},  # mV' in script.read_text()
    run(script)
    np.testing.assert_array_equal(spikes_of(tmp_path, description), simulate(description, input_times).first_spikes())
