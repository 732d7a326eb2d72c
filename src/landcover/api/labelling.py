"""A trained model in Python: load it, label images, write maps."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeGuard, Unpack

import numpy as np
import torch

from landcover.classes.class_table import ClassTable
from landcover.images.value_ranges import warning_of_values
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference, label_strips
from landcover.inference.reading import open_image
from landcover.inference.strips import ArrayStrips, StripReader
from landcover.models import model_file
from landcover.models.combining import load_models
from landcover.rasters.stretching import Percentiles
from landcover.system.devices import choose_device
from landcover.system.errors import LandcoverError, requiring_extra, warn
from landcover.system.locations import location

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    from landcover.rasters.raster import Raster

_SAMPLED = 512  # pixels along each axis of an array that are looked at for unusual values


class InferenceKeywords(TypedDict, total=False):
    """Keyword arguments that say how images are labelled: the fields of `InferenceOptions`, for type checkers.

    Attributes:
        tta: Test-time augmentation: class probabilities are averaged over the image itself ("none", the default),
            over it and its mirror image ("flip"), or over all eight symmetries ("d4").
        scales: The same over several scales: factors on the model's working resolution, 0.25 to 4, such as
            (0.75, 1, 1.25); (1,) is the default.
        window: Side of the windows in pixels, at the model's working resolution: a multiple of 32, at least 64 (512).
            An image no larger than that is labelled as a whole.
        overlap: Share of a window's side that the next window covers too, 0 to below 0.9 (0.25).
        batch_size: Windows that pass through the network together (1); more for a GPU.
        engine: What runs the network: "torch", "onnxruntime", "openvino", or "auto" (the default) for onnxruntime on a
            CPU, if it is installed and can run the network, else PyTorch.
    """

    tta: Literal["none", "flip", "d4"]
    scales: Sequence[float]
    window: int
    overlap: float
    batch_size: int
    engine: Literal["auto", "torch", "onnxruntime", "openvino"]


def load_model(path: str | PathLike[str] | Sequence[str | PathLike[str]], device: str = "auto") -> "Model":
    """Load a trained model; or several as one, whose class probabilities are the mean of theirs.

    Args:
        path: A model file such as `models/model.safetensors`, or a list of them, for the same classes, bands, pixel
            type and working resolution. Loading them never runs code from them.
        device: Where the network computes: "cpu", "cuda", "mps", or "auto" for the best that there is.

    Raises:
        LandcoverError: A file is missing or no model of this program; there is no such device; or models do not fit
            together.

    Example:
        >>> model = landcover.load_model("models/model.safetensors")
        >>> labels = model.predict("town.jpg")
    """
    paths = [path] if isinstance(path, str | PathLike) else path
    model = load_models([Path(one) for one in paths])
    model.warn_if_collapsed()
    return Model(for_inference(model, choose_device(device)))


class Model:
    """A trained model that labels images. `landcover.load_model` makes it.

    `predict` and `probabilities` take an image in one of four forms:

    - a NumPy array (H, W, B) with the bands in the model's order. For a model of ordinary images: uint8, red, green and
      blue, 0 to 255; see `bands` and `dtype`. Nothing is converted: for another type or shape, an error says how to
      convert it. Pixels of which a band is not a finite number have no data.
    - a path, `str` or `pathlib.Path`: jpg, png and the like, of 8 bits; tif, tiff, jp2 and vrt of any pixel type and
      any number of bands, which need rasterio;
    - a URL, `str`: https, http, s3, gs or az; of a raster, read by ranges, which needs rasterio and obstore;
    - a dataset that is open in rasterio. It stays open.

    In rasters (the open dataset, and the files that need rasterio), the model's bands are found by their names, as
    `landcover predict` finds them. Values are used as they are, in the units of the training images. Notes on stderr
    tell what was chosen, each kind once per model. Two keyword arguments choose otherwise:

    - `bands`: numbers, from 1, or names of the raster's bands, in the model's order; for a model of ordinary images
      also one band for all three;
    - `stretch`: "image", or two percentiles of each band, such as (2, 98), that become the range of the training
      images: 0 to 255 if these have 8 bits. Needed where one has 8 bits and the other has not.

    The keyword arguments `tta`, `scales`, `window`, `overlap`, `batch_size` and `engine` say how images are labelled;
    see `landcover.api.labelling.InferenceKeywords`.

    Attributes:
        classes: Names and colours of the classes. A label is an index into `classes.names`; `classes.encode(labels)`
            makes a colour image of labels, uint8 (H, W) to uint8 RGB (H, W, 3).
        path: The file that it was loaded from; None if there were several.
        bands: Names of the bands that it takes, in their order.
        dtype: Pixel type of the training images, NumPy's name.
        scale: The model's working resolution over that of the images, 0 < scale <= 1.
        device: Where the network computes.
    """

    def __init__(self, model: model_file.Model) -> None:
        self._model = model
        self._noted: set[str] = set()  # kinds of notes that were printed

    @property
    def classes(self) -> ClassTable:  # noqa: D102 (here and below: the class describes it)
        return self._model.classes

    @property
    def path(self) -> Path | None:  # noqa: D102
        return self._model.path

    @property
    def bands(self) -> tuple[str, ...]:  # noqa: D102
        return self._model.images.bands

    @property
    def dtype(self) -> str:  # noqa: D102
        return self._model.images.dtype

    @property
    def scale(self) -> float:  # noqa: D102
        return self._model.scale

    @property
    def device(self) -> torch.device:  # noqa: D102
        return next(self._model.network.parameters()).device

    def __repr__(self) -> str:
        names = ", ".join(self.classes.names)
        files = ", ".join(repr(str(file)) for file in self._model.files)
        return f"<landcover.Model {files}: {self._model.architecture}, {names}; on {self.device}>"

    def predict(
        self,
        image: "np.ndarray | str | PathLike[str] | DatasetReader",
        *,
        bands: Sequence[int | str] | None = None,
        stretch: Percentiles | None = None,
        **options: Unpack[InferenceKeywords],
    ) -> np.ndarray:
        """Label every pixel of an image with its most probable class.

        Args:
            image: An array, a path or an open dataset; see `Model`, as for the other arguments.
            bands: Of a raster, the numbers or names of the model's bands.
            stretch: Of a raster, "image" or the percentiles that become the range of the training images.
            options: `tta`, `scales`, `window`, `overlap`, `batch_size`, `engine`.

        Returns:
            uint8 (H, W): indices into `classes.names`, and 255 where the image has no data. The labels are those of the
            map that `landcover predict` writes.

        Raises:
            LandcoverError: The array is of another type or shape; the file cannot be read, or lacks a band; it has
                8 bits and the training images have not, or the reverse; an option is out of range; or there is not
                enough memory.

        Example:
            >>> labels = model.predict("town.jpg", tta="d4")
            >>> (labels == model.classes.names.index("water")).mean()  # share of water
            0.184
        """
        with self._opened(image, bands, stretch) as strips:
            return np.concatenate(list(label_strips(self._model, strips, InferenceOptions(**options))))

    def probabilities(
        self,
        image: "np.ndarray | str | PathLike[str] | DatasetReader",
        *,
        bands: Sequence[int | str] | None = None,
        stretch: Percentiles | None = None,
        **options: Unpack[InferenceKeywords],
    ) -> np.ndarray:
        """Give the probability of each class at every pixel of an image.

        Args and errors are those of `predict`.

        Returns:
            float32 (C, H, W) in 0..1, which add up to 1 over the C classes; NaN where the image has no data.

        Example:
            >>> sure = model.probabilities("town.jpg").max(0) > 0.9  # bool (H, W)
        """
        with self._opened(image, bands, stretch) as strips:
            result = np.empty((len(self.classes), strips.height, strips.width), np.float32)
            top = 0

            def keep(rows: np.ndarray) -> None:
                result[:, top : top + rows.shape[1]] = rows

            for labels in label_strips(self._model, strips, InferenceOptions(**options), probabilities=keep):
                top += len(labels)
        return result

    def predict_map(
        self,
        image: str | PathLike[str],
        path: str | PathLike[str],
        *,
        cog: bool = False,
        bands: Sequence[int | str] | None = None,
        stretch: Percentiles | None = None,
        **options: Unpack[InferenceKeywords],
    ) -> None:
        """Write the labels of an image of any size as a GeoTIFF, as `landcover predict` does. Needs rasterio.

        The image is read, labelled and written in strips of rows: memory does not grow with its height.

        Args:
            image: A path or a URL.
            path: Of the GeoTIFF. A file that is there is replaced once the new one is complete.
            cog: Write a Cloud Optimized GeoTIFF.
            bands: See `predict`.
            stretch: See `predict`.
            **options: See `predict`.

        Raises:
            LandcoverError: See `predict`; or the map cannot be written, or would replace the image or the model.

        Example:
            >>> model.predict_map("scene.tif", "scene_mask.tif", bands=[4, 3, 2], stretch="image")
        """
        with requiring_extra("GeoTIFFs", "geo"):
            from landcover.geo.maps import predict_map
        predict_map(
            self._model,
            location(fspath(image)),
            Path(path),
            InferenceOptions(**options),
            cog=cog,
            bands=bands,
            stretch=stretch,
            noted=self._noted,
        )

    @contextmanager
    def _opened(
        self, image: Any, bands: Sequence[int | str] | None, stretch: Percentiles | None
    ) -> Iterator[StripReader]:
        """Open an image in any of the forms."""
        spec = self._model.images
        if isinstance(image, str | PathLike):
            with open_image(location(fspath(image)), spec, bands, stretch, self._tell) as strips:
                yield strips
        elif _is_dataset(image):
            from landcover.rasters.raster import Raster

            raster = Raster(Path(image.name), image, spec, bands, stretch)
            self._tell(raster)
            yield raster
        elif bands or stretch:
            raise LandcoverError("image: bands and stretch are for rasters, not for an array. Remove them.")
        else:
            strips = ArrayStrips(image, spec)
            if line := None if "values" in self._noted else warning_of_values("image", _sample(image), spec):
                self._noted.add("values")
                warn(line)
            yield strips

    def _tell(self, raster: "Raster") -> None:
        raster.print_notes(self._noted)
        raster.warn_of_values()


def _sample(image: np.ndarray) -> list[np.ndarray]:
    """Of each band of an array, some of the pixels that are finite numbers."""
    step = max(1, max(image.shape[:2]) // _SAMPLED)
    bands = np.moveaxis(image[::step, ::step], 2, 0)
    return [band[np.isfinite(band)] for band in bands]


def _is_dataset(image: object) -> "TypeGuard[DatasetReader]":
    """Whether an object is a dataset of rasterio's, which then has been imported."""
    rasterio = sys.modules.get("rasterio")
    return rasterio is not None and isinstance(image, rasterio.DatasetBase)
