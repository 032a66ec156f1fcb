"""A reproduction, small: every condition, every claim, one page; and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from semsync import LIFNeuron, NetworkDescription
from semsync.analysis.effects import EFFECTS, Estimate, verdict
from semsync.cli import main
from semsync.pipeline.controls import shuffled
from semsync.pipeline.reproduce import conditions

SMALL = [
    "network.hidden=[{n_E = 24, n_I = 8}, {n_E = 24, n_I = 8}]",
    "network.hidden_mean=0.2",
    "network.output_mean=0.4",
    "training.epochs=4",
    "simulation.resolution=0.1",
    "analysis.n_permutations=50",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction") / "quick"
    arguments = ["--quick", "--seeds", "2", "--n-trials", "60", "--out", str(folder)]
    for setting in SMALL:
        arguments += ["--set", setting]
    return folder, arguments, CliRunner().invoke(main, ["reproduce", "semantization", *arguments])


def test_every_claim_has_a_number_in_every_condition(finished):
    folder, _, result = finished
    results = json.loads((folder / "results.json").read_text())
    assert [claim["key"] for claim in results["claims"]] == [effect.key for effect in EFFECTS]
    for claim in results["claims"]:
        assert list(claim["values"]) == ["trained", "untrained", "shuffled weights", "no Dale"]
        assert [len(values) for values in claim["values"].values()] == [2, 2, 2, 1]
        assert claim["shown"] == (claim["mean"]["trained"] > 0)
        assert f"{'+' if claim['shown'] else '-'} {claim['claim']}" in result.output
    assert (result.exit_code == 0) == all(claim["shown"] for claim in results["claims"])
    assert results["networks"]["trained"]["n_seeds"] == 2
    assert all(network["n_unexplained"] == 0 for network in results["networks"].values())
    assert all(network["seconds"] > 0 for network in results["networks"].values())


def test_page_and_figures(finished):
    folder, _, _ = finished
    page = (folder / "report.html").read_text()
    for effect in EFFECTS:
        assert effect.claim in page
    assert "http" not in page.split("<main>")[1].split('id="methods"')[0]
    table = (folder / "claims.md").read_text().splitlines()
    assert len(table) == 2 + len(EFFECTS)
    assert {line.count("|") for line in table} == {8}
    assert (folder / "figures" / "effects_by_layer.pdf").stat().st_size > 5000


def test_resuming_a_finished_reproduction_reads_it(finished):
    folder, arguments, first = finished
    before = json.loads((folder / "results.json").read_text())
    again = CliRunner().invoke(main, ["reproduce", "semantization", *arguments, "--resume"])
    assert again.exit_code == first.exit_code
    after = json.loads((folder / "results.json").read_text())
    assert after["claims"] == before["claims"]


def test_a_folder_in_use_and_an_unknown_paper_are_refused(finished, tmp_path):
    _, arguments, _ = finished
    in_use = CliRunner().invoke(main, ["reproduce", "semantization", *arguments])
    assert in_use.exit_code == 1
    assert "add --resume" in in_use.output
    unknown = CliRunner().invoke(main, ["reproduce", "semantisation", "--out", str(tmp_path / "x")])
    assert unknown.exit_code == 1
    assert "there is no reproduction 'semantisation'; there is semantization" in unknown.output


def test_full_reproduction_has_the_variants_of_the_paper():
    planned = {one.name: one for one in conditions("semantization")}
    assert [(name, one.n_seeds) for name, one in planned.items()] == [
        ("trained", 3), ("no Dale", 1), ("3 layers", 1), ("5 layers", 1), ("8 layers", 1), ("silent background", 1),
    ]  # fmt: skip
    main = planned["trained"].config.training
    assert {one.config.training for name, one in planned.items() if name != "8 layers"} == {main}
    # Of so narrow a net silent neurons are treated otherwise; the schedule is that of the others.
    own = {"learning_rate": 0.002, "silent_neurons": "push", "bump": 0.002}
    assert planned["8 layers"].config.training == main.model_copy(update=own)
    assert [layer.n_E for layer in planned["8 layers"].config.network.hidden] == [75] * 8
    assert not planned["no Dale"].config.network.dale
    assert planned["silent background"].config.encoding.background == "silent"


def test_shuffled_weights_keep_their_distribution_and_dale():
    rng = np.random.default_rng(0)
    cell_types = [["-"] * 5, ["E"] * 6 + ["I"] * 2, ["-"] * 3]
    hidden = rng.random((8, 3)) * np.array([1.0] * 6 + [-1.0] * 2)[:, None]
    network = NetworkDescription.from_weights(
        [rng.normal(size=(5, 8)), hidden], LIFNeuron(10.0, 10.0), cell_types=cell_types, obeys_dale=[False, True],
        trial_duration=50.0,
    )  # fmt: skip
    other = shuffled(network, rng)
    for before, after in zip(network.projections, other.projections, strict=True):
        assert not np.array_equal(before.weights, after.weights)
        np.testing.assert_array_equal(np.sort(before.weights.ravel()), np.sort(after.weights.ravel()))
    np.testing.assert_array_equal(np.sign(other.projections[1].weights), np.sign(network.projections[1].weights))


@pytest.mark.parametrize(
    ("trained", "control", "words"),
    [
        ((0.5, 0.6), (0.1, 0.2), "holds, and in no control"),
        ((0.5, 0.7), (0.1, 0.5), "holds, but at least half as strongly in control"),
        ((0.5, -0.1), (0.0,), "holds on average, not in every seed"),
        ((-0.5, -0.1), (0.0,), "does not hold"),
        ((float("nan"),), (0.0,), "does not hold"),
        ((0.5, float("nan")), (float("nan"),), "holds, and in no control"),
    ],
)
def test_verdicts(trained, control, words):
    assert verdict(Estimate(trained), {"control": Estimate(control)}) == words
