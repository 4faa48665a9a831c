"""Scripts that run inside Blender's own Python; they import neither syrip_gen nor fidip."""
