"""Keypoint schemas, mappings between them, and readers of 2D poses."""
