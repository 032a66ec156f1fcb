"""Figures as recordings without layers need them: areas, class names, single trials, sorted units."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis import figures
from semsync.analysis.analyze import Analysis, analyze
from semsync.analysis.report import RecordingReport, report_html
from semsync.errors import InputError


@pytest.fixture(scope="module")
def session() -> SpikeTable:
    """Three units of V1 prefer a side, in two areas and named classes."""
    rng = np.random.default_rng(4)
    side = np.arange(60) % 2
    n_spikes = rng.poisson(np.where((np.arange(9) < 3) & (side[:, None] == 1), 4.0, 0.5))
    trial, unit = (np.repeat(rows.ravel(), n_spikes.ravel()) for rows in np.indices(n_spikes.shape))
    start = np.arange(60) * 600.0
    units = {"unit_id": np.arange(9), "area": np.array(["V1"] * 5 + ["LM"] * 4)}
    trials = {"start": start, "stop": start + 500, "onset": start + 100, "stimulus_class": side}
    names = {"class_names": ["left", "right"]}
    return SpikeTable(rng.uniform(-100, 400, len(trial)), unit, trial, units, trials, names)


@pytest.fixture(scope="module")
def analysis(session: SpikeTable) -> Analysis:
    return analyze(session, windows=[(0, 400)], n_permutations=99, n_sample_trials=0)


def test_units_are_sorted_and_marked_by_group(analysis: Analysis) -> None:
    ax = figures.unit_information(analysis)
    drawn = {}
    for line in ax.lines:
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
            if isinstance(x, float) and line.get_linestyle() == "None":
                drawn[x] = (y, line.get_color(), line.get_markerfacecolor())
    units = analysis.units.sort_values(["layer", "information_bits"], ascending=[True, False])
    assert [drawn[x][0] for x in sorted(drawn)] == units["information_bits"].tolist()
    filled = [drawn[x][1] == drawn[x][2] == "#d55e00" for x in sorted(drawn)]
    assert filled == (units["q_value"] < 0.05).tolist()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["LM\n0 of 4", "V1\n3 of 5"]
    assert ax.get_ylabel() == "mutual information (bits)\n(from 0 to 400 ms)"


def test_information_of_a_recording_without_classes(session: SpikeTable) -> None:
    trials = {name: values for name, values in session.trials.items() if name != "stimulus_class"}
    plain = SpikeTable(session.times, session.unit, session.trial, session.units, trials)
    with pytest.raises(InputError, match="no unit has an information in the window 'all'"):
        figures.unit_information(analyze(plain, windows=["all"], n_sample_trials=0))


def test_classes_have_the_names_of_the_recording(session: SpikeTable) -> None:
    axes = figures.class_distances(session, window=(0, 400))
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["left", "right"]
    low, high = axes[0].images[0].get_clim()
    shown = np.concatenate([ax.images[0].get_array().ravel() for ax in axes])
    assert low <= shown.min() < low + 0.05
    assert high - 0.05 < shown.max() <= high
    (bar,) = (ax for ax in axes[0].figure.axes if ax not in list(axes))
    assert bar.get_ylabel() == "Jaccard distance\n(from 0 to 400 ms)"
    assert figures.raster(session, 1).get_title(loc="left") == "class right"


def test_single_trials_stand_behind_the_means_of_areas(analysis: Analysis) -> None:
    size, _ = figures.packet_size(analysis)
    packets = analysis.packets
    for x, area in enumerate(("LM", "V1")):
        (dots,) = (
            line for line in size.lines if len(line.get_xdata()) == 60 and abs(line.get_xdata().mean() - x) < 0.2
        )
        np.testing.assert_array_equal(dots.get_ydata(), packets.loc[packets["name"] == area, "packet_size"])


def test_the_report_of_areas_speaks_of_no_layers(session: SpikeTable, analysis: Analysis) -> None:
    text = report_html(RecordingReport("A session", analysis, recording=session))
    assert "One trial, group by group" in text
    assert "through the layers" not in text
    assert "are 0 of 4 in LM (" in text
    assert "3 of 5 in V1 (" in text
