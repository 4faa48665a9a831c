"""Make labelled synthetic infant images from 2D infant poses."""
