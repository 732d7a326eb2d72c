"""Land-cover maps from satellite images with fully convolutional networks."""

__version__ = "0.1.0"
