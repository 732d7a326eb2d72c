"""Side-by-side comparisons with peers; never run by the tests."""
