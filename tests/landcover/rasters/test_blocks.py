import numpy as np
import pytest

from landcover.rasters.blocks import EARTH_RADIUS, BlockLattice


def test_hashes_are_those_of_splitmix64():
    hashes = BlockLattice(1).hashes(np.array([0, 0]), np.array([0, 1]))
    assert hashes[0] == 0xE220A8397B1DCDAF  # the first output of splitmix64.c from the seed 0
    assert len(np.unique(BlockLattice(1).hashes(*np.mgrid[-300:300, 0:600]))) == 360_000


@pytest.mark.parametrize("side", [50_000, 333_333, 1e6, 7e6, 2e7])
def test_cells_are_nowhere_narrower_than_their_side_and_cover_the_earth(side):
    lattice = BlockLattice(side)
    lat = np.repeat(np.linspace(-90, 90, 181), 721)
    lon = np.tile(np.linspace(-180, 180, 721) + 0.0123, 181)
    rows, columns = lattice.cells(lon, lat)
    for row in np.unique(rows):
        of_row = rows == row
        count = columns[of_row].max() + 1
        edge = np.radians(max(abs(row), abs(row + 1)) * np.degrees(side / EARTH_RADIUS))
        around = 2 * np.pi * EARTH_RADIUS * np.cos(min(edge, np.pi / 2))
        assert count == 1 or around / count >= side
    assert (lattice.cells(lon + 720, lat)[1] == columns).all()
    assert rows[lat == 90].max() == rows.max()


@pytest.mark.parametrize(
    "place", [(8.1, 47.3), (179.9995, -30), (0.0003, 0.0002), (50, 89.99), (50, 90), (-90, -89.995)]
)
def test_all_cells_within_the_distance_of_a_point_are_found(place):
    lattice, distance = BlockLattice(400), 390
    found = {(int(row[0]), int(column[0])) for row, column in lattice.cells_around(*np.array([place]).T, distance)}
    lon, lat = np.radians(place)
    angle, turn = np.meshgrid(np.linspace(0, distance / EARTH_RADIUS, 50), np.linspace(0, 2 * np.pi, 200))
    north = np.arcsin(np.sin(lat) * np.cos(angle) + np.cos(lat) * np.sin(angle) * np.cos(turn))
    east = lon + np.arctan2(np.sin(turn) * np.sin(angle) * np.cos(lat), np.cos(angle) - np.sin(lat) * np.sin(north))
    rows, columns = lattice.cells(np.degrees(east), np.degrees(north))
    within = {*zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True)}
    assert within <= found
    assert len(found) <= 20
