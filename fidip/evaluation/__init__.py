"""Figures of pose networks and predictions."""
