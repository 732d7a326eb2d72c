"""The processes that share a run, as `torchrun` starts them. A process that is started alone is a group of one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from landcover.system.files import replacing

Item = TypeVar("Item")


class _AllReduce(torch.autograd.Function):
    """Sum over the processes. The loss of each may depend on the sum: the gradient is the sum of all gradients.

    torch.distributed.nn.functional.all_reduce is the same, but deprecated in favour of a private module.
    """

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    backward = forward


@dataclass(frozen=True)
class Processes:
    """This process among those of its run.

    Attributes:
        rank: Its number, 0, 1, ..., over all machines.
        count: Number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes the outputs and prints: rank 0."""
        return self.rank == 0

    def shard(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items that this process works on: every `count`-th, starting with the `rank`-th."""
        return items[self.rank :: self.count]

    def slice_of(self, length: int) -> slice:
        """The contiguous part of `length`, a multiple of `count`, that this process works on."""
        size = length // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def differentiable_all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum over the processes; gradients flow back to all of them."""
        return tensor if self.count == 1 else _AllReduce.apply(tensor)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum over the processes, without gradients."""
        tensor = tensor.detach().clone()
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensors of all processes, which have the same shape, by rank, without gradients."""
        tensor = tensor.detach().contiguous()
        if self.count == 1:
            return [tensor]
        gathered = [torch.empty_like(tensor) for _ in range(self.count)]
        distributed.all_gather(gathered, tensor)
        return gathered

    def broadcast(self, tensor: Tensor) -> None:
        """Overwrite a tensor with that of rank 0."""
        if self.count > 1:
            distributed.broadcast(tensor, src=0)

    def broadcast_object(self, value: Item) -> Item:
        """The value of rank 0, any object that can be pickled."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def barrier(self) -> None:
        """Wait until all processes have called this."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def process_group(device: torch.device) -> Iterator[Processes]:
    """Join the processes that `torchrun` started with this one; by nccl on NVIDIA GPUs, by gloo on CPUs."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()


@contextmanager
def shared_folder(path: Path, processes: Processes) -> Iterator[Path]:
    """Yield a scratch folder, the same to all processes, which replaces `path` when all of them are done."""
    with replacing(path) if processes.is_main else nullcontext() as scratch:
        if scratch:
            scratch.mkdir()
        yield processes.broadcast_object(scratch or path)
        processes.barrier()
