"""Results do not depend on whether a process compiled the kernel itself or read it from the cache."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib, numpy as np, torch
from semsync.models.first_spike import first_spike_times
rng = np.random.default_rng(0)
times = torch.from_numpy(rng.uniform(0, 20, (40, 60))).requires_grad_()
weights = torch.from_numpy(rng.normal(0.1, 0.2, (60, 90))).requires_grad_()
t_out = first_spike_times(times, weights, 10.0, 10.0)
torch.where(torch.isfinite(t_out), t_out, 0.0).square().sum().backward()
digest = hashlib.sha256()
for array in (t_out.detach(), weights.grad, times.grad):
    digest.update(array.numpy().tobytes())
print(digest.hexdigest())
"""


def test_compiled_afresh_and_from_the_cache(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    digests = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        digests.append(run.stdout.strip())
    assert list(tmp_path.rglob("*.nbi"))
    assert digests[0] == digests[1]
