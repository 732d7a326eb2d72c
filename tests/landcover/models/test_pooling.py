import torch

from landcover.models.pooling import neighbourhood_means


def test_means_are_those_of_the_squares_around_cells_cut_off_at_the_border():
    x = torch.rand(2, 3, 16, 24)
    means = neighbourhood_means(x, 4, 3)  # cells of 4 x 4, squares of 3 x 3 cells
    assert means.shape == (2, 3, 4, 6)
    torch.testing.assert_close(means[..., 2, 3], x[..., 4:16, 8:20].mean((2, 3)))
    torch.testing.assert_close(means[..., 0, 5], x[..., :8, 16:].mean((2, 3)))


def test_a_square_of_one_cell_is_the_cell():
    x = torch.rand(1, 2, 4, 4)
    assert neighbourhood_means(x, 1, 1).equal(x)
