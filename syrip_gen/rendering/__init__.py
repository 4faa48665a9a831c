"""Renderers, what they take and give back, and the way from a scene to arrays."""
