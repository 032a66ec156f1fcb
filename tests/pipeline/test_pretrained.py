"""Networks that come with the package: they do what their own metadata say, in torch and in NEST."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from semsync import NetworkDescription
from semsync.cli import main
from semsync.errors import InputError
from semsync.pipeline.networks import beside, load_network, pretrained_names, rounded
from semsync.pipeline.saved_network import evaluate


def semsync(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_names():
    assert pretrained_names() == ["mnist-dale", "yin-yang-delays"]


@pytest.mark.parametrize("name", ["mnist-dale", "yin-yang-delays"])
def test_network_says_how_it_was_made(name):
    metadata = load_network(f"pretrained:{name}").metadata
    assert metadata["command"].startswith("semsync ")
    assert {"seed", "preset", "dataset", "test_accuracy", "git_revision"} <= metadata.keys()


def test_yin_yang_network_reaches_what_it_says_in_torch_and_in_nest(tmp_path):
    name = "pretrained:yin-yang-delays"
    said = load_network(name).metadata["test_accuracy"]
    assert said >= 0.97
    assert evaluate(name, "yin-yang").accuracy == said
    out = tmp_path / "recording.nwb"
    result = semsync("simulate", name, "--dataset", "yin-yang", "--n-trials", 200, "--resolution", 0.05, "--out", out)
    assert result.exit_code == 0, result.output
    assert "NOT EQUAL" not in result.output
    analysis = semsync(
        "analyze", out, "--network", name, "--n-permutations", 20, "--out", tmp_path / "analysis", "--window", "all"
    )
    assert analysis.exit_code == 0, analysis.output
    assert json.loads((tmp_path / "analysis" / "results.json").read_text())["pathways"]


def test_the_time_step_is_chosen_so_that_no_spike_is_missed(tmp_path):
    arguments = ("simulate", "pretrained:yin-yang-delays", "--dataset", "yin-yang", "--n-trials", 200)
    result = semsync(*arguments, "--out", tmp_path / "recording.nwb")
    assert result.exit_code == 0, result.output
    assert re.search(r"time steps: .*1 ms in 1\d\d trials", result.output)
    assert "0 spiking mismatches, 0 other decisions, 0 grazing spikes" in result.output
    assert "neither a number nor auto" in semsync(*arguments, "--resolution", "short").output


def test_mnist_network_reaches_what_it_says(data_folder):
    network = load_network("pretrained:mnist-dale")
    said = network.metadata["test_accuracy"]
    assert said >= 0.975
    assert [p.obeys_dale for p in network.projections] == [False, True, True, True, True]
    assert evaluate("pretrained:mnist-dale", "mnist", data_folder=data_folder / "mnist").accuracy == said


def test_mnist_network_in_nest(data_folder, tmp_path):
    result = semsync(
        "simulate", "pretrained:mnist-dale", "--dataset", "mnist", "--n-trials", 10, "--out", tmp_path / "r.nwb",
        "--data-folder", data_folder / "mnist",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "NOT EQUAL" not in result.output


def test_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no pretrained network 'mnist'; did you mean pretrained:mnist-dale\?"):
        load_network("pretrained:mnist")
    result = semsync("evaluate", "pretrained:nothing", "--dataset", "digits")
    assert result.exit_code == 1
    assert "there are mnist-dale, yin-yang-delays" in result.output


def test_what_is_made_from_a_network_lies_beside_it():
    assert str(beside("pretrained:mnist-dale", "_recording.nix")) == "mnist-dale_recording.nix"
    assert str(beside("runs/digits/network.safetensors", "_recording.nix")) == "runs/digits/network_recording.nix"


def test_rounded_networks_are_stored_in_half_the_space_and_read_back_equal(tmp_path):
    from semsync import LIFNeuron

    weights = [np.random.default_rng(0).normal(size=(50, 40))]
    network = NetworkDescription.from_weights(weights, LIFNeuron(10.0, 10.0), trial_duration=50.0)
    short = rounded(network, {"note": "rounded"})
    paths = network.save(tmp_path / "long.safetensors"), short.save(tmp_path / "short.safetensors")
    assert paths[1].stat().st_size < 0.6 * paths[0].stat().st_size
    again = NetworkDescription.load(paths[1])
    np.testing.assert_array_equal(again.projections[0].weights, short.projections[0].weights)
    np.testing.assert_allclose(again.projections[0].weights, network.projections[0].weights, rtol=1e-7)
    assert again.metadata["note"] == "rounded"


def test_training_may_begin_with_a_network(tmp_path):
    name = "pretrained:yin-yang-delays"
    arguments = ["train", "yin-yang-delays", "--set", "training.epochs=0", "--set"]
    run = semsync(*arguments, f"start={name}", "--out", tmp_path / "same")
    assert run.exit_code == 0, run.output
    trained, start = NetworkDescription.load(tmp_path / "same" / "network.safetensors"), load_network(name)
    for found, expected in zip(trained.projections, start.projections, strict=True):
        np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-12)
        np.testing.assert_allclose(found.delay - expected.delay, 0, atol=1e-12)
    run = semsync(*arguments, "start=pretrained:mnist-dale", "--out", tmp_path / "other")
    assert run.exit_code == 1
    assert "yin-yang needs 5 inputs and 3 outputs" in run.output
