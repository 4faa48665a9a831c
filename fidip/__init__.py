"""Learn infant pose networks from real and synthetic images."""
