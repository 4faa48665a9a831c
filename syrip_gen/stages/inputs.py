"""From what the user named to a fit bank: read poses, digest inputs, fit or reuse fits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrip_gen.asset_files import asset_path
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.load import has_smpl_uv
from syrip_gen.config import AnimateConfig, GenerateConfig
from syrip_gen.fitting import fit_poses
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.priors import load_prior
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.keypoints.readers import read_poses
from syrip_gen.sampling.appearance.texture_files import TextureFolder
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.photos import open_photos
from syrip_gen.stages.provenance import input_digests, versions
from syrip_gen.stages.renderers import unused_options

__all__ = ["BUNDLED_POSES", "PoseInputs", "identity_of", "make_bank", "read_inputs"]

BUNDLED_POSES = "poses/example_poses.json"
BUNDLED_BODY = "bodies/infant.npz"
BUNDLED_PRIOR = "priors/infant_gmm.npz"
PATH_SETTINGS = ("body", "pose_prior", "textures", "backgrounds")


@dataclass(frozen=True, slots=True)
class PoseInputs:
    """What the pose files hold: poses to fit, or fits made before."""

    poses: PoseSet | None
    bank: FitBank | None
    notes: tuple[str, ...]


def read_inputs(paths: Sequence[str]) -> PoseInputs:
    """Read pose files, or one saved fit bank; no paths = the bundled poses.

    Raises:
        FileNotFoundError: When a file is not there.
        ValueError: When one cannot be used; says why.
    """
    files = [Path(path) for path in paths] or [asset_path(BUNDLED_POSES)]
    banks = [path for path in files if _is_bank(path)]
    if banks and len(files) > 1:
        raise ValueError(
            f"--poses {banks[0]}: a fit bank must be the only --poses. Run syrip generate once for each, or "
            "fit the pose files together."
        )
    if banks:
        return PoseInputs(poses=None, bank=FitBank.load(banks[0]), notes=())
    poses = PoseSet.concatenate([read_poses(path) for path in files])
    return PoseInputs(poses=poses, bank=None, notes=poses.notes)


def check_pictures(options: SamplingOptions, body: BodyAssets) -> list[str]:
    """Open the user's backgrounds and textures once, before any work; return what to know of them, in words.

    Raises:
        FileNotFoundError: When a folder is not there.
        ValueError: When there is no usable picture in it.
    """
    notes = []
    if options.backgrounds:
        photos = open_photos(options.backgrounds, options.max_image_pixels)
        notes += _skipped("backgrounds", len(photos), photos.skipped)
    if options.textures:
        folder = TextureFolder(options.textures, options.max_image_pixels)
        notes += _skipped("textures", len(folder.names), folder.skipped)
        if not has_smpl_uv(body):
            notes.append(
                f"textures: body '{body.name}' has a UV layout of its own, on which SURREAL and MINI-RGBD "
                "textures look torn: they need --body SMIL_FILE with its template.obj beside it"
            )
    return notes


def make_bank(
    inputs: PoseInputs, body: BodyAssets, pose_prior: str, progress: Callable[[int], None] | None = None
) -> FitBank:
    """Return the saved bank, or fit the poses now; ``progress`` is told how many more are done."""
    if inputs.bank is not None:
        return inputs.bank
    assert inputs.poses is not None
    done = 0

    def report(count: int, _total: int) -> None:
        nonlocal done
        if progress is not None:
            progress(count - done)
        done = count

    return fit_poses(inputs.poses, body, load_prior(pose_prior), progress=report)


def identity_of(
    config: GenerateConfig | AnimateConfig,
    sources: Mapping[str, str | Sequence[str] | None],
    *,
    uses_prior: bool,
) -> dict[str, Any]:
    """Return settings, input digests and versions: together they decide every byte of the dataset.

    Args:
        config: The settings.
        sources: Files that the poses come from, by the name of the option; None = not given.
        uses_prior: Whether the pose prior is used: it is not where poses are bodies already.
    """
    skip = {*PATH_SETTINGS, *sources, *unused_options(config.renderer)}
    settings = {key: value for key, value in config.identity().items() if key not in skip}
    paths = {
        **sources,
        "body": str(asset_path(BUNDLED_BODY)) if config.body == "infant" else config.body,
        "pose_prior": _prior_path(config.pose_prior) if uses_prior else None,
        "textures": config.textures,
        "backgrounds": config.backgrounds,
    }
    return {"settings": settings, "inputs": input_digests(paths), "versions": versions()}


def _skipped(what: str, usable: int, skipped: Mapping[str, int]) -> list[str]:
    if not skipped:
        return []
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return [f"{what}: {usable} usable files, skipped {reasons}"]


def _prior_path(name: str) -> str:
    return str(asset_path(BUNDLED_PRIOR)) if name == "infant" else name


def _is_bank(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"PK"
