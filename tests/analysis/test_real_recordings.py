"""What the real recordings show, as docs/recordings.md says it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from semsync.analysis.analyze import analyze
from semsync.analysis.recordings import load_recording


def test_units_of_mouse_visual_cortex_tell_of_right_contrast(data_folder: Path) -> None:
    path = data_folder / "recordings" / "steinmetz2019_Lederberg_2017-12-05_VIS_10ms.npz"
    table = load_recording(path, align="trial_stim_onset_s", class_column="contrast_right")
    found = analyze(table, windows=["all"], n_sample_trials=0)
    units = found.to_dict(["units"])["units"]
    assert {"area", "information_bits", "p_value", "q_value"} <= set(units[0])
    area, p, q = (
        np.array([unit[key] for unit in units], dtype=kind)
        for key, kind in (("area", str), ("p_value", float), ("q_value", float))
    )
    assert {name: int((area == name).sum()) for name in set(area)} == {"VISp": 66, "VISam": 79}
    assert 19 <= ((p < 0.05) & (area == "VISp")).sum() <= 23
    assert 10 <= ((p < 0.05) & (area == "VISam")).sum() <= 14
    assert 12 <= ((q < 0.05) & (area == "VISp")).sum() <= 16
    layers = found.layers.set_index("name")
    above = (layers["decoding_accuracy"] - layers["chance_accuracy"]) / layers["decoding_accuracy_sem"]
    assert above["VISp"] > 3
    assert above["VISam"] < 1


def test_units_of_human_temporal_lobe_tell_nothing_of_the_class_of_the_clip(data_folder: Path) -> None:
    path = data_folder / "recordings" / "dandi000207_sub-4_ses-4_ecephys+image.nwb"
    table = load_recording(path, trials="encoding_table", class_column="stimCategory", window=(0, 1000))
    found = analyze(table, windows=["all"], n_sample_trials=0)
    assert len(found.units) == 35
    assert (found.units["p_value"] < 0.05).sum() <= 2  # 1.75 by chance
    assert not (found.units["q_value"] < 0.05).any()
