"""The elements of figures: grids of images and of curves, projections to a plane, files."""
