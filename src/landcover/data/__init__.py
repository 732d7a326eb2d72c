"""Data sets: the embedded one, preparation into tiles, and the tiles that training reads.

Imports `system`, `classes` and `images`.
"""
