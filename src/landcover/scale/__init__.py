"""Work spread over processes and machines with Dask: blocks of maps, their joining, whole files.

Imports `system`, `classes`, `images`, `rasters`, `labels`, `data`, `models`, `scoring`, `inference` and `geo`. Needs
distributed (the extra scale).
"""
