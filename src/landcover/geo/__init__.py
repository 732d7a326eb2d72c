"""Maps and polygons on the ground, written and read. Needs the extra `geo`.

Imports `system`, `classes`, `images`, `rasters`, `models` and `inference`.
"""
