"""Images and colour masks: found and paired by name, read and written, resized, the order of their bands.

Imports `system` and `classes`.
"""
