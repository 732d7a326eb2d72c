"""Maps in buckets: drawn in a folder here, by the same code as any other map, then uploaded."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from landcover.cli.map_formats import Job
from landcover.geo.legends import legend_files
from landcover.system import object_store
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote, location


@contextmanager
def outputs_here(*outputs: str | None) -> Iterator["OutputsHere"]:
    """Yield the folder in which outputs are that belong elsewhere; errors of the body name their URLs.

    Args:
        outputs: As a user gave them. If all are paths of this machine, no folder is made.
    """
    if not any(isinstance(location(output), Remote) for output in outputs if output):
        yield OutputsHere(None)
        return
    with TemporaryDirectory(prefix="landcover-") as folder:
        here = OutputsHere(Path(folder))
        try:
            yield here
        except LandcoverError as error:
            lines = [line.replace(f"{folder}/s3/", "s3://").replace(f"{folder}/gs/", "gs://") for line in error.lines]
            raise LandcoverError(*(line.replace(f"{folder}/az/", "az://") for line in lines)) from error
        finally:
            here.remove_empty_blocks()


class OutputsHere:
    """A folder that holds outputs at SCHEME/BUCKET/KEY until they are uploaded.

    Those that exist there already are empty files here, or copies if their content matters.

    Args:
        folder: Empty; None if all outputs stay on this machine.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._existing: dict[Path, int] = {}  # time of the last change of each copy
        self._blocks: Path | None = None

    def path(self, output: str) -> Path:
        """Where an output is drawn: in this folder if it is a URL; else where it says.

        Raises:
            LandcoverError: It is a URL that takes no files.
        """
        place = location(output)
        if isinstance(place, Path) or self._folder is None:
            return Path(output)
        scheme, _, rest = place.url.partition("://")
        if scheme.startswith("http"):
            raise LandcoverError(f"{place}: a web server takes no files. Name a bucket: s3://, gs:// or az://.")
        path = self._folder / scheme / rest
        if ".." in path.parts or "?" in rest or "#" in rest or "@" in rest:
            raise LandcoverError(f"{place}: not the name of a file or folder in a bucket. Correct it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def place(self, path: Path) -> Remote | None:
        """Where a file belongs; None if it stays on this machine."""
        if self._folder is None or not path.is_relative_to(self._folder):
            return None
        scheme, *rest = path.relative_to(self._folder).parts
        return Remote(f"{scheme}://{'/'.join(rest)}")

    def blocks(self, path: Path) -> Path | None:
        """Where blocks of maps are kept that belong elsewhere; None for maps of this machine.

        The folder has the same name in each run, so that the work goes on after an interruption.

        Args:
            path: The output, of `path`.
        """
        if place := self.place(path):
            digest = hashlib.sha256(place.url.encode()).hexdigest()[:16]
            self._blocks = Path(gettempdir(), f"landcover-blocks-{digest}")
        return self._blocks

    def remove_empty_blocks(self) -> None:
        """Remove the folder of `blocks`, unless there are some in it."""
        if self._blocks:
            with suppress(OSError):
                self._blocks.rmdir()

    def find_existing(self, jobs: Sequence[Job], polygons: Path | None) -> None:
        """Let outputs be here that exist there.

        Args:
            jobs: What would be drawn.
            polygons: Where those of the only map would be drawn.

        Raises:
            LandcoverError: The bucket cannot be asked.
        """
        needed = {job.item for job in jobs} | ({polygons, jobs[0].mask} if polygons else set())
        listed = dict[str, list[str]]()
        for path in _outputs(jobs, polygons):
            place = self.place(path)
            if place is None:
                continue
            folder = place.parent
            if folder.url not in listed:
                listed[folder.url] = object_store.names(folder)
            if path.name in listed[folder.url]:
                path.parent.mkdir(parents=True, exist_ok=True)
                if path in needed:
                    object_store.download(place, path)
                else:
                    path.touch()
                self._existing[path] = path.stat().st_mtime_ns

    def check(self, jobs: Sequence[Job], new: Sequence[Job], polygons: Path | None) -> None:
        """Check that no image, and no file beside one, is replaced.

        Args:
            jobs: All that are read.
            new: Those whose outputs will be uploaded.
            polygons: Where those of the only map are drawn.

        Raises:
            LandcoverError: One would be.
        """
        read = {str(file): file for job in jobs for file in job.files() if isinstance(file, Remote)}
        folders = {str(file.parent) for file in read.values()}
        for path in _outputs(new, polygons):
            place = self.place(path)
            if place and str(place) in read:
                raise LandcoverError(f"{place}: an input, which would be replaced. Name another output.")
            if place and path in self._existing and str(place.parent) in folders:
                raise LandcoverError(
                    f"{place}: exists already, in the folder of the images, and may be the truth. "
                    "Name another folder, or remove it."
                )

    def upload(self, jobs: Iterable[Job], polygons: Path | None = None) -> None:
        """Upload what was drawn: of each job the map itself last, so that it is complete once it is there.

        Raises:
            LandcoverError: A file cannot be written.
        """
        for job in jobs:
            beside = [path for path in job.outputs() if path != job.mask]
            legends = legend_files(job.mask) if job.format.is_georeferenced else []
            for path in [*legends, *beside, *([polygons] if polygons else []), job.mask]:
                place = self.place(path)
                if place is None or not path.is_file():
                    continue
                status = path.stat()
                if status.st_size and self._existing.get(path) != status.st_mtime_ns:
                    object_store.upload(path, place)
                    self._existing[path] = status.st_mtime_ns


def _outputs(jobs: Iterable[Job], polygons: Path | None) -> list[Path]:
    return [*(path for job in jobs for path in job.outputs()), *([polygons] if polygons else [])]
