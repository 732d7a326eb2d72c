"""How PyTorch's threads wait for each other on a CPU."""

import os

_SPINS = "5000"  # with libgomp's 300,000, two trainings at once may each take ten times as long; one is as fast


def wait_briefly() -> None:
    """Let threads that wait go to sleep soon, so that something else can compute on their cores meanwhile.

    For libgomp, PyTorch's on Linux, which reads it once: call it before PyTorch is imported. Elsewhere nothing happens,
    nor where the environment says how to wait.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
