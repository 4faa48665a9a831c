"""Pose networks behind one interface."""
