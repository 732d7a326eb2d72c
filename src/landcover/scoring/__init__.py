"""Scores of predicted masks against the truth: confusion matrices, intervals, comparisons.

Imports `system`, `classes` and `images`.
"""
