"""Figures show the numbers of the tables: artists, labels and units are read back."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis import figures
from semsync.analysis.analyze import Analysis, analyze
from semsync.errors import InputError


def lines_of(ax) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Data of the labelled error bars."""
    handles, labels = ax.get_legend_handles_labels()
    return {
        label: handle[0].get_data() for handle, label in zip(handles, labels, strict=True) if hasattr(handle, "lines")
    }


def rows(analysis: Analysis, window: str):
    return analysis.layers[analysis.layers["window"] == window].sort_values("layer")


def test_packet_width_shows_the_table(analysis, control):
    axes = figures.packet_width(analysis, control, window="decision")
    assert [ax.get_ylabel() for ax in axes] == [
        "SD of spike times (ms)",
        "shortest half (ms)",
        "shortest half,\nequal size (ms)",
    ]
    for ax, column in zip(
        axes, ("packet_sd_ms", "packet_shortest_half_ms", "packet_shortest_half_matched_ms"), strict=True
    ):
        for label, which in (("trained", analysis), ("untrained", control)):
            expected = rows(which, "decision")[column].dropna()
            np.testing.assert_array_equal(lines_of(ax)[label][1], expected)
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["input", "hidden 1", "hidden 2", "output"]
        assert ax.get_ylim()[0] == 0 < ax.get_ylim()[1]
    shuffled = rows(analysis, "decision")["packet_shortest_half_shuffled_ms"].dropna()
    np.testing.assert_array_equal(lines_of(axes[1])["shuffled decisions"][1], shuffled)
    assert axes[0].get_title(loc="left") == "up to the decision"


def test_error_bars_are_standard_errors(analysis):
    ax = figures.packet_width(analysis, window="all")[0]
    (bars,) = ax.collections
    half_lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
    expected = rows(analysis, "all")["packet_sd_sem_ms"]
    np.testing.assert_allclose(half_lengths, expected[expected.notna()], atol=1e-12)


def test_a_recording_alone_has_no_legend_of_conditions(analysis):
    assert lines_of(figures.packet_width(analysis, window="all")[0]) == {}


def test_packet_size(analysis, control):
    size, participation = figures.packet_size(analysis, control, window="all")
    np.testing.assert_array_equal(lines_of(size)["trained"][1], rows(analysis, "all")["packet_size"])
    np.testing.assert_array_equal(lines_of(participation)["untrained"][1], rows(control, "all")["participation"])
    assert "spikes" in size.get_ylabel()
    assert "share of units" in participation.get_ylabel()


def test_information_gain_has_a_dot_for_every_unit(analysis, control):
    axes = figures.information_gain(analysis, control, window="decision")
    assert [ax.get_title(loc="left") for ax in axes] == ["excitatory units", "inhibitory units"]
    units = analysis.units[(analysis.units["window"] == "decision") & (analysis.units["cell_type"] == "E")]
    expected = np.sort(units["information_gain"].dropna())
    dots = [line.get_ydata() for line in axes[0].lines if line.get_marker() == "." and line.get_color() != "#8a8f98"]
    np.testing.assert_array_equal(np.sort(np.concatenate(dots)), expected)
    means = rows(analysis, "decision")["information_gain_E"].dropna()
    np.testing.assert_array_equal(lines_of(axes[0])["trained"][1], means)


def test_information_gain_without_cell_types(recording: SpikeTable):
    units = {name: column for name, column in recording.units.items() if name != "cell_type"}
    table = SpikeTable(recording.times, recording.unit, recording.trial, units, recording.trials)
    result = analyze(table, windows=["all"], n_permutations=99, n_sample_trials=0, n_repeats=1)
    (ax,) = figures.information_gain(result)
    assert ax.get_title(loc="left") == "all units"


def test_decoding_with_its_chance_level(analysis, control):
    ax = figures.decoding_accuracy(analysis, control, window="decision")
    np.testing.assert_array_equal(lines_of(ax)["trained"][1], rows(analysis, "decision")["decoding_accuracy"])
    (chance,) = (line for line in ax.lines if line.get_label() == "chance")
    assert chance.get_ydata()[0] == pytest.approx(rows(analysis, "decision")["chance_accuracy"].mean())


def test_class_distance_matrix_by_pairs():
    rng = np.random.default_rng(0)
    activity, classes = rng.random((12, 7)) < 0.5, np.arange(12) % 3
    found = figures.class_distance_matrix(activity, classes)
    for k in range(3):
        for m in range(3):
            pairs = [(i, j) for i in np.flatnonzero(classes == k) for j in np.flatnonzero(classes == m) if i != j]
            expected = [
                1 - (activity[i] & activity[j]).sum() / max((activity[i] | activity[j]).sum(), 1) for i, j in pairs
            ]
            assert found[k, m] == pytest.approx(np.mean(expected))


def test_class_distances_has_a_map_per_layer(recording):
    axes = figures.class_distances(recording, window="decision")
    assert [ax.get_title(loc="left") for ax in axes] == ["input", "hidden 1", "hidden 2", "output"]
    matrix = axes[2].images[0].get_array()
    assert matrix.shape == (3, 3)
    assert matrix.diagonal().max() < matrix[~np.eye(3, dtype=bool)].min()
    with pytest.raises(InputError, match="two stimulus classes"):
        figures.class_distances(recording.select(trials=recording.trials["stimulus_class"] == 0))


