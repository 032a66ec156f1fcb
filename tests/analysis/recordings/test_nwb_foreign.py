"""NWB files of other programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pynwb
import pytest

from semsync.analysis.recordings import load_nwb, load_recording
from semsync.errors import FileError, InputError

DANDI = "recordings/dandi000207_sub-4_ses-4_ecephys+image.nwb"


@pytest.fixture
def save(tmp_path: Path) -> Callable[[pynwb.NWBFile], Path]:
    def to_file(nwb: pynwb.NWBFile) -> Path:
        with pynwb.NWBHDF5IO(str(tmp_path / "session.nwb"), "w") as file:
            file.write(nwb)
        return tmp_path / "session.nwb"

    return to_file


@pytest.fixture
def nwb() -> pynwb.NWBFile:
    """Two units on three electrodes; the first unit's spikes are out of order."""
    nwb = pynwb.NWBFile("a session", "id-1", datetime(2020, 1, 2, tzinfo=UTC))
    group = nwb.create_electrode_group("shank", "", "", nwb.create_device("probe"))
    for location in ("V1", "V1", "LM"):
        nwb.add_electrode(location=location, group=group)
    nwb.add_unit_column("cell_type", "putative type")
    nwb.add_unit_column("peaks", "several values a unit", index=True)
    nwb.add_unit(spike_times=[0.3, 0.1, 1.25], electrodes=[0, 1], cell_type="E", peaks=[1.0], id=40)
    nwb.add_unit(spike_times=[], electrodes=[0, 2], cell_type="I", peaks=[1.0, 2.0], id=41)
    nwb.add_trial_column("side", "")
    nwb.add_trial_column("go", "")
    for start, side, go in ((0.0, "left", 0.2), (1.0, "right", 1.2), (np.nan, "left", 2.2)):
        nwb.add_trial(start_time=start, stop_time=start + 0.5, side=side, go=go)
    return nwb


def test_units_and_trials(nwb: pynwb.NWBFile, save: Callable[[pynwb.NWBFile], Path]) -> None:
    table = load_recording(save(nwb), class_column="side")
    assert table.units["unit_id"].tolist() == [40, 41]
    assert table.units["cell_type"].tolist() == ["E", "I"]
    assert table.units["area"].tolist() == ["V1", "LM+V1"]
    np.testing.assert_allclose(table.times, [100, 300, 250])
    assert table.trial.tolist() == [0, 0, 1]
    assert table.trials["stimulus_class"].tolist() == [0, 1]
    assert table.annotations["class_names"] == ["left", "right"]
    assert table.annotations["session_start_time"] == "2020-01-02T00:00:00+00:00"
    assert table.annotations["notes"] == [
        "Columns of the units with several values a row were not read: peaks.",
        "1 trials have no finite start, stop and onset, or do not last: left out.",
        "The spike times of 1 units were not in order and have been sorted.",
    ]


def test_a_window_around_another_onset(nwb: pynwb.NWBFile, save: Callable[[pynwb.NWBFile], Path]) -> None:
    table = load_nwb(save(nwb), align="go", window=(-60, 60))
    np.testing.assert_allclose(table.times, [50], atol=1e-9)
    np.testing.assert_allclose(table.trials["onset"], [200, 1200, 2200])


def test_spikes_that_are_not_finite_are_refused(nwb: pynwb.NWBFile, save: Callable[[pynwb.NWBFile], Path]) -> None:
    nwb.add_unit(spike_times=[0.1, np.nan], electrodes=[0], cell_type="E", peaks=[])
    with pytest.raises(InputError, match=r"session\.nwb: spike times must be finite, spike 1 of unit row 2 is nan"):
        load_nwb(save(nwb))


def test_a_file_without_units_is_refused(save: Callable[[pynwb.NWBFile], Path]) -> None:
    with pytest.raises(FileError, match="no units with spike_times"):
        load_nwb(save(pynwb.NWBFile("", "x", datetime(2020, 1, 2, tzinfo=UTC))))


def test_unknown_names_are_refused(nwb: pynwb.NWBFile, save: Callable[[pynwb.NWBFile], Path]) -> None:
    path = save(nwb)
    with pytest.raises(
        InputError, match=r"no table of intervals 'clips' .* trials \(start_time, stop_time, side, go\)"
    ):
        load_nwb(path, trials="clips")
    with pytest.raises(InputError, match=r"no column 'colour' to take classes from; they have \['go', 'side'\]"):
        load_nwb(path, class_column="colour")
    with pytest.raises(InputError, match=r"no times 'side' to align to"):
        load_nwb(path, align="side")
    with pytest.raises(InputError, match="window must be two finite times"):
        load_nwb(path, window=(3, 2))


def test_human_recording_without_a_table_called_trials(data_folder: Path) -> None:
    table = load_recording(data_folder / DANDI)
    assert (table.n_units, table.n_trials, table.n_spikes) == (35, 1, 214_278)
    assert {str(area).split("_")[0] for area in table.units["area"]} == {"hippocampus", "amygdala"}
    lacks = table.annotations["lacks"][0]
    assert "encoding_table (start_time" in lacks
    assert "recognition_table" in lacks
    assert "timediscrimination_table" in lacks


def test_human_recording_by_film_clip(data_folder: Path) -> None:
    table = load_nwb(data_folder / DANDI, trials="encoding_table", class_column="stimCategory")
    assert (table.n_units, table.n_trials) == (35, 90)
    assert np.bincount(table.trials["stimulus_class"]).tolist() == [30, 30, 30]
    assert table.trials["Clip_name"][0] == "NB_24.mp4"
    assert "lacks" not in table.annotations

    with pynwb.NWBHDF5IO(str(data_folder / DANDI), "r") as file:
        nwb = file.read()
        spikes = np.asarray(nwb.units["spike_times"][3]) * 1000
        clip = nwb.intervals["encoding_table"]
        start, stop = clip["start_time"][7] * 1000, clip["stop_time"][7] * 1000
    expected = spikes[(spikes >= start) & (spikes < stop)] - start
    np.testing.assert_array_equal(table.times[(table.unit == 3) & (table.trial == 7)], expected)


def test_human_recording_by_clip_name(data_folder: Path) -> None:
    table = load_nwb(data_folder / DANDI, trials="encoding_table", class_column="Clip_name", window=(0, 1000))
    assert len(table.annotations["class_names"]) == 90
    np.testing.assert_allclose(table.t_stop, 1000.0)
