"""DataLoaders over crops: worker processes that prepare batches ahead of the network."""

import os

import cv2
import torch
from torch.utils.data import DataLoader

from fidip.data.dataset import PersonCrops, collate
from fidip.data.samplers import DomainSampler, OrderedSampler

__all__ = ["automatic_workers", "make_loader"]

MAX_WORKERS = 16


def automatic_workers(device: torch.device, world_size: int = 1) -> int:
    """Return how many worker processes to start for each training process.

    On a CPU the network needs the cores and one worker keeps ahead of it; a GPU is fed by all cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if device.type == "cpu":
        return 1 if cores > 1 else 0
    return max(1, min(MAX_WORKERS, cores // world_size))


def make_loader(
    crops: PersonCrops, sampler: DomainSampler | OrderedSampler, num_workers: int, *, pin_memory: bool = False
) -> DataLoader:
    """Return a loader of :class:`fidip.data.dataset.CropBatch`."""
    cv2.setNumThreads(0)  # here, before the fork: a forked process waits for ever for its parent's threads
    return DataLoader(
        crops,
        batch_sampler=sampler,
        num_workers=num_workers,
        collate_fn=collate,
        generator=torch.Generator(),  # its own: drawing workers' seeds must not touch the run's generator
        pin_memory=pin_memory,
        persistent_workers=num_workers > 0,
        prefetch_factor=4 if num_workers else None,
    )
