"""What a data set on disk is, what is wrong with it, and the parameters that fit it.

May import `data`, `labels`, `rasters` and what is below them. Needs rasterio and geopandas.
"""
