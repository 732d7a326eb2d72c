"""Memory that is freed is used again."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src"
PROGRAM = """
import resource, sys
import numpy as np
from landcover.system.memory import keep_memory

if sys.argv[1] == "keep":
    keep_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**26, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere malloc is left as it is")
def test_the_pages_of_an_array_are_requested_once():
    faults = {}
    for policy in ("keep", "leave"):
        command = [sys.executable, "-c", PROGRAM, policy]
        faults[policy] = int(subprocess.run(command, cwd=SOURCES, stdout=subprocess.PIPE, check=True).stdout)
    assert faults["keep"] * 10 < faults["leave"]
