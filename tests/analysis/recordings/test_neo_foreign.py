"""Blocks that experimenters make."""

from __future__ import annotations

from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq

from semsync.analysis.recordings import from_neo, load_nix
from semsync.errors import FileError, InputError


def spiketrain(times_ms: list[float], **annotations: object) -> neo.SpikeTrain:
    return neo.SpikeTrain(np.array(times_ms) / 1000, units="s", t_start=0, t_stop=10, **annotations)


def block_of(*segments: neo.Segment) -> neo.Block:
    block = neo.Block()
    block.segments.extend(segments)
    return block


@pytest.fixture
def segment() -> neo.Segment:
    segment = neo.Segment()
    segment.spiketrains.append(spiketrain([100, 1100, 2500, 4000], name="a", depth=1.5, quality="good"))
    segment.spiketrains.append(spiketrain([], name="b", depth=2, other=3))
    segment.epochs.append(
        neo.Epoch(
            [1, 2, 3] * pq.s,
            [1000, 1000, 500] * pq.ms,
            labels=np.array(["left", "right", "left"]),
            name="trial",
            array_annotations={
                "go": np.array([1.2, 2.4, 3.1]) * pq.s,
                "contrast": np.array([0.25, 1.0, np.nan]),
                "n": [0, 2, 1],
            },
        )
    )
    return segment


def test_an_epoch_cuts_a_continuous_recording(segment: neo.Segment) -> None:
    table = from_neo(block_of(segment))
    assert table.units["unit_id"].tolist() == ["a", "b"]
    assert table.units["depth"].tolist() == [1.5, 2.0]
    assert "quality" not in table.units
    assert "other" not in table.units
    np.testing.assert_allclose(table.times, [100, 500])
    assert table.trial.tolist() == [0, 1]
    np.testing.assert_allclose(table.trials["stop"], [2000, 3000, 3500])
    assert table.trials["label"].tolist() == ["left", "right", "left"]
    np.testing.assert_allclose(table.trials["go"], [1200, 2400, 3100])
    assert "stimulus_class" not in table.trials
    assert "class_column can name one of ['contrast', 'go', 'label', 'n']" in table.annotations["lacks"][0]


def test_options_name_classes_onsets_and_a_window(segment: neo.Segment) -> None:
    table = from_neo(block_of(segment), class_column="label", align="go", window=(-150, 200))
    assert table.trials["stimulus_class"].tolist() == [0, 1, 0]
    assert table.annotations["class_names"] == ["left", "right"]
    np.testing.assert_allclose(table.times, [-100, 100])
    np.testing.assert_allclose(table.trials["start"], [1050, 2250, 2950])
    assert from_neo(block_of(segment), class_column="n").trials["stimulus_class"].tolist() == [0, 2, 1]


def test_trials_without_a_class_are_left_out_and_counted(segment: neo.Segment) -> None:
    table = from_neo(block_of(segment), class_column="contrast")
    assert table.n_trials == 2
    assert table.trials["stimulus_class"].tolist() == [0, 1]
    assert table.annotations["class_names"] == ["0.25", "1.0"]
    assert table.annotations["notes"] == ["1 trials have no value in class column 'contrast': left out."]


def test_without_an_epoch_the_recording_is_one_trial(segment: neo.Segment) -> None:
    segment.epochs.clear()
    table = from_neo(block_of(segment))
    assert (table.n_trials, table.n_spikes) == (1, 4)
    assert "one trial" in table.annotations["lacks"][0]


def test_of_several_epochs_one_must_be_named(segment: neo.Segment) -> None:
    segment.epochs[0].name = "stimuli"
    segment.epochs.append(neo.Epoch([0] * pq.s, [4] * pq.s, name="sleep"))
    table = from_neo(block_of(segment))
    assert table.n_trials == 1
    assert "{'stimuli': 3, 'sleep': 1}" in table.annotations["lacks"][0]
    assert from_neo(block_of(segment), trials="stimuli").n_trials == 3
    with pytest.raises(InputError, match=r"no Epoch 'go' .* \['stimuli', 'sleep'\]"):
        from_neo(block_of(segment), trials="go")


def segments_per_trial(offset_ms: float) -> list[neo.Segment]:
    segments = []
    for trial, (left, right) in enumerate([([5.0, 7.0], [1.0]), ([2.0], [])]):
        segment = neo.Segment(name=f"trial {trial}", stimulus_class=trial)
        shift = offset_ms * trial
        # The order of trains may differ from trial to trial: the annotation says which is which.
        for unit, times in [(11, left), (12, right)][:: 1 if trial else -1]:
            segment.spiketrains.append(
                neo.SpikeTrain(
                    [t + shift for t in times], units="ms", t_start=shift - 1, t_stop=shift + 10, unit_id=unit
                )
            )
        segments.append(segment)
    return segments


def test_segments_with_clocks_of_their_own_keep_their_times() -> None:
    table = from_neo(block_of(*segments_per_trial(0.0)))
    np.testing.assert_allclose(table.times, [1.0, 5.0, 7.0, 2.0])
    assert table.units["unit_id"][table.unit].tolist() == [12, 11, 11, 11]
    assert table.trials["stimulus_class"].tolist() == [0, 1]
    np.testing.assert_allclose(table.trials["start"], [0.0, 11.0])
    np.testing.assert_allclose(table.t_start, [-1.0, -1.0])
    assert "clock of its own" in table.annotations["notes"][0]


def test_segments_on_one_clock_count_from_their_start() -> None:
    table = from_neo(block_of(*segments_per_trial(500.0)))
    np.testing.assert_allclose(table.times, [2.0, 6.0, 8.0, 3.0])
    np.testing.assert_allclose(table.trials["start"], [-1.0, 499.0])
    assert "notes" not in table.annotations


def test_segments_whose_units_cannot_be_matched_are_refused() -> None:
    segments = [neo.Segment(), neo.Segment()]
    segments[0].spiketrains.extend([spiketrain([1]), spiketrain([2])])
    segments[1].spiketrains.append(spiketrain([1]))
    with pytest.raises(InputError, match="different numbers of spike trains"):
        from_neo(block_of(*segments))


def test_blocks_without_spikes_and_spikes_that_are_not_finite_are_refused(segment: neo.Segment) -> None:
    with pytest.raises(InputError, match="no spike trains"):
        from_neo(neo.Block(name="empty"))
    segment.spiketrains[0][1] = np.nan * pq.s
    with pytest.raises(InputError, match="must be finite, spike 1 of unit row 0 is nan"):
        from_neo(block_of(segment))


def test_a_nix_file_of_neo_is_cut_at_its_epoch(segment: neo.Segment, tmp_path: Path) -> None:
    path = tmp_path / "session.nix"
    with neo.NixIO(str(path), "ow") as file:
        file.write_all_blocks([block_of(segment), neo.Block()])
    table = load_nix(path, class_column="label")
    np.testing.assert_allclose(table.times, [100, 500])
    assert table.trials["stimulus_class"].tolist() == [0, 1, 0]
    assert table.annotations["notes"] == ["The file holds 2 Blocks, of which the first was read."]
    with pytest.raises(InputError, match=r"session\.nix: the trials have no column 'colour'"):
        load_nix(path, class_column="colour")
    with neo.NixIO(str(path), "ow"):
        pass
    with pytest.raises(FileError, match="without a Block"):
        load_nix(path)
