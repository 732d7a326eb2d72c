"""What Dask costs: many items that take no time through `Cluster.map`, on two local workers.

    python -m benchmarks.scheduling [ITEMS]

Prints the seconds per 1,000 items, and by how much this process, in which the scheduler runs as well, has grown between
the first and the last tenth of the items. Takes a minute with the default of 100,000.
"""

import sys
import time
from pathlib import Path

from benchmarks.harness import machine
from landcover.scale.cluster import connected
from landcover.scale.options import ScaleOptions

ITEMS = 100_000
WORKERS = 2


def main() -> None:
    """Measure, and print a line for each figure."""
    items = int(sys.argv[1]) if sys.argv[1:] else ITEMS
    with connected(ScaleOptions(workers=WORKERS), "cpu", quiet=True) as cluster:
        for _ in cluster.map(abs, range(1000), str):  # the first tasks are slower
            pass
        memory = []
        start = time.perf_counter()
        for done, _ in enumerate(cluster.map(abs, range(items), str), 1):
            if done % (items // 100) == 0:
                memory.append(resident())
        seconds = time.perf_counter() - start
        grown = sum(memory[-10:]) / 10 - sum(memory[:10]) / 10
    print(machine())
    print(f"{items:,} items, {WORKERS} workers: {1000 * seconds / items:.2f} s per 1,000 items")
    print(f"memory of client and scheduler: {memory[0]:.0f} MB; {grown:+.1f} MB from the first to the last tenth")


def resident() -> float:
    """This process's own memory, without mapped files, in MB. Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    main()
