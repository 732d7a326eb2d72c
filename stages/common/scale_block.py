"""The block `scale` of params.yaml: who does the work of the stages. What they make does not depend on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from landcover.scale.options import BLOCK, BLOCK_UNIT, ScaleOptions
from landcover.system.errors import requiring_extra
from landcover.system.mapping import Mapper
from landcover.system.settings import Count, Settings

if TYPE_CHECKING:
    from landcover.scale.cluster import Cluster


class Scale(Settings):
    """The block `scale` of params.yaml."""

    workers: Count = Field(
        0,
        description="processes that are started on this machine to do the work of prepare, predict and evaluate, with "
        "one thread each, or one for each GPU; 0: the stages do it themselves",
    )
    scheduler: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="Dask scheduler whose workers do this work: its address, such as tcp://10.0.0.5:8786, or "
        "the path of its scheduler file; null for none",
    )
    block: Annotated[int, Field(ge=BLOCK_UNIT, multiple_of=BLOCK_UNIT, lt=2**31)] = Field(
        BLOCK, description="side in pixels of the blocks in which workers draw the map of a scene"
    )

    @model_validator(mode="after")
    def _check(self) -> "Scale":
        if self.workers and self.scheduler is not None:
            raise ValueError(
                f"workers = {self.workers}: are processes of this machine, but scheduler = {self.scheduler} has its "
                "own. Set one of them to 0 or null"
            )
        return self

    @property
    def is_single(self) -> bool:
        """Whether the process of the stage does the work."""
        return not self.workers and self.scheduler is None

    @contextmanager
    def cluster(self, device: str = "cpu") -> Iterator["Cluster | None"]:
        """The workers that are asked for; None if this process does the work.

        Args:
            device: Where the networks of the workers run, see `cluster.connected`.

        Raises:
            LandcoverError: They cannot be started or reached, or Dask is not installed.
        """
        if self.is_single:
            yield None
            return
        with requiring_extra("Workers (scale.workers, scale.scheduler)", "scale"):
            from landcover.scale.cluster import connected
        with connected(ScaleOptions(**self.model_dump()), device) as cluster:
            yield cluster

    @contextmanager
    def mapper(self) -> Iterator[Mapper | None]:
        """What lets the workers do work; None if this process does it. Raises as `cluster` does."""
        with self.cluster() as cluster:
            if cluster is None:
                yield None
                return
            from landcover.scale.cluster_map import ClusterMap

            yield ClusterMap(cluster)
