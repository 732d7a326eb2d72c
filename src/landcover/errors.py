"""The one exception for everything that a user can cause and mend."""


class LandcoverError(Exception):
    """A wrong input, parameter or environment.

    The message is one line: what is wrong, where, what to do. Stages and commands print it without a traceback and
    exit with code 1.
    """
