"""Which trials and units are kept, against loops over the same spikes, and what is said of the others."""

from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable
from semsync.analysis.recordings import binned_table
from semsync.analysis.selection import Criteria, isi_violations, presence_ratios, select, trial_rates, unit_rates
from semsync.errors import InputError


@pytest.fixture
def table() -> SpikeTable:
    """Unit 10 is steady, 11 drifts away, 12 is two neurons in one, 13 is silent, 14 fires once."""
    rng = np.random.default_rng(5)
    n_trials, length = 40, 250.0
    units, trials, times = [], [], []
    for trial in range(n_trials):
        for unit, rate in ((0, 0.04), (1, 0.04 if trial < 20 else 0.0), (2, 0.2)):
            spikes = np.cumsum(rng.exponential(1 / max(rate, 1e-9), 200) + (2.0 if unit != 2 else 0.0))
            spikes = spikes[spikes < length]
            units.append(np.full(len(spikes), unit))
            trials.append(np.full(len(spikes), trial))
            times.append(spikes - 50.0)
    units.append(np.array([4]))
    trials.append(np.array([7]))
    times.append(np.array([12.0]))
    start = np.arange(n_trials) * 300.0
    return SpikeTable(
        np.concatenate(times),
        np.concatenate(units),
        np.concatenate(trials),
        {"unit_id": np.arange(10, 15), "area": np.array(["V1", "V1", "LM", "LM", "V1"])},
        {
            "start": start,
            "stop": start + length,
            "onset": start + 50,
            "contrast": np.tile([0.0, 0.25, 0.5, 1.0], 10),
            "choice": np.arange(n_trials) % 3,
        },
        {"notes": ["made up"]},
    )


def test_conditions_choose_trials(table: SpikeTable) -> None:
    chosen, (step,) = select(table, Criteria(where="contrast > 0.3 and choice == 1"))
    expected = [row for row in range(40) if row % 4 > 1 and row % 3 == 1]
    assert chosen.trials["start"].tolist() == [row * 300.0 for row in expected]
    assert step.dropped == tuple(row for row in range(40) if row not in expected)
    assert chosen == table.select(trials=expected)
    assert chosen.annotations["notes"] == ["made up", step.sentence()]
    assert table.annotations["notes"] == ["made up"]
    assert step.to_dict()["n_dropped"] == 40 - len(expected)


def test_rates_are_those_of_a_loop(table: SpikeTable) -> None:
    counts = table.counts()
    np.testing.assert_allclose(unit_rates(table), counts.sum(axis=0) / (40 * 0.25))
    np.testing.assert_allclose(trial_rates(table), counts.sum(axis=1) / (5 * 0.25))
    chosen, (step,) = select(table, Criteria(unit_rate=(5.0, 60.0)))
    assert chosen.units["unit_id"].tolist() == [
        unit for unit, rate in zip(range(10, 15), unit_rates(table), strict=True) if 5 <= rate <= 60
    ]
    assert set(step.dropped) | set(chosen.units["unit_id"].tolist()) == set(range(10, 15))
    border = float(np.median(trial_rates(table)))
    chosen, (step,) = select(table, Criteria(trial_rate=(0.0, border)))
    assert list(step.dropped) == np.flatnonzero(trial_rates(table) > border).tolist()


def test_presence_sees_drift(table: SpikeTable) -> None:
    ratio = presence_ratios(table)
    for unit in range(5):
        present = set()
        for trial in range(40):
            for time in table.times[(table.unit == unit) & (table.trial == trial)]:
                present.add(int((trial * 250.0 + time + 50) / (40 * 250.0 / 10)))
        assert ratio[unit] == pytest.approx(len(present) / 10)
    chosen, _ = select(table, Criteria(min_presence=0.9))
    assert chosen.units["unit_id"].tolist() == [10, 12]
    # The order of the table is not that of the recording.
    shuffled = table.select(trials=np.random.default_rng(0).permutation(40))
    np.testing.assert_array_equal(presence_ratios(shuffled), ratio)


def test_intervals_too_short_see_two_neurons_in_one(table: SpikeTable) -> None:
    share = isi_violations(table, 1.5)
    for unit in range(5):
        intervals = np.concatenate(
            [np.diff(np.sort(table.times[(table.unit == unit) & (table.trial == trial)])) for trial in range(40)]
        )
        if len(intervals):
            assert share[unit] == pytest.approx(np.mean(intervals < 1.5))
        else:
            assert np.isnan(share[unit])
    assert share[0] == 0
    assert share[2] > 0.1
    chosen, (step,) = select(table, Criteria(max_isi_violations=0.01))
    assert step.dropped == (12,)
    assert chosen.n_units == 4


def test_criteria_are_applied_one_after_the_other(table: SpikeTable) -> None:
    criteria = Criteria(
        where="contrast < 1",
        units_where="area == 'V1'",
        unit_rate=(1.0, np.inf),
        min_presence=0.9,
        max_isi_violations=0.5,
    )
    chosen, steps = select(table, criteria)
    assert [step.what for step in steps] == ["trials", "units", "units", "units", "units"]
    assert [step.n_before for step in steps] == [40, 5, 3, 2, 1]
    assert chosen.units["unit_id"].tolist() == [10]
    assert steps[-1].sentence().startswith("All 1 units fulfil")
    assert select(table, Criteria()) == (table, ())


def test_nothing_left_and_criteria_that_are_none(table: SpikeTable) -> None:
    with pytest.raises(InputError, match="none of the 40 trials fulfils: contrast > 2"):
        select(table, Criteria(where="contrast > 2"))
    with pytest.raises(InputError, match="none of the 5 units fulfils: mean rate of the unit at least 900 Hz"):
        select(table, Criteria(unit_rate=(900, np.inf)))
    with pytest.raises(InputError, match="min_presence must be a share between 0 and 1, got 90"):
        Criteria(min_presence=90)
    with pytest.raises(InputError, match="unit_rate must be a smallest and a largest rate"):
        Criteria(unit_rate=(3, 1))
    with pytest.raises(InputError, match="refractory must be a positive time"):
        Criteria(refractory=np.nan)
    counts = binned_table({"counts": np.ones((2, 2, 2)), "bin_size_ms": 1.0})
    with pytest.raises(InputError, match="counts in bins have no interspike intervals"):
        select(counts, Criteria(max_isi_violations=0.1))


def test_empty_recordings() -> None:
    empty = SpikeTable([], [], [], {"unit_id": [1, 2]}, {"start": [0.0], "stop": [1.0]})
    assert presence_ratios(empty).tolist() == [0.0, 0.0]
    assert np.isnan(isi_violations(empty)).all()
    nothing = SpikeTable([], [], [], {"unit_id": []}, {"start": [], "stop": []})
    assert [len(measure(nothing)) for measure in (unit_rates, trial_rates, presence_ratios, isi_violations)] == [0] * 4
