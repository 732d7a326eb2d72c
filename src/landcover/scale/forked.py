"""Imported by the fork server alone: whatever all workers of this machine share."""

from landcover.system.memory import keep_memory

keep_memory()  # before there are threads: glibc gives those that exist heaps of their own, which shrink all the time

import landcover.scale.block_work  # noqa: E402, F401
