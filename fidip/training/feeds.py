"""The loaders of a run."""

from collections.abc import Sequence

from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from fidip.config import Recipe
from fidip.data.annotations import PersonRecord
from fidip.data.augmentation import Augmentation
from fidip.data.dataset import PersonCrops
from fidip.data.images import ImageStore
from fidip.data.loaders import automatic_workers, make_loader
from fidip.data.samplers import DomainSampler, OrderedSampler
from fidip.models.interface import NetworkSpec
from syrip_gen.keypoints.catalog import get_schema

__all__ = ["Feeds"]

PRE_STAGE_SEED = 1_000_003
"""Added to the seed in the pre-stage, which thus sees the pictures in another order than the first epoch."""


class Feeds:
    """Makes the loaders of a run; all share the decoded pictures."""

    def __init__(
        self,
        recipe: Recipe,
        spec: NetworkSpec,
        fabric: Fabric,
        store: ImageStore,
        *,
        seed: int,
        num_workers: int | None,
    ) -> None:
        """Set up; ``num_workers`` None chooses by device and cores."""
        self.recipe, self.spec, self.fabric, self.store, self.seed = recipe, spec, fabric, store, seed
        self.num_workers = (
            automatic_workers(fabric.device, fabric.world_size) if num_workers is None else num_workers
        )

    def training(self, records: Sequence[PersonRecord]) -> DataLoader:
        """Return the loader of the main training."""
        t = self.recipe.training
        return self._shuffled(records, t.batch_size, t.samples_per_epoch, t.balance == "sampler", self.seed)

    def pre_stage(self, records: Sequence[PersonRecord]) -> DataLoader:
        """Return the loader of the classifier's pre-stage."""
        d = self.recipe.domain
        seed = self.seed + PRE_STAGE_SEED
        return self._shuffled(records, d.pre_batch_size, d.pre_samples_per_epoch, True, seed)

    def validation(self, records: Sequence[PersonRecord]) -> DataLoader:
        """Return a loader of plain crops, in order."""
        share = max(1, self.recipe.training.batch_size // self.fabric.world_size)
        sampler = OrderedSampler(
            len(records), share, rank=self.fabric.global_rank, world_size=self.fabric.world_size
        )
        return make_loader(self._crops(records, None, 0), sampler, self.num_workers)

    def _shuffled(
        self,
        records: Sequence[PersonRecord],
        batch_size: int,
        samples_per_epoch: int | None,
        is_balanced: bool,
        seed: int,
    ) -> DataLoader:
        sampler = DomainSampler(
            [record.is_synthetic for record in records],
            batch_size,
            is_balanced=is_balanced,
            seed=seed,
            samples_per_epoch=samples_per_epoch,
            rank=self.fabric.global_rank,
            world_size=self.fabric.world_size,
        )
        augmentation = Augmentation(**self.recipe.augmentation.model_dump())
        crops = self._crops(records, augmentation, seed)
        return make_loader(crops, sampler, self.num_workers, pin_memory=self.fabric.device.type == "cuda")

    def _crops(
        self, records: Sequence[PersonRecord], augmentation: Augmentation | None, seed: int
    ) -> PersonCrops:
        return PersonCrops(
            records,
            self.store,
            input_size=self.spec.input_size,
            padding=self.recipe.training.padding,
            augmentation=augmentation,
            seed=seed,
            schema=get_schema(self.recipe.data.schema_name),
        )
