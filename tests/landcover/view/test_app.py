import gzip
import json

import numpy as np
import pytest
from conftest import TABLE, write_geotiff, write_labels
from served import PORT, ask

from landcover.view.app import make_app
from landcover.view.contents import open_contents

LABELS = np.random.default_rng(0).integers(3, size=(300, 300), dtype=np.uint8)


@pytest.fixture
def app(tmp_path):
    """Shows a map and an image in a folder that also has a secret."""
    write_labels(tmp_path / "town_mask.tif", LABELS)
    write_geotiff(tmp_path / "town.tif", LABELS[None].repeat(3, 0), photometric="rgb")
    (tmp_path / "secret.txt").write_text("secret")
    with open_contents(tmp_path / "town_mask.tif", tmp_path / "town.tif", None, lambda _: TABLE) as contents:
        yield make_app(contents, PORT)


def test_the_page_runs_only_its_scripts_and_fetches_only_from_its_server(app):
    answer = ask(app, "/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self';" in policy
    assert "default-src 'none';" in policy
    assert "frame-ancestors 'none'" in policy
    assert b"connect-src &#x27;self&#x27;" in answer.body


def test_tiles_are_bytes_of_labels_and_webp(app):
    np.testing.assert_array_equal(
        np.frombuffer(ask(app, "/tiles/prediction/1/0/0").body, np.uint8).reshape(256, 256), LABELS[:256, :256]
    )
    assert ask(app, "/tiles/prediction/1/1/1").headers["content-length"] == str(44 * 44)
    image = ask(app, "/tiles/image/0/0/0")
    assert image.headers["content-type"] == "image/webp"
    assert image.body[8:12] == b"WEBP"


def test_bytes_are_packed_for_who_takes_it(app):
    packed = ask(app, "/tiles/prediction/1/0/0", headers={"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == ask(app, "/tiles/prediction/1/0/0").body
    assert gzip.decompress(ask(app, "/", headers={"accept-encoding": "gzip"}).body) == ask(app, "/").body


def test_the_scene_is_json(app):
    told = json.loads(ask(app, "/scene.json").body)
    assert told["files"] == {"prediction": "town_mask.tif", "image": "town.tif"}


@pytest.mark.parametrize("path", ["/", "/scene.json", "/tiles/image/0/0/0"])
def test_only_reading_is_allowed(app, path):
    assert ask(app, path, "HEAD").status == 200
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert ask(app, path, method).status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/town.tif",
        "/../secret.txt",
        "/..",
        "/tiles/../secret.txt",
        "/tiles/../../../../etc/passwd",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/etc/passwd",
        "/tiles/image/0/0/../../../../secret.txt",
        "/tiles/image/0/0/..",
        "/tiles/secret.txt/0/0/0",
        "/tiles//etc/passwd/0/0/0",
        "/tiles/truth/0/0/0",
        "/tiles/other/0/0/0",
        "/tiles/image/2/0/0",
        "/tiles/image/1/2/0",
        "/tiles/image/1/0/2",
        "/tiles/image/-1/0/0",
        "/tiles/image/0/-1/0",
        "/tiles/image/0/0/0.5",
        "/tiles/image/0/0/1e1",
        "/tiles/image/0/0/0x0",
        "/tiles/image/0/0/\N{ARABIC-INDIC DIGIT ZERO}",
        "/tiles/image/0/0/ 0",
        "/tiles/image/0/0/" + "9" * 5000,
        "/tiles/image/" + "9" * 20 + "/0/0",
        "/tiles/image/0/0/0/",
        "/tiles/image/0/0",
        "/scene.json/",
        "/scene",
        "/vendor/ol.js",
        "",
    ],
)
def test_nothing_else_is_answered(app, path):
    answer = ask(app, path)
    assert answer.status == 404
    assert answer.body == b"Not Found"


@pytest.mark.parametrize(
    "host", ["example.com", f"example.com:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.example.com:{PORT}", ""]
)
def test_a_request_for_another_host_is_refused(app, host):
    answer = ask(app, "/scene.json", host=host)
    assert answer.status == 403
    assert b"town" not in answer.body


def test_localhost_is_this_machine_too(app):
    assert ask(app, "/scene.json", host=f"LOCALHOST:{PORT}").status == 200


@pytest.mark.parametrize("path", ["/", "/scene.json", "/tiles/image/0/0/0", "/tiles/prediction/0/0/0", "/nothing"])
def test_answers_are_closed_to_other_origins(app, path):
    headers = ask(app, path, headers={"origin": "http://example.com"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "content-security-policy" in headers
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_tile_that_cannot_be_read_is_an_error_of_its_own(app, tmp_path, capsys):
    with (tmp_path / "town.tif").open("r+b") as file:
        file.truncate(2000)
    assert ask(app, "/tiles/image/1/1/1").status == 500
    assert ask(app, "/tiles/image/1/1/1").status == 500
    assert capsys.readouterr().err.count("warning: ") == 1
    assert ask(app, "/tiles/prediction/1/1/1").status == 200
