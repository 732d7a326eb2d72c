"""The blocks of params.yaml that pages offer to paste are accepted, and name each code once."""

import re

import pytest
import yaml
from pages import ROOT

from landcover.data.bluemarble import IGBP
from stages.common.data_block import Data

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())["data"]


def blocks(page: str) -> list[dict]:
    """The blocks of a page, complete with the values of params.yaml that they do not name."""
    found = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    parsed = [yaml.safe_load(block) for block in found]
    return [PARAMS | block.get("data", block) for block in parsed]


BLOCKS = [
    pytest.param(block, id=f"{page} {i}") for page in ("scenes.md", "qgis.md") for i, block in enumerate(blocks(page))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_accepted_and_no_code_means_two_classes(block):
    codes = [code for entry in Data(**block).entries().values() for code in entry.codes]
    assert len(codes) == len(set(codes))


def test_the_table_of_modis_is_that_of_the_embedded_data_set():
    (classes,) = (block["classes"] for block in blocks("scenes.md") if 13 in block["classes"]["urban"]["codes"])
    codes = {name: {*entry["codes"]} - {17} for name, entry in classes.items() if name != "unknown"}
    assert codes == {name: set(types) for name, types in IGBP.items()}
