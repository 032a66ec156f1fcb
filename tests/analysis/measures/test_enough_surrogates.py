"""A number of surrogates that cannot make a discovery is refused with the number that can."""

from __future__ import annotations

import re

import numpy as np
import pytest

from semsync.analysis.measures import q_values
from semsync.analysis.measures.enough_surrogates import require_surrogates
from semsync.errors import InputError


def test_one_test_needs_a_p_value_of_alpha():
    assert require_surrogates(19, 0.05) == []
    with pytest.raises(InputError, match=r"n_surrogates = 18 cannot give a p-value of 0.05: at least 19 are needed"):
        require_surrogates(18, 0.05)
    assert require_surrogates(39, 0.05, two_sided=True) == []
    with pytest.raises(InputError, match=r"two-sided p-value of 0.05: at least 39 are needed"):
        require_surrogates(38, 0.05, two_sided=True)
    with pytest.raises(InputError, match="alpha must lie between 0 and 1, got 1"):
        require_surrogates(100, 1)


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("n_tests", [2, 7, 20, 42, 59, 60, 1000, 19900])
def test_the_number_that_is_named_is_the_smallest(n_tests, two_sided):
    options = {"n_tests": n_tests, "what": "pairs", "two_sided": two_sided}
    with pytest.raises(InputError, match=f"too small for {n_tests} pairs") as refusal:
        require_surrogates(39 if two_sided else 19, 0.05, **options)
    at_least = int(re.search(r"at least (\d+) surrogates", str(refusal.value))[1])
    require_surrogates(at_least, 0.05, **options)
    with pytest.raises(InputError):
        require_surrogates(at_least - 1, 0.05, **options)


@pytest.mark.parametrize("two_sided", [False, True])
def test_as_many_as_are_named_together_are_discoveries(two_sided):
    (sentence,) = require_surrogates(999, 0.05, n_tests=1000, what="pairs", two_sided=two_sided)
    needed = int(re.search(r"at least (\d+) of 1000 pairs", sentence)[1])
    assert needed == (40 if two_sided else 20)
    p_values = np.ones(1000)
    for n_smallest, found in ((needed - 1, 0), (needed, needed)):
        p_values[:n_smallest] = (2 if two_sided else 1) / 1000
        assert np.count_nonzero(q_values(p_values) <= 0.05 + 1e-12) == found
