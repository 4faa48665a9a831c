"""Skin, hair, eyes and clothes painted onto a body's texture."""

from syrip_gen.sampling.appearance.painter import PaintedBody, Painter, paint, texture_size
from syrip_gen.sampling.appearance.sampler import appearance_of_image, sample_appearance
from syrip_gen.sampling.appearance.texture_files import TextureFolder

__all__ = [
    "PaintedBody",
    "Painter",
    "TextureFolder",
    "appearance_of_image",
    "paint",
    "sample_appearance",
    "texture_size",
]
