"""How the threads of PyTorch wait for each other on a CPU."""

import os

_SPINS = (
    "5000"  # with the default of 300,000, two trainings at once can each take ten times as long; one alone is as fast
)


def wait_briefly() -> None:
    """Let waiting threads sleep sooner, so that other programs can use their cores.

    Call it before PyTorch is imported: libgomp, its thread library on Linux, reads the setting once. Has no effect
    elsewhere, or if the environment already sets how to wait.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
