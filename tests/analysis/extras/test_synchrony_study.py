"""What docs/studies/synchrony.py shows with thousands of recordings, with a few hundred."""

from __future__ import annotations

import pytest
from scipy.stats import binom


@pytest.fixture(scope="module")
def study(load_study):
    return load_study("synchrony")


def test_false_positives_are_nominal_with_jittered_spikes_and_too_few_with_dithered_ones(study):
    n = 200
    fewest, most = binom.ppf([0.0005, 0.9995], n, 0.05) / n
    table = study.recordings(n, 3)
    jittered = {name: study.rejected(p) for name, p in study.p_values(table, n, "jitter_spikes").items()}
    discrete = jittered.pop("synchronous_bins")  # few bins: whole numbers, many of which are equal
    assert discrete <= most
    for name, share in jittered.items():
        assert fewest <= share <= most, name
    dithered = study.p_values(table, n, "dither_spikes")
    assert study.rejected(dithered["packet_sd_ms"]) < fewest
    assert study.rejected(dithered["packet_shortest_half_ms"]) < fewest


def test_planted_volleys_are_found(study):
    found = study.p_values(study.recordings(60, 4, volleys=1.5, rate=0.02), 60, "jitter_spikes")
    assert study.rejected(found["spike_time_tiling"]) > 0.8
    assert study.rejected(found["complexity"]) > 0.6
    assert study.rejected(found["packet_width_ms"]) > 0.4


@pytest.mark.parametrize("n_background", [0, 30])
def test_packet_widths_are_recovered(study, n_background):
    for width in (0.5, 2.0):
        result = study.recovered_width(100, width, n_background, 5)
        assert result["mean_ms"] == pytest.approx(width, rel=0.015)
        assert result["coverage_of_95_percent_interval"] >= binom.ppf(0.001, 100, 0.95) / 100


def test_numbers_of_volleys_are_recovered(study):
    assert study.recovered_volleys(50, 0.25, 6)["share_within_3_or_10_percent"] > 0.95
