"""Batches that hold both domains in fixed shares, in an order new every epoch and the same on every run."""

from collections.abc import Iterator, Sequence

import numpy as np

from fidip.data.dataset import SampleKey

__all__ = ["DomainSampler", "OrderedSampler"]


class DomainSampler:
    """Draws global batches, of which every process yields its own share.

    Balanced, half of every batch is synthetic and half real, whatever their numbers (FiDIP's sampler repeats
    the smaller domain too, but in the same order every epoch; here both are shuffled and repeated evenly).
    Every batch is full, so that a mean over batches is a mean over samples, with any number of processes, and
    each process sees both domains.
    """

    def __init__(
        self,
        is_synthetic: Sequence[bool],
        batch_size: int,
        *,
        is_balanced: bool,
        seed: int,
        samples_per_epoch: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Set up; ``batch_size`` counts the samples of all processes together."""
        if batch_size % world_size:
            raise ValueError(
                f"--batch-size {batch_size} is shared out among {world_size} processes: give a multiple of it"
            )
        flags = np.asarray(is_synthetic, bool)
        both = flags.any() and not flags.all()
        groups = [np.flatnonzero(~flags), np.flatnonzero(flags)] if is_balanced and both else []
        self.groups = groups or [np.arange(len(flags))]
        if batch_size < len(self.groups):
            raise ValueError("--batch-size 1 cannot hold both domains; give 2 or more")
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        natural = max(len(group) for group in self.groups) * len(self.groups)
        self.num_batches = max(1, -(-(samples_per_epoch or natural) // batch_size))
        self.epoch = 0

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[list[SampleKey]]:
        order = self.epoch_order()
        for batch in range(self.num_batches):
            share = self.batch_size // self.world_size
            start = batch * self.batch_size + self.rank * share
            places = range(start, start + share)
            yield [SampleKey(self.epoch, place, int(order[place])) for place in places]

    def epoch_order(self) -> np.ndarray:
        """Return (num_batches * batch_size,) record indices of this epoch, domains taking turns."""
        total = self.num_batches * self.batch_size
        order = np.empty(total, np.int64)
        for i, group in enumerate(self.groups):
            places = np.arange(i, total, len(self.groups))
            order[places] = self._stream(group, i, len(places))
        return order

    def _stream(self, group: np.ndarray, stream: int, count: int) -> np.ndarray:
        """Return the part of an endless row of permutations that belongs to this epoch.

        Epochs that are shorter than a domain go on where the last one stopped, so that nothing is left out.
        """
        begin = self.epoch * count
        rounds = range(begin // len(group), (begin + count - 1) // len(group) + 1)
        drawn = np.concatenate(
            [np.random.default_rng((self.seed, 1 + stream, r)).permutation(group) for r in rounds]
        )
        offset = begin - rounds[0] * len(group)
        return drawn[offset : offset + count]


class OrderedSampler:
    """Every record once, in order; every process takes each ``world_size``-th."""

    def __init__(self, count: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> None:
        self.count, self.batch_size, self.rank, self.world_size = count, batch_size, rank, world_size

    def __len__(self) -> int:
        return -(-len(range(self.rank, self.count, self.world_size)) // self.batch_size)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        mine = range(self.rank, self.count, self.world_size)
        for start in range(0, len(mine), self.batch_size):
            yield [SampleKey(0, i, i) for i in mine[start : start + self.batch_size]]
