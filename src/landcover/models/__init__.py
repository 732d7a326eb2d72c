"""Networks and their files: encoders, decoders, the table of models, pretrained weights, the model file.

Imports `system` and `classes`.
"""
