"""semsync validate, with the small network that comes with the package, in real NEST."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from semsync.bridge.protocols import RUNGS
from semsync.cli import main
from semsync.errors import InputError
from semsync.pipeline.validation import curves, validate

NETWORK = "pretrained:yin-yang-delays"
ARGUMENTS = [
    "validate",
    NETWORK,
    "--dataset",
    "yin-yang",
    "--n-trials",
    "40",
    "--protocol",
    "noise",
    "--sweep",
    "sd=1,8",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validation") / "out"
    run = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(folder)])
    assert run.exit_code == 0, run.output
    return folder, run.output


def test_noise_costs_accuracy_and_moves_spikes(finished):
    folder, output = finished
    results = json.loads((folder / "results.json").read_text())
    [curve] = results["curves"]
    assert (curve["protocol"], curve["axis"], curve["unit"]) == ("noise", "noise.sd", "mV")
    little, much = curve["points"]
    assert results["exact"]["accuracy"]["mean"] > 0.9
    assert much["accuracy"]["mean"] < results["exact"]["accuracy"]["mean"]
    for layer in (0, 1):
        exact, low, high = (point["layers"][layer] for point in (results["exact"], little, much))
        assert exact["sd_ms"]["mean"] == exact["missing"]["mean"] == 0
        assert 0 < low["sd_ms"]["mean"] < high["sd_ms"]["mean"]
    assert "noise, noise.sd = 8 mV" in output


def test_the_report_stands_alone_and_figures_are_files(finished):
    folder, _ = finished
    html = (folder / "report.html").read_text()
    assert "What each step towards realism costs" in html
    assert 'src="http' not in html
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".pdf"}


def test_an_interrupted_validation_goes_on_to_the_same_results(finished, tmp_path):
    folder, _ = finished
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    (again / "results.json").unlink()
    points = sorted((again / "points" / "network-0").glob("noise*.json"))
    points[0].unlink()
    kept = points[1].stat().st_mtime_ns
    refused = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(again)])
    assert refused.exit_code == 1
    assert "add --resume" in refused.output
    run = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(again), "--resume"])
    assert run.exit_code == 0, run.output
    assert (again / "results.json").read_text() == (folder / "results.json").read_text()
    assert points[1].stat().st_mtime_ns == kept


def test_another_validation_is_drawn_beside(finished, tmp_path):
    folder, _ = finished
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    run = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(again), "--resume", "--beside", f"robust={folder}"])
    assert run.exit_code == 0, run.output
    html = (again / "report.html").read_text()
    assert "accuracy, robust" in html
    (again / "report.html").unlink()
    assert CliRunner().invoke(main, ["report", str(again)]).exit_code == 0
    assert (again / "report.html").read_text() == html
    run = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(tmp_path / "new"), "--beside", "robust"])
    assert run.exit_code == 1
    assert "--beside expects NAME=FOLDER" in run.output


def test_another_validation_does_not_go_on_in_its_folder(finished):
    folder, _ = finished
    run = CliRunner().invoke(main, [*ARGUMENTS, "--out", str(folder), "--resume", "--seed", "5"])
    assert run.exit_code == 1
    assert "holds a validation with seed = 0, not 5" in run.output


def test_several_networks_have_a_spread(tmp_path):
    results = validate(
        [NETWORK, NETWORK], "yin-yang", tmp_path / "out", protocols=["jitter:sd=2"], sweep="sd=2", n_samples=20
    )
    point = results["curves"][0]["points"][0]
    assert len(point["accuracy"]["values"]) == 2
    assert point["layers"][0]["sd_ms"]["values"][0] != point["layers"][0]["sd_ms"]["values"][1]  # other draws
    assert point["accuracy"]["sd"] is not None


def test_without_a_protocol_the_whole_ladder_is_planned():
    planned = curves()
    assert [curve.name for curve in planned[:-1]] == [name for name in RUNGS if name != "ongoing"]
    assert planned[-1].name == "refractory+ongoing"
    assert all(len(curve.values) >= 4 for curve in planned)
    assert [curve.axis for curve in curves(["refractory:t_ref=5+noise"], "refractory.t_ref=1,2")] == [
        "refractory.t_ref"
    ]


@pytest.mark.parametrize(
    ("protocols", "sweep", "sentence"),
    [
        ([], "sd=1", "a sweep needs the protocol"),
        (["noise"], "sd=one", "--sweep expects key=a,b,c with numbers"),
        (["noise"], "amplitude=1", "protocol 'noise' has no parameter 'amplitude'"),
        (["noise"], "grid.resolution=1", "protocol 'noise' has no 'grid' to sweep"),
        (["exact"], "sd=1", "'exact' has no parameter to sweep"),
        (["noize"], None, "did you mean 'noise'"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_sentence(protocols, sweep, sentence):
    with pytest.raises(InputError, match=sentence):
        curves(protocols, sweep)


def test_refusals_come_before_any_simulation(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="resolution must be a multiple"):
        validate([NETWORK], "yin-yang", out, protocols=["grid"], sweep="resolution=0.1,0.3")
    with pytest.raises(InputError, match="networks to be averaged must have the same layers"):
        validate([NETWORK, "pretrained:mnist-dale"], "yin-yang", out)
    assert not out.exists()
