"""Reports stand alone, hold what the data allow, and no more."""

from __future__ import annotations

import base64
import dataclasses
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.report import RecordingReport, RunReport, report_html, save_figures, write_report
from semsync.analysis.report.claims import claims
from semsync.analysis.report.paragraphs import packet_width_words
from semsync.analysis.report.run_sections import equality_words
from semsync.errors import FileError

VOID = {"meta", "img", "br", "link", "input", "hr"}
COMPARISON = {
    "tolerance_ms": 1e-9,
    "n_spikes_compared": 1200,
    "max_abs_difference_ms": 3e-13,
    "n_spiking_mismatches": 0,
    "n_grazing": 0,
    "n_unexplained": 0,
    "n_decision_mismatches": 0,
    "equal": True,
}


class Page(HTMLParser):
    """Tags, addresses, ids, images and text of a page; fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.images: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "img":
            assert attributes["alt"]
            self.images.append(attributes["src"])
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.loaded += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open[-1:]:
            self.text += data


@pytest.fixture(scope="module")
def run(recording, control_recording, network, control_network, analysis, control) -> RunReport:
    first = recording.first_spikes()
    times = first[np.isfinite(first)]
    history = [
        {"epoch": e, "train_loss": 1.0, "train_accuracy": a, "validation_loss": 1.0, "validation_accuracy": a}
        for e, a in enumerate((0.4, 0.95))
    ]
    results = {
        "dataset": "generated",
        "seed": 3,
        "n_test": 60,
        "torch": {"test_accuracy": 0.95},
        "nest": {"test_accuracy": 0.95, **COMPARISON},
    }
    return RunReport(
        "A run",
        results,
        config={"seed": 3},
        environment={"versions": {"numpy": np.__version__}, "python": "3.11"},
        history=history,
        best_epoch=1,
        trained=analysis,
        untrained=control,
        recording=recording,
        control_recording=control_recording,
        network=network,
        control_network=control_network,
        reference_times=times,
        simulated_times=times + 1e-13,
        seeds={3: results, 4: results},
    )


@pytest.fixture(scope="module")
def page(run: RunReport) -> Page:
    return Page(report_html(run))


def test_a_run_has_every_section(page: Page, analysis: Analysis):
    assert page.ids == [
        "claims",
        "learning",
        "equality",
        "raster",
        "packets",
        "information",
        "separability",
        "pathways",
        "seeds",
        "table",
        *(["lacks"] if analysis.lacks else []),
        "methods",
        "settings",
    ]
    assert len(page.images) == 11
    assert "95.0 %" in page.text
    assert "3.0e-13 ms" in page.text


def test_a_report_needs_no_other_file(page: Page):
    assert page.loaded
    assert all(address.startswith("data:image/") for address in page.loaded)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert all(link.startswith(("#", "https://doi.org/", "https://arxiv.org/")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_figures_are_drawings_that_load_nothing(page: Page):
    for source in page.images:
        kind, content = source.split(";base64,")
        image = base64.b64decode(content, validate=True)
        assert kind in ("data:image/svg+xml", "data:image/png")
        if kind.endswith("xml"):
            assert image.startswith(b"<?xml")
            assert b'href="http' not in image
            assert b"<script" not in image


def test_what_is_missing_has_no_section(run: RunReport):
    bare = RunReport("Bare", {"n_test": 1, "torch": {"test_accuracy": 1.0}})
    assert Page(report_html(bare)).ids == []
    without = dataclasses.replace(run, untrained=None, network=None, history=(), reference_times=None, seeds={})
    found = Page(report_html(without))
    assert "learning" not in found.ids
    assert "seeds" not in found.ids
    assert "equality" in found.ids  # in words alone
    assert "untrained network" not in found.text.split("Pathways to the classes")[0]


def test_a_control_that_never_decides_is_left_out(run: RunReport, control: Analysis):
    layers = control.layers[control.layers["window"] != "decision"]
    mute = dataclasses.replace(run, untrained=dataclasses.replace(control, layers=layers))
    page = Page(report_html(mute))
    assert "The untrained network makes no decision" in page.text
    assert len(page.images) == len(Page(report_html(dataclasses.replace(run, untrained=None))).images)


def test_hostile_names_stay_text(recording: SpikeTable):
    evil = '<script>alert("x")</script>'
    population = np.where(recording.units["layer"] == 1, evil, "p&q")
    table = dataclasses.replace(recording, units={**recording.units, "population": population})
    result = analyze(table, by="population", n_permutations=99, n_sample_trials=0, n_repeats=1)
    page = Page(report_html(RecordingReport(evil, result, table, notes=[evil], source="a & b")))
    assert "script" not in page.tags
    assert evil in page.text
    assert "p&q" in page.text


def test_a_recording_without_classes_says_so(recording: SpikeTable):
    units = {"unit_id": recording.units["unit_id"]}
    trials = {"start": recording.trials["start"], "stop": recording.trials["stop"]}
    table = SpikeTable(recording.times, recording.unit, recording.trial, units, trials, {"lacks": ["no electrodes"]})
    result = analyze(table, n_permutations=99, n_sample_trials=0, n_repeats=1)
    page = Page(report_html(RecordingReport("Bare", result, table)))
    assert page.ids == ["raster", "packets", "table", "lacks", "methods", "settings"]
    assert "no stimulus classes" in page.text
    assert "no electrodes" in page.text


def test_the_numbers_of_the_text_are_those_of_the_table(page: Page, analysis: Analysis):
    rows = analysis.layers.set_index(["window", "name"])
    width = rows.loc[("decision", "hidden_2"), "packet_shortest_half_ms"]
    assert f"narrows to {width:.2f}" in page.text.replace("\u00a0", " ")


def widths(values, sems, windows=("decision",)) -> Analysis:
    names = ["input", "hidden_1", "hidden_2"]
    layers = pd.concat(
        pd.DataFrame(
            {
                "window": window,
                "layer": range(3),
                "name": names,
                "packet_shortest_half_ms": values[window],
                "packet_shortest_half_sem_ms": sems,
            }
        )
        for window in windows
    )
    return Analysis(layers, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), (), {"by": "layer", "windows": windows})


def test_no_effect_over_all_spikes_is_said():
    result = widths({"decision": [1, 3, 2], "all": [1, 1.05, 1.1]}, 0.1, ("all", "decision"))
    assert "The narrowing is not seen there." in packet_width_words(result)[-1]
    result = widths({"decision": [1, 3, 2], "all": [1, 3, 2]}, 0.1, ("all", "decision"))
    assert "not seen" not in packet_width_words(result)[-1]


@pytest.mark.parametrize(
    ("values", "control", "verdict"),
    [
        ([1, 3, 2], [1, 1, 1], "seen"),
        ([3, 2, 1], None, "partly seen"),
        ([1, 3, 2], [1, 4, 2], "in the control too"),
        ([1, 2, 3], [3, 2, 1], "not seen"),
    ],
)
def test_verdicts(values, control, verdict):
    beside = None if control is None else widths({"decision": control}, 0.1)
    (claim,) = claims(widths({"decision": values}, 0.1), beside)
    assert claim.verdict == verdict


def test_no_verdict_without_standard_errors():
    assert claims(widths({"decision": [1, 3, 2]}, float("nan")), None) == []


def test_equality_in_words():
    (words,) = equality_words(COMPARISON)
    assert "1,200 spikes" in words
    assert "3e-13 ms" in words
    assert "Every decision is the same." in words
    (words,) = equality_words({**COMPARISON, "n_grazing": 2, "n_downstream_spikes": 7, "n_touched_trials": 1})
    assert "2 spikes only graze the threshold" in words
    (words,) = equality_words({**COMPARISON, "equal": False, "n_unexplained": 5, "n_spiking_mismatches": 5})
    assert "NOT equal: 5 differences" in words
    assert equality_words({}) == []


def test_the_same_content_is_the_same_page(run: RunReport):
    bare = dataclasses.replace(run, trained=None, recording=None)
    assert report_html(bare) == report_html(bare)


def test_a_report_that_cannot_be_written(tmp_path):
    content = RunReport("Bare", {})
    assert write_report(tmp_path / "report.html", content).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileError, match="cannot write the report"):
        write_report(tmp_path / "missing" / "report.html", content)


def test_figures_as_files(tmp_path, run: RunReport):
    content = dataclasses.replace(run, trained=None, recording=None)
    written = save_figures(tmp_path / "figures", content)
    names = ["learning_curve.svg", "learning_curve.pdf", "spike_time_equality.svg", "spike_time_equality.pdf"]
    assert [path.name for path in written] == names
    assert b">accuracy</text>" in written[0].read_bytes()
