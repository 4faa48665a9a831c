"""The renderers that exist, as data: where each lives, what it needs and what it can be told."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from syrip_gen.rendering.types import Renderer

__all__ = ["CATALOG", "RendererChoice", "RendererSpec", "check_renderer", "make_renderer"]


@dataclass(frozen=True, slots=True)
class RendererSpec:
    """One renderer, described without importing it."""

    path: str
    """``module:Class``; the class takes ``options`` as keyword arguments."""
    requires: str | None = None
    """Module that must be importable, None when the core dependencies are enough."""
    extra: str | None = None
    """Extra of syrip that installs it."""
    options: tuple[str, ...] = ()
    """Settings that it takes."""
    is_slow: bool = False
    """Whether a picture takes seconds and all cores; it stops its own process when that hangs, and says by
    ``versions()`` what it runs on."""


CATALOG: Mapping[str, RendererSpec] = MappingProxyType(
    {
        "raster": RendererSpec("syrip_gen.rendering.raster:RasterRenderer"),
        "pyrender": RendererSpec(
            "syrip_gen.rendering.pyrender_backend:PyrenderRenderer", requires="pyrender", extra="pyrender"
        ),
        "cycles": RendererSpec(
            "syrip_gen.rendering.cycles_backend:CyclesRenderer",
            options=("samples", "blender", "device"),
            is_slow=True,
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


def make_renderer(name: str, **options: Any) -> Renderer:
    """Import and create a renderer by name; the catalog says which options it takes."""
    module, _, cls = check_renderer(name).path.partition(":")
    return getattr(importlib.import_module(module), cls)(**options)


@dataclass(frozen=True, slots=True)
class RendererChoice:
    """A renderer and what it is told: small and picklable, so that every worker can open its own."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Renderer:
        """Create the renderer."""
        return make_renderer(self.name, **self.options)

    def versions(self) -> dict[str, str]:
        """Return what its pictures depend on beside the settings, after a check that it works.

        Raises:
            ValueError: When it cannot be used as it is told to.
            FileNotFoundError: When a program that it needs is missing.
            RendererLostError: When it does not start.
        """
        if not CATALOG[self.name].is_slow:
            return {}
        renderer = self.open()
        try:
            return renderer.versions()
        finally:
            renderer.close()
