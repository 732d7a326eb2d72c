"""Scores of predicted masks against the truth: confusion matrices, confidence intervals, comparisons.

Imports `system`, `classes` and `images`.
"""
