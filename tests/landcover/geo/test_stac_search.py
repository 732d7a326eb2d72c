import json

import pytest
from catalogs import COLLECTION, box_of, inner_box, item, serving, write_catalog

from landcover.geo.stac_search import Query, search
from landcover.geo.times import period
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """A server with eight items of two tiles and four days."""
    folder = tmp_path_factory.mktemp("catalog")
    items = [item(folder, f"t{tile}_{day}", tile, f"2024-06-0{day}") for tile in (0, 1) for day in (1, 2, 3, 4)]
    write_catalog(folder, items)
    with serving(folder, items) as (url, asked):
        yield url, asked, folder


def found(url, box=None, **options):
    items = search(Remote(url), Query(tuple(box or inner_box(0)), **options))
    return [one.id for one in items]


@pytest.mark.parametrize("path", ["catalog.json", "collection.json", "api"])
def test_a_static_catalogue_and_an_api_give_the_items_of_a_box(catalog, path):
    url, _, _ = catalog
    assert found(f"{url}/{path}") == ["t0_1", "t0_2", "t0_3", "t0_4"]
    assert found(f"{url}/{path}", inner_box(1), collections=[COLLECTION]) == ["t1_1", "t1_2", "t1_3", "t1_4"]


def test_an_api_is_asked_page_by_page(catalog):
    url, _, _ = catalog
    west, south, _, north = box_of(0)
    assert len(found(f"{url}/api", [west, south, box_of(1)[2], north])) == 8


def test_the_range_of_time_has_both_its_days(catalog):
    url, _, _ = catalog
    start, end = period("2024-06-02/2024-06-03")
    assert found(f"{url}/catalog.json", start=start, end=end) == ["t0_2", "t0_3"]


@pytest.mark.parametrize("path", ["catalog.json", "api"])
def test_too_many_items_are_refused_and_none_too_with_what_was_searched(catalog, path):
    url, _, _ = catalog
    with pytest.raises(LandcoverError, match=r"more than 3 items.*raise --max-items"):
        found(f"{url}/{path}", limit=3)
    with pytest.raises(LandcoverError, match=r"no item found \(collection landsat, box 0,0,1,1, time \.\./\.\.\)"):
        found(f"{url}/{path}", [0, 0, 1, 1], collections=["landsat"])


def test_collections_elsewhere_are_not_read(catalog, tmp_path):
    _, _, folder = catalog
    write_catalog(tmp_path, [json.loads((folder / "t0_1" / "item.json").read_text())], [0, 0, 1, 1])
    with serving(tmp_path) as (url, asked):
        with pytest.raises(LandcoverError, match="no item found"):
            found(f"{url}/catalog.json")
        assert set(asked) == {"/catalog.json", "/collection.json"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.json?key=SECRET", r"missing\.json: cannot be read \(HTTP status 404\)"),
        ("t0_1/item.json", r"not a STAC catalogue\. Name it as an input"),
        ("t0_1/B02.tif", "cannot be read|not STAC"),
    ],
)
def test_what_is_no_catalogue_is_an_error_without_the_query(catalog, path, message):
    url, _, _ = catalog
    with pytest.raises(LandcoverError, match=message) as error:
        found(f"{url}/{path}")
    assert "SECRET" not in str(error.value)
    assert len(error.value.lines) == 1


def test_a_server_that_does_not_answer_is_an_error_of_one_line():
    with pytest.raises(LandcoverError, match=r"http://127\.0\.0\.1:9/c\.json: cannot be read \(no connection\)"):
        found("http://user:SECRET@127.0.0.1:9/c.json?key=SECRET")


def test_links_and_redirects_to_other_hosts_are_not_followed(tmp_path):
    for name, href in (("links", "{url}/catalog.json"), ("file", "file:///etc/passwd")):
        with serving(tmp_path) as (other, asked_there):
            links = [{"rel": "child", "href": href.format(url=other)}]
            content = {"type": "Catalog", "stac_version": "1.0.0", "id": "c", "description": "", "links": links}
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
            with serving(tmp_path) as (url, _):
                with pytest.raises(LandcoverError, match=r"another host|no URL of a catalogue"):
                    found(f"{url}/{name}.json")
                with pytest.raises(LandcoverError, match="another host"):
                    found(f"{url}/redirect?to={other}/catalog.json")
            assert asked_there == []


def test_a_box_across_the_180th_meridian_has_two_sides():
    query = Query((170.0, -10.0, -170.0, 10.0))
    assert query.area().geom_type == "MultiPolygon"
    assert query.area().bounds == (-180, -10, 180, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", ("2024-01-01T00:00:00", "2024-12-31T23:59:59")),
        ("2024-02", ("2024-02-01T00:00:00", "2024-02-29T23:59:59")),
        ("2024-06-01/2024-06-02", ("2024-06-01T00:00:00", "2024-06-02T23:59:59")),
        ("../2024-06-02T10:00:00Z", (None, "2024-06-02T10:00:00")),
        ("2023-12/", ("2023-12-01T00:00:00", None)),
    ],
)
def test_a_period_is_all_of_its_days(text, expected):
    assert tuple(time and f"{time:%Y-%m-%dT%H:%M:%S}" for time in period(text)) == expected


@pytest.mark.parametrize("text", ["noon", "2024-13", "2024/2023", "/", "../..", ""])
def test_what_is_no_period_is_an_error(text):
    with pytest.raises(ValueError, match=r"is no |month"):
        period(text)
