"""Initial weights of encoders: of ImageNet, from packages of the package index, or those of a file.

Imports `system`, `images` and the encoders and networks beside it.
"""
