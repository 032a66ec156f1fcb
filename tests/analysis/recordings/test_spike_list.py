"""Plain tables of spikes: CSV of any kind, and Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsync.analysis.recordings import load_recording, load_spike_list
from semsync.errors import FileError, InputError

Write = Callable[[str, str], Path]
SPIKES = "unit,time_s,area\nb,0.0015,V2\na,0.001,V1\na,0.0125,V1\nb,0.018,V2\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "   "])
def test_separators(text_file: Write, separator: str) -> None:
    table = load_recording(text_file("spikes.csv", SPIKES.replace(",", separator)))
    assert table.units["unit_id"].tolist() == ["a", "b"]
    assert table.units["area"].tolist() == ["V1", "V2"]
    np.testing.assert_allclose(table.times, [1.0, 1.5, 12.5, 18.0])
    assert table.unit.tolist() == [0, 1, 0, 1]
    assert "no table of trials" in table.annotations["lacks"][0]


def test_parquet_is_read_as_csv_is(text_file: Write, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is missing")
    import pandas as pd

    path = text_file("spikes.csv", SPIKES)
    pd.read_csv(path).to_parquet(tmp_path / "spikes.parquet")
    assert load_recording(tmp_path / "spikes.parquet") == load_recording(path)
    (tmp_path / "spikes.parquet").write_bytes((tmp_path / "spikes.parquet").read_bytes()[:100])
    with pytest.raises(FileError, match="cannot be read as a Parquet file"):
        load_recording(tmp_path / "spikes.parquet")


def test_a_table_of_trials_cuts_the_recording(text_file: Write) -> None:
    spikes = text_file("spikes.csv", SPIKES)
    trials = text_file("trials.csv", "begin,duration,cue,side\n0,10,2,l\n10,10,13,r\n")
    table = load_recording(spikes, trials=trials, time_unit="ms", class_column="side")
    np.testing.assert_allclose(table.times, [1.0, 1.5, 2.5, 8.0])
    assert table.trial.tolist() == [0, 0, 1, 1]
    assert table.trials["stimulus_class"].tolist() == [0, 1]
    table = load_recording(spikes, trials=trials, time_unit="ms", align="cue", window=(-1, 5))
    np.testing.assert_allclose(table.times, [-1.0, -0.5, -0.5])
    onsets = text_file("onsets.csv", "onset_s,side\n0.001,l\n0.012,r\n")
    table = load_recording(spikes, trials=onsets, window=(0, 1))
    np.testing.assert_allclose(table.times, [0.0, 0.5, 0.5])


def test_the_unit_of_times_has_to_be_known(text_file: Write) -> None:
    path = text_file("spikes.csv", "1 10\n2 12.5\n1 17\n")
    with pytest.raises(InputError, match=r"spikes\.csv: .*ms or s.*--time-unit"):
        load_recording(path)
    with pytest.raises(InputError, match="time_unit must be 'ms' or 's', got 'us'"):
        load_recording(path, time_unit="us")
    np.testing.assert_allclose(load_recording(path, time_unit="s").times, [10_000, 12_500, 17_000])


def test_spikes_counted_within_trials(text_file: Write) -> None:
    text = "neuron,t_ms,trial,stimulus\n7,1.0,4,x\n9,2.0,4,x\n7,-3.0,6,y\n7,8.0,9,x\n"
    path = text_file("spikes.csv", text)
    table = load_recording(path, class_column="stimulus")
    assert table.trials["trial_id"].tolist() == [4, 6, 9]
    assert table.trials["stimulus_class"].tolist() == [0, 1, 0]
    assert table.times.tolist() == [1.0, 2.0, -3.0, 8.0]
    np.testing.assert_allclose(table.t_start, -3.0)
    np.testing.assert_allclose(table.t_stop, 8.0)
    assert any("as far as the spikes reach" in lack for lack in table.annotations["lacks"])
    table = load_recording(path, window=(0, 20))
    assert table.times.tolist() == [1.0, 2.0, 8.0]
    np.testing.assert_allclose(table.t_stop, 20.0)
    assert np.all(np.diff(table.trials["start"]) >= 20)


def test_spikes_within_trials_of_a_table(text_file: Write) -> None:
    trials = text_file("trials.csv", "trial,start_ms,stop_ms\n10,100,120\n11,130,150\n")
    relative = text_file("relative.csv", "unit,time_ms,trial\n1,5,10\n1,19,11\n1,21,11\n")
    table = load_recording(relative, trials=trials)
    assert table.times.tolist() == [5.0, 19.0]
    assert "1 spikes lie outside of their trial: left out." in table.annotations["notes"]
    absolute = text_file("absolute.csv", "unit,time_ms,trial\n1,105,10\n1,149,11\n")
    assert load_recording(absolute, trials=trials).times.tolist() == [5.0, 19.0]
    with pytest.raises(InputError, match="has no trial 12, in which there are spikes"):
        load_recording(text_file("other.csv", "unit,time_ms,trial\n1,5,12\n"), trials=trials)
    by_row = text_file("rows.csv", "start_ms,stop_ms\n100,120\n130,150\n")
    counted_from_one = text_file("one.csv", "unit,time_ms,trial\n1,5,1\n1,19,2\n")
    table = load_recording(counted_from_one, trials=by_row)
    assert table.trial.tolist() == [0, 1]
    assert "Rows of the table of trials were counted from 1." in table.annotations["notes"]


def test_trials_without_a_class_take_their_spikes_with_them(text_file: Write) -> None:
    trials = text_file("trials.csv", "trial,start_ms,stop_ms,contrast\n0,0,20,\n1,20,40,1\n2,40,60,3\n")
    spikes = text_file("spikes.csv", "unit,time_ms,trial\n1,5,0\n1,6,1\n1,7,2\n")
    table = load_recording(spikes, trials=trials, class_column="contrast")
    assert table.times.tolist() == [6.0, 7.0]
    assert table.trial.tolist() == [0, 1]
    assert table.trials["trial"].tolist() == [1, 2]


def test_what_is_no_table_of_spikes_is_refused(text_file: Write) -> None:
    for text, message in (
        ("unit,colour\n1,2\n", "no column 'time'"),
        ("1,2,3,4\n", "4 columns without a header"),
        ("unit,time_ms\n", "has no rows"),
        ("unit,time_ms\n1,2\n1,2,3\n", "cannot be read as a table"),
        ("unit,time_ms\n1,2,3\n4,5,6\n", "cannot be read as a table"),
        ("unit,time_ms\n1,early\n", "column 'time_ms' must hold times, row 1 has 'early'"),
        ('unit,time_ms\n1,"2\n', "cannot be read as a table"),
    ):
        with pytest.raises((FileError, InputError), match=message):
            load_recording(text_file("spikes.csv", text))
    with pytest.raises(InputError, match=r"spikes\.csv: spike times must be finite"):
        load_recording(text_file("spikes.csv", "unit,time_ms\n1,2\n1,\n"))
    with pytest.raises(InputError, match="spike 1 has no unit"):
        load_recording(text_file("spikes.csv", "unit,time_ms\n1,2\n,3\n"))
    with pytest.raises(InputError, match="align='cue' needs a table of trials"):
        load_spike_list(text_file("spikes.csv", SPIKES), align="cue")
    path = text_file("spikes.csv", "")
    path.write_bytes(b"\xff\xfe\x00unit")
    with pytest.raises(FileError, match="cannot be read as a table"):
        load_recording(path)


def test_bad_tables_of_trials(text_file: Write) -> None:
    spikes = text_file("spikes.csv", SPIKES)
    for text, message in (
        ("stop,side\n1,2\n", "needs a column start"),
        ("start,side\n1,2\n", "does not say when trials end"),
        ("1,2\n3,4\n", "it has no header"),
        ("start,start,stop\n1,2,3\n", "two columns are called 'start'"),
    ):
        with pytest.raises((FileError, InputError), match=message):
            load_recording(spikes, trials=text_file("trials.csv", text), time_unit="ms")
    with pytest.raises(FileError, match="lists a unit twice"):
        load_recording(spikes, units=text_file("units.csv", "unit\na\na\nb\n"))
    with pytest.raises(FileError, match="there is no file"):
        load_recording(spikes, units=spikes.with_name("gone.csv"))
