"""Clips of 3D motion as sequences of body poses."""
