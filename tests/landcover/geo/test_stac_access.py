import json

import pystac
import pytest
from catalogs import item, serving, write_item

from landcover.geo.stac_access import asset_location, item_of, read_item
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote, location


def at(place):
    content = {"type": "Feature", "stac_version": "1.0.0", "id": "a", "geometry": None, "assets": {}, "links": []}
    return item_of(content | {"properties": {"datetime": "2024-06-01T00:00:00Z"}}, location(str(place)))


def test_an_item_elsewhere_names_urls():
    one = at("https://8.8.8.8/c/a.json?key=1")
    assert asset_location(one, "./B02.tif") == Remote("https://8.8.8.8/c/B02.tif")
    assert asset_location(one, "s3://bucket/B02.tif?a=b") == Remote("s3://bucket/B02.tif?a=b")
    assert asset_location(one, "/vsicurl/http://h/x.tif") == Remote("https://8.8.8.8/vsicurl/http://h/x.tif")


@pytest.mark.parametrize("href", ["file:///etc/passwd", "ftp://h/x.tif", "data:image/tiff,1", "http://", "a\nb.tif"])
def test_an_item_elsewhere_names_no_files_here(href):
    with pytest.raises(LandcoverError):
        asset_location(at("https://8.8.8.8/a.json"), href)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "127.0.0.1:9", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
def test_an_item_from_outside_names_no_address_of_the_own_network(host):
    with pytest.raises(LandcoverError, match="own network"):
        asset_location(at("https://8.8.8.8/a.json"), f"http://{host}/x.tif?key=SECRET")


def test_an_item_of_the_own_network_names_files_there_but_not_the_cloud_s_metadata():
    one = at("http://127.0.0.1:8000/a.json")
    assert asset_location(one, "http://127.0.0.1:9000/x.tif") == Remote("http://127.0.0.1:9000/x.tif")
    with pytest.raises(LandcoverError, match="own network"):
        asset_location(one, "http://169.254.169.254/latest")


def test_an_item_here_names_files_in_its_folder_and_below(tmp_path):
    one = at(tmp_path / "c" / "a.json")
    (tmp_path / "c").mkdir()
    assert asset_location(one, "./b/B02.tif") == tmp_path.resolve() / "c" / "b" / "B02.tif"
    (tmp_path / "c" / "link").symlink_to("/etc")
    for href in ("../x.tif", "/etc/passwd", "file:///etc/passwd", "link/passwd", "/vsicurl/http://127.0.0.1/x.tif"):
        with pytest.raises(LandcoverError, match="not in its folder or below"):
            asset_location(one, href)


def test_an_item_here_never_makes_the_program_use_the_network(tmp_path):
    with pytest.raises(LandcoverError, match="Name the item by its URL instead") as error:
        asset_location(at(tmp_path / "a.json"), "https://user:SECRET@h/x.tif?key=SECRET")
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"type": "Feature", "id": 3}', '{"type": "Collection"}', '{"a"'])
def test_what_is_no_item_is_an_error(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(LandcoverError, match=r"a\.json: (not a STAC item|a STAC collection)") as error:
        read_item(path)
    assert len(error.value.lines) == 1


def test_an_item_is_read_alone_whatever_it_links_to(tmp_path):
    content = item(tmp_path, "a")
    for version in ("0.9.0", "1.0.0", "1.1.0"):
        links = [{"rel": rel, "href": "http://127.0.0.1:9/x.json"} for rel in ("collection", "root", "parent", "self")]
        path = write_item(tmp_path, content | {"links": links, "stac_version": version})
        assert read_item(path).id == "a"
        with serving(tmp_path) as (url, asked):
            one = read_item(Remote(f"{url}/a/item.json?key=1"))
            assert asked == ["/a/item.json"]
        assert isinstance(one, pystac.Item)
        assert str(asset_location(one, one.assets["red"].href)) == f"{url}/a/B04.tif"
    assert json.loads(path.read_text())["id"] == "a"
