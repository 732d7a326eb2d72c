"""A local web server that counts what reaches it, and files of strangers that would make GDAL ask it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import rasterio.shutil
from conftest import write_geotiff


class Hits(list):
    """The requests so far, each "METHOD path".

    Attributes:
        address: Of the server: 127.0.0.1:PORT.
    """

    address = ""


@contextmanager
def counting_server() -> Iterator[Hits]:
    """Start a server that answers everything with 404."""
    hits = Hits()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            hits.append(f"{self.command} {self.path}")
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = do_CONNECT = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hits.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hits
        server.shutdown()


def remote_names(address: str) -> dict[str, str]:
    """What GDAL takes for a file somewhere else, by kind."""
    return {
        "curl": f"/vsicurl/http://{address}/x.tif",
        "http": f"http://{address}/x.tif",
        "stream": f"/vsicurl_streaming/http://{address}/x.tif",
        "zip": f"/vsizip//vsicurl/http://{address}/x.zip/x.tif",
        "s3": "/vsis3/bucket/x.tif",
        "s3 stream": "/vsis3_streaming/bucket/x.tif",
        "gs": "/vsigs/bucket/x.tif",
        "wms": wms(address),
        "wcs": f"WCS:http://{address}/?coverage=x",
        "wmts": f"WMTS:http://{address}/cap.xml",
    }


def documents(address: str) -> dict[str, str]:
    """Texts that GDAL takes for images, by kind, whatever the file is called."""
    return {
        "wms": wms(address),
        "wcs": f"<WCS_GDAL><ServiceURL>http://{address}/?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>",
        "wmts": f"<GDAL_WMTS><GetCapabilitiesUrl>http://{address}/cap.xml</GetCapabilitiesUrl></GDAL_WMTS>",
        "gti": f"<GDALTileIndexDataset><IndexDataset>/vsicurl/http://{address}/x.gpkg</IndexDataset>"
        "</GDALTileIndexDataset>",
        "vrt": vrt(f"/vsicurl/http://{address}/x.tif"),
        "vrt http": vrt(f"http://{address}/x.tif"),
    }


def wms(address: str) -> str:
    """A web map of one tile."""
    corner = 20037508
    window = f"<UpperLeftX>-{corner}</UpperLeftX><UpperLeftY>{corner}</UpperLeftY>"
    window += f"<LowerRightX>{corner}</LowerRightX><LowerRightY>-{corner}</LowerRightY>"
    window += "<TileLevel>0</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin>"
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>http://{address}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>'
        f"<DataWindow>{window}</DataWindow><Projection>EPSG:3857</Projection><BlockSizeX>64</BlockSizeX>"
        "<BlockSizeY>64</BlockSizeY><BandsCount>3</BandsCount></GDAL_WMS>"
    )


def vrt(*names: str, size: int = 64, relative: int = 0, top: str = "", source: str = "", band: str = "") -> str:
    """A VRT of three bands, in which images of that size lie side by side; further XML goes where it is named."""
    bands = ""
    for number, colour in enumerate(("Red", "Green", "Blue"), 1):
        parts = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="{relative}">{_escaped(name)}</SourceFilename>'
            f'<SourceBand>{number}</SourceBand><SrcRect xOff="0" yOff="0" xSize="{size}" ySize="{size}"/>'
            f'<DstRect xOff="{size * i}" yOff="0" xSize="{size}" ySize="{size}"/>{source}</SimpleSource>'
            for i, name in enumerate(names)
        )
        bands += (
            f'<VRTRasterBand dataType="Byte" band="{number}"><ColorInterp>{colour}</ColorInterp>{band}{parts}'
            "</VRTRasterBand>"
        )
    return (
        f'<VRTDataset rasterXSize="{size * len(names)}" rasterYSize="{size}"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>500000,10,0,5000000,0,-10</GeoTransform>{top}{bands}</VRTDataset>"
    )


def raw_vrt(name: str, relative: int = 0) -> str:
    """A VRT of which the bytes of a file are the pixels."""
    source = f'<SourceFilename relativetoVRT="{relative}">{name}</SourceFilename><ImageOffset>0</ImageOffset>'
    layout = "<PixelOffset>1</PixelOffset><LineOffset>16</LineOffset>"
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}" subClass="VRTRawRasterBand">{source}{layout}</VRTRasterBand>'
        for band in (1, 2, 3)
    )
    return f'<VRTDataset rasterXSize="16" rasterYSize="16">{bands}</VRTDataset>'


def scene(path: Path, height: int = 64, width: int = 64, seed: int = 0) -> np.ndarray:
    """A GeoTIFF of three bands of noise without zeros; other formats by the suffix."""
    pixels = np.random.default_rng(seed).integers(1, 256, (3, height, width), dtype=np.uint8)
    write_geotiff(path.with_suffix(".tmp"), pixels)
    drivers = {".tif": "GTiff", ".png": "PNG", ".jpg": "JPEG", ".jp2": "JP2OpenJPEG"}
    rasterio.shutil.copy(path.with_suffix(".tmp"), path, driver=drivers[path.suffix])
    path.with_suffix(".tmp").unlink()
    path.with_name(f"{path.name}.aux.xml").unlink(missing_ok=True)
    return pixels


def name_overviews(path: Path, name: str) -> None:
    """Let a GeoTIFF say in its tags that its overviews are in another file."""
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=name)


def name_overviews_beside(path: Path, name: str) -> None:
    """Let an .aux.xml beside an image say that its overviews are in another file."""
    metadata = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{_escaped(name)}</MDI></Metadata>'
    path.with_name(f"{path.name}.aux.xml").write_text(f"<PAMDataset>{metadata}</PAMDataset>")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
