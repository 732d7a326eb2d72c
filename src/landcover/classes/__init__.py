"""The classes of a data set: names, colours, label indices, and pixels whose colour belongs to none.

Imports `system`.
"""
