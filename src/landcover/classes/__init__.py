"""The classes of a data set: names, colours, labels, off-palette pixels, and class tables in files.

Imports `system`.
"""
