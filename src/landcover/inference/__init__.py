"""Prediction with a trained model: windows, strips, blending, test-time augmentation, masks.

Imports `system`, `classes`, `images`, `scoring` and `models`.
"""