def test_pathways_beside_control_and_chance(analysis):
    selectivity, share = figures.pathways(analysis, window="decision")
    table = analysis.pathways
    of_network = table[(table["window"] == "decision") & (table["network"] == "network") & (table["kind"] == "product")]
    np.testing.assert_array_equal(lines_of(selectivity)["trained"][1], of_network["selectivity"])
    np.testing.assert_array_equal(lines_of(share)["chance"][1], of_network["share_chance"])
    assert set(lines_of(share)) == {"trained", "untrained", "chance"}


def test_pathways_need_a_network(control):
    with pytest.raises(InputError, match="no pathways"):
        figures.pathways(control)


def test_pathway_picture_is_sorted_by_preferred_class(network, control_network):
    axes = figures.pathway_picture(network, control_network)
    assert axes.shape == (2, 2)
    for ax in axes.ravel():
        share = ax.images[0].get_array()
        np.testing.assert_allclose(share.sum(axis=1), 1)
        assert (np.diff(share.argmax(axis=1)) >= 0).all()
    assert len({ax.images[0].get_clim() for ax in axes.ravel()}) == 1


def test_raster_draws_every_spike_of_its_trial(recording):
    ax = figures.raster(recording, 4)
    segments = [segment for collection in ax.collections for segment in collection.get_segments()]
    expected = np.sort(recording.times[recording.trial == 4])
    np.testing.assert_array_equal(np.sort([segment[0, 0] for segment in segments]), expected)
    assert {c.get_label() for c in ax.collections} == {"excitatory", "inhibitory", "untyped"}
    assert ax.get_title(loc="left") == "class 1, decided for 1"
    assert ax.get_xlabel() == "time from onset (ms)"
    (decision,) = (line for line in ax.lines if str(line.get_label()).startswith("decision"))
    assert decision.get_xdata()[0] == recording.trials["decision_time"][4]


def test_raster_bands_hold_their_layer(recording):
    ax = figures.raster(recording, 0)
    for collection in ax.collections:
        for (x, low), (_, high) in collection.get_segments():
            spikes = np.flatnonzero((recording.trial == 0) & (recording.times == x))
            assert int((low + high) / 2) in recording.units["layer"][recording.unit[spikes]]


def test_raster_of_no_such_trial(recording):
    with pytest.raises(InputError, match=r"0\.\.59, got 60"):
        figures.raster(recording, 60)


def test_spike_time_equality_shows_a_bounded_number_of_points():
    reference = np.linspace(0, 50, 50_001)
    simulated = reference + np.where(np.arange(50_001) % 2, 3e-14, 0)
    simulated[10] += 2e-12
    scatter, histogram = figures.spike_time_equality(reference, simulated, tolerance=1e-9)
    (points,) = (line for line in scatter.lines if line.get_marker() == ".")
    assert len(points.get_xdata()) == 20_000
    assert points.get_rasterized()
    assert sum(patch.get_height() for patch in histogram.patches) == 50_001
    labels = histogram.get_legend_handles_labels()[1]
    assert labels == ["largest: 2.0e-12 ms", "tolerance: 1e-09 ms"]


def test_spike_times_that_are_all_equal():
    _, histogram = figures.spike_time_equality([1.0, 2.0], [1.0, 2.0])
    assert sum(patch.get_height() for patch in histogram.patches) == 2
    with pytest.raises(InputError, match="one length"):
        figures.spike_time_equality([1.0], [1.0, 2.0])


def test_learning_curve_marks_the_kept_epoch():
    history = [
        {"epoch": e, "train_loss": 2.0 - e, "train_accuracy": 0.3 * e, "validation_loss": 1.0, "validation_accuracy": a}
        for e, a in enumerate((0.2, 0.9, 0.7))
    ]
    loss, accuracy = figures.learning_curve(history, best_epoch=1)
    lines = {line.get_label(): line.get_data() for line in accuracy.lines}
    np.testing.assert_array_equal(lines["validation"][1], [0.2, 0.9, 0.7])
    assert [float(values[0]) for values in lines["kept: epoch 1"]] == [1.0, 0.9]
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss")


def test_given_axes_are_drawn_on(analysis):
    axes = figures.new_axes(1, 2)
    assert figures.packet_size(analysis, axes=axes[0])[1] is axes[0, 1]
    with pytest.raises(InputError, match="3 panels"):
        figures.packet_width(analysis, axes=axes)


def test_an_unknown_window_is_named(analysis):
    with pytest.raises(InputError, match="'late'; it has 'all', 'decision'"):
        figures.packet_width(analysis, window="late")


def test_no_global_state_is_left(analysis):
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures.render(figures.packet_size(analysis))
    assert dict(matplotlib.rcParams) == before
    assert not getattr(sys.modules.get("matplotlib.pyplot"), "get_fignums", list)()


@pytest.mark.parametrize(("file_format", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_the_same_figure_is_the_same_file(analysis, file_format, magic):
    first, second = (figures.render(figures.packet_size(analysis), file_format) for _ in range(2))
    assert first.startswith(magic)
    assert first == second
