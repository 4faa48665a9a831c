"""What a dataset was made from: settings, versions, digests and licences; no clocks and no hosts."""

import hashlib
import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syrip_gen.asset_files import file_sha256
from syrip_gen.body.assets import BodyAssets

if TYPE_CHECKING:
    from syrip_gen.config import AnimateConfig, GenerateConfig

__all__ = ["command_line", "digest_of", "input_digests", "package_version", "versions"]

SHIPPED = "Apache-2.0, as syrip"
OWN = "its owner's terms; syrip cannot know them"
VERSIONED_PACKAGES = ("numpy", "scipy", "numba", "opencv-python-headless", "torch", "pillow", "pycocotools")


def package_version() -> str:
    """Return syrip's own version (``0+unknown`` when it runs from a folder that was never installed)."""
    try:
        return metadata.version("syrip")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def versions() -> dict[str, str]:
    """Return the versions of everything that the pixels and labels depend on."""
    found = {"syrip": package_version(), "python": platform.python_version()}
    for name in VERSIONED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def digest_of(value: Any) -> str:
    """Return a SHA-256 of JSON-able data that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def path_digest(path: str | Path) -> str:
    """Return a digest of a file's bytes, or of the names and sizes of everything in a folder.

    Raises:
        FileNotFoundError: When there is nothing at the path.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(entry for entry in path.rglob("*") if entry.is_file())
        return digest_of([[str(entry.relative_to(path)), entry.stat().st_size] for entry in files])
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Check the path.")
    return file_sha256(path)


def input_digests(inputs: Mapping[str, str | Sequence[str] | None]) -> dict[str, list[dict[str, str]]]:
    """Return name and digest of every input path, by option name; options that are not set are left out."""
    digests: dict[str, list[dict[str, str]]] = {}
    for option, paths in inputs.items():
        if paths:
            entries = [paths] if isinstance(paths, str) else list(paths)
            digests[option] = [{"name": Path(entry).name, "sha256": path_digest(entry)} for entry in entries]
    return digests


def command_line(verb: str, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the shortest command that asks for these settings."""
    words = ["syrip", verb]
    for name, value in settings.items():
        if value == defaults.get(name):
            continue
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        else:
            for entry in value if isinstance(value, list | tuple) else [value]:
                words += [flag, shlex.quote(str(entry))]
    return " ".join(words)


def licences(config: "GenerateConfig | AnimateConfig", body: BodyAssets) -> list[dict[str, str]]:
    """Return whose terms the dataset falls under: one entry for everything that went into it."""
    prior = "syrip's infant prior" if config.pose_prior == "infant" else Path(config.pose_prior).name
    return [
        _entry("body", body.name, body.licence),
        _entry("pose prior", prior, SHIPPED if config.pose_prior == "infant" else OWN),
        _source(config),
        _entry("skin and clothes", Path(config.textures).name, OWN)
        if config.textures
        else _entry(
            "skin and clothes", "painted, with ambientCG fabrics", "CC0 1.0", "https://ambientcg.com"
        ),
        _entry("lights", "from Poly Haven HDRIs", "CC0 1.0", "https://polyhaven.com"),
        _entry("rooms", "ambientCG materials, Poly Haven views", "CC0 1.0", "https://ambientcg.com"),
        *([_entry("character", Path(config.character).name, OWN)] if _has(config, "character") else []),
        *([_entry("backgrounds", Path(config.backgrounds).name, OWN)] if config.backgrounds else []),
    ]


def _has(config: "GenerateConfig | AnimateConfig", name: str) -> bool:
    return getattr(config, name, None) is not None


def _source(config: "GenerateConfig | AnimateConfig") -> dict[str, str]:
    """Return the entry of what the bodies' poses come from."""
    if not hasattr(config, "poses"):
        if config.motion:
            return _entry("motion", Path(config.motion).name, OWN)
        return _entry(
            "motion",
            "crawl, a motion clip of DeepMimic",
            "MIT and zlib",
            "https://github.com/xbpeng/DeepMimic",
        )
    poses = ", ".join(Path(path).name for path in config.poses)
    return _entry("poses", poses, OWN) if poses else _entry("poses", "syrip's example poses", "CC0 1.0")


def _entry(what: str, name: str, licence: str, source: str = "") -> dict[str, str]:
    return {"what": what, "name": name, "licence": licence, "source": source}
