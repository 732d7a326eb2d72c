"""Data sets: the embedded one and its sources, preparation into tiles, and the tiles that training reads.

Imports `system`, `classes`, `images` and `rasters`.
"""
