"""Rotations and cameras as pure functions."""
