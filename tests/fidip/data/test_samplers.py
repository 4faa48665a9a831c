"""Samplers: shares, shuffling, processes."""

from collections import Counter

import pytest

from fidip.data.samplers import DomainSampler, OrderedSampler

FLAGS = [False] * 5 + [True] * 20


def batches(sampler, epoch=0):
    sampler.epoch = epoch
    return [[key.index for key in batch] for batch in sampler]


def test_half_of_every_batch_is_synthetic():
    for batch in batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=0)):
        assert sum(FLAGS[i] for i in batch) == 4


def test_an_epoch_sees_the_larger_domain_once_and_the_smaller_evenly():
    counts = Counter(i for batch in batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=0)) for i in batch)
    assert [counts[i] for i in range(5)] == [4] * 5
    assert [counts[i] for i in range(5, 25)] == [1] * 20


def test_every_epoch_has_its_own_order_and_a_run_repeats_it():
    sampler = DomainSampler(FLAGS, 8, is_balanced=True, seed=0)
    assert batches(sampler, 0) != batches(sampler, 1)
    assert batches(sampler, 1) == batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=0), 1)
    assert batches(sampler, 1) != batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=1), 1)


def test_short_epochs_go_on_where_the_last_stopped():
    sampler = DomainSampler(FLAGS, 8, is_balanced=True, seed=0, samples_per_epoch=16)
    seen = Counter(i for epoch in range(5) for batch in batches(sampler, epoch) for i in batch)
    assert [seen[i] for i in range(5, 25)] == [2] * 20


def test_processes_share_the_batches_out():
    whole = batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=0))
    parts = [
        batches(DomainSampler(FLAGS, 8, is_balanced=True, seed=0, rank=rank, world_size=2)) for rank in (0, 1)
    ]
    assert [a + b for a, b in zip(*parts, strict=True)] == whole
    assert all(sum(FLAGS[i] for i in batch) == 2 for part in parts for batch in part)


def test_unbalanced_takes_everybody_once():
    counts = Counter(
        i for batch in batches(DomainSampler(FLAGS, 5, is_balanced=False, seed=0)) for i in batch
    )
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    "size, world, text", [(9, 2, "shared out among 2"), (1, 1, "cannot hold both domains")]
)
def test_bad_batch_sizes(size, world, text):
    with pytest.raises(ValueError, match=text):
        DomainSampler(FLAGS, size, is_balanced=True, seed=0, world_size=world)


def test_ordered_sampler_covers_everything_once():
    parts = [OrderedSampler(7, 2, rank=r, world_size=2) for r in (0, 1)]
    found = [key.index for part in parts for batch in part for key in batch]
    assert sorted(found) == list(range(7))
    assert [len(part) for part in parts] == [2, 2]
