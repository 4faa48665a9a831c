"""What one run of a command is told: checked values, from the command line and from a YAML file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

__all__ = ["AnimateConfig", "ConfigError", "FitConfig", "GenerateConfig", "build_config", "read_config_file"]

MIN_SIZE_PX, MAX_SIZE_PX = 64, 4096
ConfigT = TypeVar("ConfigT", bound=BaseModel)


class ConfigError(ValueError):
    """A setting is wrong; the message names it, what it was, and what was expected."""


def _option(default: Any, help_: str, **extra: Any) -> Any:
    """Declare a field that doubles as a command-line option (see :mod:`syrip_gen.config_options`)."""
    limits = {key: extra.pop(key) for key in ("ge", "le", "gt", "lt") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def _check_not_empty(cls, value: Any) -> Any:
        if any(isinstance(word, str) and not word.strip() for word in _entries(value)):
            raise ValueError("expected a path or a word, got nothing")
        return value


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _body_option() -> Any:
    return _option(
        "infant", "infant (shipped) or an SMPL-format .npz or .pkl such as SMIL's.", metavar="FILE"
    )


def _pose_prior_option() -> Any:
    return _option(
        "infant",
        "infant (shipped) or a mixture-of-Gaussians file (smil_pose_prior.pkl, gmm_08.pkl).",
        metavar="FILE",
    )


def _samples_option() -> Any:
    return _option(32, "Light paths per pixel, with --renderer cycles.", ge=1, le=65536)


def _blender_option() -> Any:
    return _option(
        None,
        "Blender's executable or a Python that has bpy, with --renderer cycles; none = SYRIP_BLENDER, what "
        "'make blender' installed, or blender on the PATH.",
        metavar="PATH",
        run_only=True,
    )


def _device_option() -> Any:
    return _option("auto", "What Cycles computes on, with --renderer cycles; auto = a GPU if there is one.")


def _workers_option() -> Any:
    return _option(
        "auto",
        "Worker processes; auto = one per core, or with --renderer cycles one that has all cores (with N "
        "workers each Blender has 1/N of them).",
        metavar="N|auto",
        run_only=True,
    )


def _textures_option() -> Any:
    return _option(
        None, "Folder of UV texture images for the body; none = painted skin and clothes.", metavar="DIR"
    )


def _backgrounds_option() -> Any:
    return _option(
        None,
        "Folder of photos, text file listing them, or LSUN LMDB; none = shipped rooms.",
        metavar="DIR|LIST|LMDB",
    )


def _executor_option() -> Any:
    return _option(
        "local",
        "Where shards run: local, or a Ray cluster (RAY_ADDRESS; needs the extra 'ray').",
        run_only=True,
    )


def _resume_option() -> Any:
    return _option(False, "Go on with a run that was interrupted (same settings only).", run_only=True)


class _DatasetConfig(_Config):
    """What the settings of commands that make datasets have in common: checks, and what decides the bytes."""

    @field_validator("size", check_fields=False)
    @classmethod
    def _check_size(cls, value: str) -> str:
        match = re.fullmatch(r"(\d{1,6})[x×X](\d{1,6})", value.strip())
        if not match:
            raise ValueError("expected HEIGHTxWIDTH in pixels, such as 480x640")
        height, width = map(int, match.groups())
        if not all(MIN_SIZE_PX <= side <= MAX_SIZE_PX for side in (height, width)):
            raise ValueError(f"both sides must be {MIN_SIZE_PX} to {MAX_SIZE_PX} pixels, such as 480x640")
        return f"{height}x{width}"

    @field_validator("workers", check_fields=False)
    @classmethod
    def _check_workers(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= 512:
            raise ValueError("expected auto or a number from 1 to 512")
        return value

    @property
    def height(self) -> int:
        """Image height, pixels."""
        return int(self.size.split("x")[0])

    @property
    def width(self) -> int:
        """Image width, pixels."""
        return int(self.size.split("x")[1])

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the bytes of the dataset (not how or where it is made)."""
        skip = {
            name
            for name, info in type(self).model_fields.items()
            if (info.json_schema_extra or {}).get("run_only")
        }
        return self.model_dump(mode="json", exclude=skip | {"output"})


