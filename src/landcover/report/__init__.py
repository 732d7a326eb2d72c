"""Figures for people: images beside truth and prediction.

Imports `system`, `classes`, `images`, `data` and `scoring`.
"""
