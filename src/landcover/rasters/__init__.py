"""GeoTIFFs and other rasters read: any number of bands, any pixel type, masks, in strips. Needs rasterio.

Imports `system`, `classes` and `images`.
"""
