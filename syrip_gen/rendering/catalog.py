"""The renderers that exist, as data: where each lives and what must be installed before it is imported."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from syrip_gen.rendering.types import Renderer

__all__ = ["CATALOG", "RendererSpec", "check_renderer", "make_renderer"]


@dataclass(frozen=True, slots=True)
class RendererSpec:
    """One renderer, described without importing it."""

    path: str
    """``module:Class``; the class takes no arguments."""
    requires: str | None = None
    """Module that must be importable, None when the core dependencies are enough."""
    extra: str | None = None
    """Extra of syrip that installs it."""


CATALOG: Mapping[str, RendererSpec] = MappingProxyType(
    {
        "raster": RendererSpec("syrip_gen.rendering.raster:RasterRenderer"),
        "pyrender": RendererSpec(
            "syrip_gen.rendering.pyrender_backend:PyrenderRenderer", requires="pyrender", extra="pyrender"
        ),
    }
)


def check_renderer(name: str) -> RendererSpec:
    """Return the renderer's entry, or say why it cannot be used; imports nothing heavy.

    Raises:
        ValueError: When no renderer has this name.
        ImportError: When the extra that it needs is not installed.
    """
    if name not in CATALOG:
        raise ValueError(f"unknown renderer {name!r}; expected one of {', '.join(CATALOG)}")
    spec = CATALOG[name]
    if spec.requires and importlib.util.find_spec(spec.requires) is None:
        raise ImportError(
            f"the renderer {name!r} needs the package {spec.requires!r}: pip install 'syrip[{spec.extra}]', "
            "or use --renderer raster"
        )
    return spec


def make_renderer(name: str) -> Renderer:
    """Import and create a renderer by name."""
    module, _, cls = check_renderer(name).path.partition(":")
    return getattr(importlib.import_module(module), cls)()
