"""Readers of published datasets in the layouts in which they are distributed."""
