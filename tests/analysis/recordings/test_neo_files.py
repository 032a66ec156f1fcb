"""Files of Neo's other readers, as far as a test can write them."""

from __future__ import annotations

from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq

from semsync.analysis.recordings import from_neo, inspect_recording, load_neo, load_recording
from semsync.errors import FileError, InputError


@pytest.fixture
def block() -> neo.Block:
    block, segment = neo.Block(), neo.Segment()
    block.segments.append(segment)
    for name, times in (("a", [100.0, 230.0, 410.0]), ("b", [120.0, 420.0])):
        segment.spiketrains.append(neo.SpikeTrain(times, units="ms", t_stop=500.0, name=name))
    segment.events.append(neo.Event([0.1, 0.4] * pq.s, labels=np.array(["left", "right"]), name="stimulus on"))
    return block


def test_matlab_files(block: neo.Block, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    neo.io.NeoMatlabIO(str(path)).write_block(block)
    table = load_recording(path, io="NeoMatlabIO")
    assert table.times.tolist() == [100.0, 120.0, 230.0, 410.0, 420.0]
    assert "The file was read by Neo's NeoMatlabIO." in table.annotations["notes"]
    assert inspect_recording(path, io="NeoMatlabIO").options["io"] == "NeoMatlabIO"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FileError, match=r"a\.mat cannot be read by Neo's NeoMatlabIO"):
        load_recording(path, io="NeoMatlabIO")


def test_trials_around_an_event(block: neo.Block) -> None:
    table = from_neo(block, trials="stimulus on", class_column="label", window=(-10, 50))
    assert table.times.tolist() == [0.0, 20.0, 10.0, 20.0]
    assert table.trial.tolist() == [0, 0, 1, 1]
    assert table.annotations["class_names"] == ["left", "right"]
    assert "with a window it can name one of the Events {'stimulus on': 2}" in from_neo(block).annotations["lacks"][0]
    with pytest.raises(InputError, match="'stimulus on' is an Event without durations: trials around it need a window"):
        from_neo(block, trials="stimulus on")


def test_lazy_readers_load_spikes_and_no_signals(tmp_path: Path) -> None:
    (tmp_path / "a.fake").touch()
    whole = neo.io.ExampleIO(str(tmp_path / "a.fake")).read()[0]
    trains = [train for segment in whole.segments for train in segment.spiketrains]
    table = load_neo(tmp_path / "a.fake", io="ExampleIO")
    assert table.n_spikes == sum(map(len, trains)) > 0
    assert table.n_trials == len(whole.segments)


def test_readers_that_are_refused(block: neo.Block, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    neo.io.PickleIO(str(path)).write_block(block)
    with pytest.raises(InputError, match="Neo has no reader 'PickleIO' that semsync uses; it has AlphaOmegaIO"):
        load_recording(path, io="PickleIO")
    with pytest.raises(InputError, match="Neo has no reader 'NoIO'"):
        load_recording(path, io="NoIO")
    with pytest.raises(FileError, match=r"there is no file .*gone"):
        load_recording(tmp_path / "gone.plx", io="PlexonIO")
