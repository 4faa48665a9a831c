"""Decides scenes: poses, gravity, cameras, appearance, backgrounds, lights; and paints what is behind."""
