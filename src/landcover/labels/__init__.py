"""Labels on the ground: polygons, points and rasters of codes, as class indices on the grid of a scene.

May import `rasters` and what is below it. Needs rasterio and geopandas.
"""
