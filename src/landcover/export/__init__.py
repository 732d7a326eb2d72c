"""Trained models for other programs: ONNX. Needs the extra `onnx`.

Imports `system`, `classes`, `models` and `inference`.
"""
