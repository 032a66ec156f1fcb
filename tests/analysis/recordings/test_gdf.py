"""GDF: two motor-cortex units, and what goes wrong in lists of codes and times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsync.analysis.recordings import load_gdf, load_recording
from semsync.errors import FileError, InputError

RIEHLE = "recordings/riehle1997_winny131_23.gdf"


@pytest.fixture
def gdf(tmp_path: Path) -> Callable[[str], Path]:
    def to_file(text: str) -> Path:
        path = tmp_path / "session.gdf"
        path.write_text(text)
        return path

    return to_file


def test_macaque_recording_without_options(data_folder: Path) -> None:
    table = load_recording(data_folder / RIEHLE)
    assert table.units["unit_id"].tolist() == [2, 3]
    assert table.n_trials == 128
    assert np.bincount(table.trials["stimulus_class"]).tolist() == [30, 34, 28, 36]
    assert table.annotations["class_names"] == ["111", "112", "113", "114"]
    assert any("Riehle" in note for note in table.annotations["notes"])
    assert any("[2, 3]" in note for note in table.annotations["notes"])
    code, time = np.loadtxt(data_folder / RIEHLE).T
    spikes = time[(code == 3) & (time >= 2000) & (time < 6000)] - 4076
    np.testing.assert_array_equal(table.times[(table.unit == 1) & (table.trial == 0)], spikes)


def test_macaque_recording_around_the_response_signal(data_folder: Path) -> None:
    table = load_gdf(data_folder / RIEHLE, align=[121, 122], window=(-300, 300), unit_codes=[3])
    assert table.units["unit_id"].tolist() == [3]
    assert np.bincount(table.trials["stimulus_class"]).tolist() == [30, 34]
    assert any("64 of 128 trials have none of the codes [121, 122]" in note for note in table.annotations["notes"])
    code, time = np.loadtxt(data_folder / RIEHLE).T
    signals = time[(code == 121) | (code == 122)]
    spikes = time[code == 3]
    expected = sum(np.count_nonzero((spikes >= signal - 300) & (spikes < signal + 300)) for signal in signals)
    assert table.n_spikes == expected


EVENTS = "900 10\n1 12\n300 20\n1 25\n2 29\n301 30\n2 31\n900 40\n1 41\n2 45\n901 50\n300 55\n2 57\n310 90\n"


def test_trials_last_to_their_last_event(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf(EVENTS), trial_codes=[900, 901], align=[300])
    assert table.trials["start"].tolist() == [10, 50]
    assert table.trials["stop"].tolist() == [30, 90]
    assert table.trials["onset"].tolist() == [20, 55]
    assert table.times.tolist() == [-8, 5, 9, 2]
    assert table.units["unit_id"].tolist() == [1, 2]
    assert "1 of 3 trials have none of the codes [300]: left out." in table.annotations["notes"]


def test_a_trial_without_other_events_lasts_to_the_next(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf(EVENTS), trial_codes=900, unit_codes=[1, 2])
    assert table.trials["stop"].tolist() == [30, 90]
    table = load_gdf(gdf("900 0\n1 3\n900 10\n1 14\n"), trial_codes=900, unit_codes=1)
    assert table.trials["stop"][0] == 10
    assert table.times.tolist() == [3, 4]


def test_windows_beyond_the_recording_are_left_out(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf(EVENTS), trial_codes=[900, 901], align=[300], window=(-5, 40))
    assert table.n_trials == 1
    assert any("beyond the recording" in note for note in table.annotations["notes"])


def test_codes_below_100_at_the_tick_of_an_event_are_events(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf("7 0\n700 0\n5 3\n7 10\n700 10\n5 10\n7 20\n700 20\n"), trial_codes=700)
    assert table.units["unit_id"].tolist() == [5]


def test_a_file_without_known_events_is_one_trial(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf("103 0.5\n7 1.25\n103 2.5\n"))
    assert table.units["unit_id"].tolist() == [7, 103]
    assert table.times.tolist() == [0.5, 1.25, 2.5]
    assert "whole recording is one trial" in table.annotations["lacks"][0]
    assert "All 2 codes were taken as units." in table.annotations["notes"]


def test_unsorted_rows_are_sorted_and_counted(gdf: Callable[[str], Path]) -> None:
    table = load_gdf(gdf("1 5\n1 3\n1 4\n1 -2\n"), tick=0.1)
    np.testing.assert_allclose(table.times + table.trials["onset"], [-0.2, 0.3, 0.4, 0.5])
    assert any("2 rows were earlier" in note for note in table.annotations["notes"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1 5\n2", "is not a GDF file"),
        ("1 5\n2 x\n", "is not a GDF file"),
        ("1 5\n2 nan\n", "time nan in row 2"),
        ("1 5\n2.5 6\n", "code 2.5"),
        ("1 5 7\n", "1 lines of 3 numbers"),
        ("\n\n", "0 lines"),
        ("", "is empty"),
    ],
)
def test_files_that_are_no_gdf_are_refused(gdf: Callable[[str], Path], text: str, complaint: str) -> None:
    with pytest.raises(FileError, match=complaint) as refusal:
        load_gdf(gdf(text))
    assert "session.gdf" in str(refusal.value)


def test_options_that_do_not_fit_are_refused(gdf: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match=r"no code 555 that align names; it has \[1, 2, 300"):
        load_gdf(gdf(EVENTS), align=555)
    with pytest.raises(InputError, match="trial_codes must be one code or several"):
        load_gdf(gdf(EVENTS), trial_codes=["go"])
    with pytest.raises(InputError, match="tick must be positive"):
        load_gdf(gdf(EVENTS), tick=0)
