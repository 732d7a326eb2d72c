"""What the experiments on the course's data came to: a JSON each, and the tables of the README made of them."""

import stages  # noqa: F401  (puts this checkout's src/ on the path)
