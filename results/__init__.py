"""What the experiments on the data of a course achieved: a JSON file each, and the tables of docs/results.md."""

import stages  # noqa: F401  (puts this checkout's src/ on the path)
