"""Where a run computes: device, arithmetic, one or several processes."""

import ctypes
import os
from collections.abc import Iterable
from typing import Any, Literal

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

__all__ = ["average_gradients", "average_over_processes", "gather_lists", "keep_memory", "open_fabric"]

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Numbers of glibc's mallopt."""


def open_fabric(device: Literal["auto", "cpu", "cuda"], precision: Literal["auto", "32", "bf16"]) -> Fabric:
    """Choose the device and join the other processes if torchrun started several.

    Raises:
        ValueError: If a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch sees no GPU here. Use --device cpu or auto.")
    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "bf16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "32"
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    fabric = Fabric(
        accelerator=kind,
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )
    fabric.launch()
    return fabric


def average_gradients(fabric: Fabric, parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes, in one message.

    Done here rather than by DistributedDataParallel, because the classifier is run twice a step, once without
    its gradients.
    """
    if fabric.world_size == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= fabric.world_size
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def average_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes."""
    if fabric.world_size == 1:
        return values
    values = values.clone()
    dist.all_reduce(values)
    return values / fabric.world_size


def gather_lists(fabric: Fabric, items: list[Any]) -> list[Any]:
    """Return the items of all processes together."""
    if fabric.world_size == 1:
        return items
    parts: list[Any] = [None] * fabric.world_size
    dist.all_gather_object(parts, items)
    return [item for part in parts for item in part]


def keep_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back and asking again.

    Training on a CPU allocates and frees the same large blocks every step; each return to the system costs
    page faults (9.4 to 14 images/s with MoveNet). Does nothing with another C library.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)
    except (OSError, AttributeError):
        return
