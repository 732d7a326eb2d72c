"""How threads wait is set before PyTorch reads it, and left to who has said it."""

import os
import subprocess
import sys

import pytest
from programs import ROOT

PROGRAMS = {
    "stage": "import os, sys, stages; assert 'torch' not in sys.modules; print(os.environ.get('GOMP_SPINCOUNT'))",
    "command": """
import os, sys
from landcover.cli import main
sys.argv = ["landcover", "--version"]
try:
    main.main()
finally:
    assert 'torch' not in sys.modules
    print(os.environ.get('GOMP_SPINCOUNT'))
""",
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("said", "expected"), [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")]
)
def test_threads_wait_briefly_unless_the_environment_sets_otherwise(program, said, expected):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    environment = {**clean, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **said}
    command = [sys.executable, "-c", PROGRAMS[program]]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split()[-1] == expected
