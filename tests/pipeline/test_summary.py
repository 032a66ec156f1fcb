"""Several seeds in one result."""

from __future__ import annotations

from semsync.pipeline.summary import summarise


def result(accuracy: float, n_spikes: int, difference: float, equal: bool, seed: int) -> dict:
    return {
        "seed": seed,
        "dataset": "digits",
        "n_test": 10,
        "torch": {"test_accuracy": accuracy},
        "nest": {"n_spikes_compared": n_spikes, "max_abs_difference_ms": difference, "equal": equal},
        "layers": {"trained": {"all": [{"name": "h1", "packet_size": accuracy * 10, "packet_sem": None}]}},
    }


def test_means_sums_and_largest():
    merged = summarise({0: result(0.5, 3, 1e-12, True, 0), 1: result(0.7, 4, 3e-12, False, 1)})
    assert merged["seeds"] == [0, 1]
    assert merged["torch"]["test_accuracy"] == 0.6
    assert abs(merged["sd"]["torch"]["test_accuracy"] - 0.02**0.5) < 1e-15
    assert merged["nest"] == {"n_spikes_compared": 7, "max_abs_difference_ms": 3e-12, "equal": False}
    assert merged["layers"]["trained"]["all"][0]["packet_size"] == 6.0
    assert merged["n_test"] == 10
    assert merged["dataset"] == "digits"
    assert "seed" not in merged


def test_one_seed_has_no_spread():
    merged = summarise({4: result(0.5, 3, 0.0, True, 4)})
    assert merged["torch"]["test_accuracy"] == 0.5
    assert merged["sd"].get("torch", {}).get("test_accuracy") is None
