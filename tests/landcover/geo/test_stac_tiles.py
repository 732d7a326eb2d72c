import pytest
import shapely
from catalogs import box_of, item

from landcover.geo.stac_access import item_of
from landcover.geo.stac_tiles import least_cloudy, tile_of

EVERYWHERE = shapely.box(-180, -90, 180, 90)


def items(folder, *contents):
    return [item_of(content, folder / "item.json") for content in contents]


def chosen(folder, *contents, area=EVERYWHERE):
    return [one.id for one in least_cloudy(items(folder, *contents), area)]


def test_the_least_cloudy_item_of_each_tile(tmp_path):
    contents = [item(tmp_path, f"{tile}{cloud}", tile, cloud=cloud) for tile in (0, 1) for cloud in (30, 1, 70)]
    assert chosen(tmp_path, *contents) == ["01", "11"]


def test_of_equal_ones_the_newest_then_the_first_by_id_and_unknown_ones_last(tmp_path):
    old, b, a = (item(tmp_path, name, day=f"2024-06-0{day}") for name, day in (("old", 1), ("b", 2), ("a", 2)))
    unknown = item(tmp_path, "unknown", day="2024-06-03", cloud=None)
    assert chosen(tmp_path, old, b, a, unknown) == ["a"]
    assert chosen(tmp_path, unknown, old) == ["old"]
    assert chosen(tmp_path, unknown) == ["unknown"]


def test_an_item_of_the_edge_of_an_orbit_does_not_count(tmp_path):
    whole, edge = item(tmp_path, "whole", cloud=20), item(tmp_path, "edge", cloud=0)
    west, south, east, north = box_of(0)
    edge["geometry"] = shapely.geometry.mapping(shapely.box(west, south, west + (east - west) / 3, north))
    assert chosen(tmp_path, whole, edge) == ["whole"]
    assert chosen(tmp_path, whole, edge, area=shapely.box(west, south, west + (east - west) / 4, north)) == ["edge"]


@pytest.mark.parametrize(
    "properties",
    [
        {"s2:mgrs_tile": "33TVM"},
        {"mgrs:utm_zone": 33, "mgrs:latitude_band": "T", "mgrs:grid_square": "VM"},
        {"landsat:wrs_path": "190", "landsat:wrs_row": "028"},
        {},
    ],
)
def test_tiles_are_told_by_name_or_place(tmp_path, properties):
    contents = [item(tmp_path, name, **properties) for name in "ab"] + [item(tmp_path, "c", 3)]
    for content in contents[:2]:
        del content["properties"]["grid:code"]
    a, b, c = map(tile_of, items(tmp_path, *contents))
    assert a == b != c
