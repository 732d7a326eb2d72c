"""Means over neighbourhoods of a fixed size, for use where networks for classification take the mean of the image.

With the mean of the image, the features of a pixel would depend on the size of the crop or window around it (Chu et al.
2022, "Revisiting Global Information Aggregation").
"""

from torch import Tensor
from torch.nn import functional


def neighbourhood_means(x: Tensor, cell: int, side: int) -> Tensor:
    """Means (N, C, H / cell, W / cell) of the square around each cell.

    Args:
        x: Features (N, C, H, W), H and W multiples of `cell`.
        cell: Side of a cell in pixels of the features.
        side: Of the squares, in cells, odd. At the border of the features, squares are cut off.
    """
    cells = functional.avg_pool2d(x, cell) if cell > 1 else x
    return functional.avg_pool2d(cells, side, 1, side // 2, count_include_pad=False) if side > 1 else cells
