"""Pose networks on photos and video."""
