"""What figures are made of: grids of images and of curves, projections to a plane, files."""
