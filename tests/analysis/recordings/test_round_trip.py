"""Whatever a table holds, Neo, NIX and NWB give it back equal, to the last bit and with its types."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semsync import SpikeTable
from semsync.analysis.recordings import from_neo, load_nix, load_nwb, load_recording, save_nix, save_nwb, to_neo
from semsync.errors import InputError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
FLOATS = st.floats(allow_nan=False, width=64)
VALUES = {
    "<i8": st.integers(-(2**63), 2**63 - 1),
    "|i1": st.integers(-128, 127),
    "<u8": st.integers(0, 2**64 - 1),
    "<f8": FLOATS,
    "<f4": st.floats(width=32),
    "|b1": st.booleans(),
    "<U5": TEXT,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def columns(draw: st.DrawFn, n_rows: int, names: list[str]) -> dict[str, np.ndarray]:
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    drawn = {}
    for name in chosen:
        dtype = draw(st.sampled_from(sorted(VALUES)))
        drawn[name] = np.array(draw(st.lists(VALUES[dtype], min_size=n_rows, max_size=n_rows)), dtype=dtype)
    return drawn


@st.composite
def tables(draw: st.DrawFn) -> SpikeTable:
    n_units, n_trials = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    start = np.array(draw(st.lists(st.floats(-1e7, 1e7), min_size=n_trials, max_size=n_trials)))
    duration = np.array(draw(st.lists(st.floats(1.0, 1e4), min_size=n_trials, max_size=n_trials)))
    onset = start + duration * draw(st.floats(-0.5, 0.5))
    trials = {"start": start, "stop": start + duration, "onset": onset}
    n_spikes = draw(st.integers(0, 20)) if n_units and n_trials else 0
    unit = np.array(draw(st.lists(st.integers(0, max(n_units - 1, 0)), min_size=n_spikes, max_size=n_spikes)), int)
    trial = np.array(draw(st.lists(st.integers(0, max(n_trials - 1, 0)), min_size=n_spikes, max_size=n_spikes)), int)
    fraction = np.array(draw(st.lists(st.floats(0.0, 1.0), min_size=n_spikes, max_size=n_spikes)))
    first = (trials["start"] - onset)[trial]
    times = first + fraction * ((trials["stop"] - onset)[trial] - first)
    unit_names = ["population", "layer", "area", "cell_type", "name", "description", "t_start", "column_x", "snr (dB)"]
    trial_names = ["stimulus_class", "decision_time", "decision", "label", "times", "trial", "neo_name", "ünit"]
    unit_table = draw(columns(n_units, unit_names)) | {"unit_id": np.arange(n_units) * 7}
    annotations = draw(st.dictionaries(TEXT, JSON, max_size=3))
    for name in ("session_start_time", "identifier"):
        annotations.pop(name, None)
    return SpikeTable(times, unit, trial, unit_table, draw(columns(n_trials, trial_names)) | trials, annotations)


def through_neo(table: SpikeTable) -> SpikeTable:
    return from_neo(to_neo(table))


def through_nix(table: SpikeTable) -> SpikeTable:
    with tempfile.TemporaryDirectory() as folder:
        return load_nix(save_nix(table, Path(folder) / "recording.nix"))


def through_nwb(table: SpikeTable) -> SpikeTable:
    with tempfile.TemporaryDirectory() as folder:
        return load_nwb(save_nwb(table, Path(folder) / "recording.nwb"))


def assert_identical(left: SpikeTable, right: SpikeTable) -> None:
    assert left == right
    assert left.times.tobytes() == right.times.tobytes()
    for mine, yours in ((left.units, right.units), (left.trials, right.trials)):
        assert {name: column.dtype for name, column in mine.items()} == {n: c.dtype for n, c in yours.items()}
    assert left.annotations == right.annotations


@pytest.mark.parametrize("through", [through_neo, through_nix, through_nwb])
@settings(max_examples=25)
@given(table=tables())
def test_tables_come_back_identical(through: Callable[[SpikeTable], SpikeTable], table: SpikeTable) -> None:
    assert_identical(through(table), table)


@pytest.fixture
def network_recording() -> SpikeTable:
    """What a simulated network gives: late trials, silent units and trials, no decision in some."""
    rng = np.random.default_rng(1)
    n_units, n_trials = 12, 40
    times = rng.uniform(0.0, 30.0, (n_trials, n_units))
    times[rng.random(times.shape) < 0.3] = np.inf
    times[:, 3] = np.inf
    times[5] = np.inf
    start = 1e6 / 3 + np.arange(n_trials) * 50.1
    return SpikeTable.from_first_spikes(
        [times],
        {
            "unit_id": np.arange(n_units),
            "population": np.array(["input"] * 4 + ["hidden"] * 8),
            "layer": np.array([0] * 4 + [1] * 8),
            "cell_type": np.array(["E", "I", "-"] * 4),
        },
        {
            "start": start,
            "stop": start + 30.0,
            "onset": start,
            "stimulus_class": rng.integers(0, 10, n_trials),
            "decision_time": np.where(np.arange(n_trials) % 4, 12.3, np.inf),
            "decision": np.where(np.arange(n_trials) % 4, 3, -1),
            "image": np.array([f"digit {trial}" for trial in range(n_trials)]),
        },
        {"seed": 3, "preset": "digits"},
    )


@pytest.mark.parametrize(("save", "extension"), [(save_nix, ".nix"), (save_nwb, ".nwb")])
def test_a_network_recording_comes_back_identical(
    save: Callable[..., Path], extension: str, network_recording: SpikeTable, tmp_path: Path
) -> None:
    path = save(network_recording, tmp_path / f"recording{extension}")
    assert_identical(load_recording(path), network_recording)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_trains_of_a_block_are_continuous(network_recording: SpikeTable) -> None:
    segment = to_neo(network_recording).segments[0]
    assert len(segment.spiketrains) == network_recording.n_units
    spikes = network_recording.times[network_recording.unit == 5]
    onsets = network_recording.trials["onset"][network_recording.trial[network_recording.unit == 5]]
    np.testing.assert_array_equal(segment.spiketrains[5].magnitude, spikes + onsets)
    assert segment.spiketrains[5].annotations["cell_type"] == "-"
    assert segment.epochs[0].array_annotations["decision"].tolist() == network_recording.trials["decision"].tolist()


def test_nwb_holds_what_others_read_in_seconds(network_recording: SpikeTable, tmp_path: Path) -> None:
    import pynwb

    path = save_nwb(network_recording, tmp_path / "recording.nwb")
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        nwb = file.read()
        spikes = nwb.units["spike_times"][5]
        assert nwb.units["cell_type"][5] == "-"
        assert nwb.trials["stop_time"][0] == network_recording.trials["stop"][0] / 1000
        identifier = nwb.identifier
    of_unit = network_recording.unit == 5
    absolute = network_recording.trials["onset"][network_recording.trial[of_unit]] + network_recording.times[of_unit]
    np.testing.assert_array_equal(spikes, absolute / 1000)
    again = save_nwb(network_recording, tmp_path / "again.nwb")
    with pynwb.NWBHDF5IO(str(again), "r") as file:
        assert file.read().identifier == identifier


def test_our_files_can_be_cut_again(network_recording: SpikeTable, tmp_path: Path) -> None:
    trials = dict(network_recording.trials)
    trials["onset"] = trials["start"] + 4.0
    trials["cue"] = trials["start"] + 6.0
    onset_of_spike = network_recording.times - 4.0
    table = SpikeTable(
        onset_of_spike, network_recording.unit, network_recording.trial, network_recording.units, trials, {"seed": 3}
    )
    for path in (save_nix(table, tmp_path / "a.nix"), save_nwb(table, tmp_path / "a.nwb")):
        for options, shift in (({}, 0.0), ({"align": "cue"}, 2.0)):
            cut = load_recording(path, window=(1.0, 11.0), **options)
            expected = table.window(1.0 + shift, 11.0 + shift)
            np.testing.assert_array_equal(cut.counts(), expected.counts())
            np.testing.assert_allclose(cut.times, expected.times - shift, atol=1e-9)
            assert cut.annotations["seed"] == 3
        by_image = load_recording(path, class_column="image")
        np.testing.assert_array_equal(by_image.times, table.times)
        assert len(by_image.annotations["class_names"]) == table.n_trials
        with pytest.raises(InputError, match="one table of trials"):
            load_recording(path, trials="clips")
