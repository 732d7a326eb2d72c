"""Side-by-side comparisons with peers; never run by the tests."""

import stages  # noqa: F401  (puts this checkout's src/ on the path)
