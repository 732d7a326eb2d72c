"""The version of this program, not in the package's root: all stages depend on that, and a release reruns none."""

__version__ = "0.8.0"
