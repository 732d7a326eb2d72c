"""Image files and colour masks: pairs matched by name, decoding, the order of bands, arrays in memory.

Imports `system` and `classes`.
"""
