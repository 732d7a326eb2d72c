"""Figures and pages for people: samples beside their truth and prediction.

Imports `system`, `classes`, `images`, `rasters`, `data` and `scoring`.
"""