class GenerateConfig(_DatasetConfig):
    """Settings of ``syrip generate``."""

    poses: tuple[str, ...] = _option(
        (),
        "2D poses: COCO annotations or results, OpenPose JSON, AH-CoLT pickle, or a fits.npz. May be given "
        "several times; none = the bundled example poses.",
        metavar="FILE",
    )
    n: int = _option(1000, "Number of images.", ge=1)
    output: str = _option("out", "Dataset folder, or any fsspec URL.", metavar="DIR", short="-o")
    seed: int = _option(0, "Root seed; the same seed and settings give the same bytes.", ge=0)
    workers: int | Literal["auto"] = _workers_option()
    size: str = _option("480x640", "Image size as HEIGHTxWIDTH, pixels.", metavar="HxW")
    renderer: Literal["raster", "pyrender", "cycles"] = _option(
        "raster",
        "raster (built in), pyrender (OpenGL; needs the extra 'pyrender') or cycles (photo-like, seconds a "
        "picture; needs Blender: make blender).",
    )
    samples: int = _samples_option()
    blender: str | None = _blender_option()
    device: Literal["auto", "cpu", "gpu"] = _device_option()
    body: str = _body_option()
    pose_prior: str = _pose_prior_option()
    textures: str | None = _textures_option()
    backgrounds: str | None = _backgrounds_option()
    rotations: Literal["gravity", "paper"] = _option(
        "gravity", "Global rotations: gravity (sensible for the posture) or the paper's ten."
    )
    depth: bool = _option(False, "Also write depth maps (16-bit PNG, millimetres, 0 = no body).")
    masks: bool = _option(False, "Also write body masks (PNG, 255 = visible body).")
    executor: Literal["local", "ray"] = _executor_option()
    resume: bool = _resume_option()


class AnimateConfig(_DatasetConfig):
    """Settings of ``syrip animate``."""

    motion: str | None = _option(
        None,
        "Motion of one person: VideoPose3D's .npy, a data_2d_custom or detectron .npz, BVH, DeepMimic, a "
        "fits.npz or a dataset's sequence.npz; none = the bundled crawling clip.",
        metavar="FILE",
    )
    output: str = _option("out", "Dataset folder, or any fsspec URL.", metavar="DIR", short="-o")
    frames: str = _option(
        "every=10",
        "Frames to photograph: every=N (each N-th), most=N (the N most different poses) or all.",
        metavar="RULE",
    )
    fps: float | None = _option(
        None,
        "Frames a second at which the clip plays; none = its own rate, or 30 where it has none.",
        metavar="FPS",
        ge=0.1,
        le=1000.0,
    )
    clip: str | None = _option(
        None, "Name of the clip in a file that holds several; none = its only one.", metavar="NAME"
    )
    keypoint_schema: str | None = _option(
        None, "Keypoint schema of the clip's points, such as h36m17; none = recognised.", metavar="NAME"
    )
    up: Literal["auto", "camera", "h36m", "world"] = _option(
        "auto",
        "Which way is up in the clip: auto, camera (it was level), h36m (VideoPose3D's view) or world (z).",
    )
    takes: int = _option(
        1, "Takes: each shows all frames with another infant, outfit, room, light and camera.", ge=1, le=1000
    )
    seed: int = _option(0, "Root seed; the same seed and settings give the same bytes.", ge=0)
    workers: int | Literal["auto"] = _workers_option()
    size: str = _option("480x640", "Image size as HEIGHTxWIDTH, pixels.", metavar="HxW")
    renderer: Literal["cycles", "raster", "pyrender"] = _option(
        "cycles",
        "cycles (photo-like, seconds a picture; needs Blender: make blender), raster (built in) or pyrender "
        "(OpenGL; needs the extra 'pyrender').",
    )
    samples: int = _samples_option()
    blender: str | None = _blender_option()
    device: Literal["auto", "cpu", "gpu"] = _device_option()
    motion_blur: bool = _option(
        False, "Expose each frame for half of the time between two, with --renderer cycles."
    )
    depth_of_field: bool = _option(False, "Focus on the infant only, with --renderer cycles.")
    body: str = _body_option()
    pose_prior: str = _pose_prior_option()
    character: str | None = _option(
        None,
        "A rigged scan of your own (.blend, .fbx, .glb or .gltf) in the body's place; needs --bone-map and "
        "--renderer cycles.",
        metavar="FILE",
    )
    bone_map: str | None = _option(
        None, "YAML that says which bones of the --character are which joints.", metavar="FILE"
    )
    save_blend: str | None = _option(
        None,
        "Also save the first take as a .blend: body, skeleton, keys, camera and lamps; needs Blender.",
        metavar="FILE",
        run_only=True,
    )
    textures: str | None = _textures_option()
    backgrounds: str | None = _backgrounds_option()
    depth: bool = _option(False, "Also write depth maps (16-bit PNG, millimetres, 0 = no body).")
    masks: bool = _option(False, "Also write body masks (PNG, 255 = visible body).")
    film: bool = _option(False, "Also write a film (MP4) of each take's pictures; needs the extra 'video'.")
    executor: Literal["local", "ray"] = _executor_option()
    resume: bool = _resume_option()

    @field_validator("frames")
    @classmethod
    def _check_frames(cls, value: str) -> str:
        if not re.fullmatch(r"all|(every|most)=0*[1-9]\d{0,8}", value.strip()):
            raise ValueError("expected every=N, most=N or all, such as every=10")
        return value.strip()


