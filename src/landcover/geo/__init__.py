"""Georeferenced images in, maps and polygons out. Needs the extra `geo`.

Imports `system`, `classes`, `images`, `models` and `inference`.
"""
