"""Figures for people: samples beside their truth and prediction, the map of the world.

Imports `system`, `classes`, `images`, `rasters`, `data` and `scoring`.
"""