class FitConfig(_Config):
    """Settings of ``syrip fit``."""

    poses: tuple[str, ...] = _option(
        (), "2D poses (see syrip generate); none = the bundled example poses.", metavar="FILE"
    )
    output: str = _option("fits.npz", "Fit bank to write.", metavar="FILE", short="-o")
    body: str = _body_option()
    pose_prior: str = _pose_prior_option()
    overlays: str | None = _option(
        None, "Folder for pictures of the fits over the input keypoints; none = no pictures.", metavar="DIR"
    )
    images: str | None = _option(
        None,
        "Folder of the photos that the poses were annotated on, drawn behind the overlays.",
        metavar="DIR",
    )


def read_config_file(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping of settings; keys are option names with dashes or underscores."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--config {path}: cannot be read ({error}). Give a YAML file of settings."
        ) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise ConfigError(
            f"--config {path}{line}: not valid YAML ({getattr(error, 'problem', error)})."
        ) from error
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise ConfigError(f"--config {path}: expected 'name: value' lines, got a {type(data).__name__}.")
    return {str(key).replace("-", "_"): value for key, value in data.items()}


def build_config(model: type[ConfigT], values: Mapping[str, Any], source: str = "") -> ConfigT:
    """Check values against a config class and raise :class:`ConfigError` in terms of command-line options.

    Args:
        model: The config class.
        values: Settings by field name.
        source: Where unknown keys must have come from (the path of the config file), for the message.
    """
    values = dict(values)
    if isinstance(values.get("poses"), str):
        values["poses"] = (values["poses"],)
    try:
        return model(**values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            valid = ", ".join(sorted(model.model_fields))
            raise ConfigError(
                f"{source or 'settings'}: unknown key {name!r}. Valid keys: {valid}."
            ) from error
        reason = problem["msg"].removeprefix("Value error, ")
        for noun, words in (("a ", "expected a "), ("", "expected a value ")):
            reason = reason.replace(f"Input should be {noun}", words)
        raise ConfigError(f"--{name.replace('_', '-')} {values.get(name)!r}: {reason}.") from error
