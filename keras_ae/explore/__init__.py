"""Exploration of a model: arrays first, figures second.

Arrays: `traversal`, `interpolation`, `manifold`, `codes_2d`, `code_support`. Figures are `matplotlib.figure.Figure`
objects without any global state: `image_grid`, `reconstructions`, `samples`, `samples_by_condition`, `latent_map`,
`training_curves`, and `gallery` for all figures that suit a model. `save` writes them. `live` writes a page to play
with in a browser.
"""

from keras_ae.drawing.codes_2d import codes_2d
from keras_ae.drawing.image_grid import image_grid, tile
from keras_ae.drawing.saving import save
from keras_ae.explore.code_support import code_support
from keras_ae.explore.gallery import gallery
from keras_ae.explore.interpolation import interpolation
from keras_ae.explore.latent_map import latent_map
from keras_ae.explore.manifold import manifold
from keras_ae.explore.page.write import live
from keras_ae.explore.pictures import reconstructions, samples, samples_by_condition
from keras_ae.explore.training_curves import training_curves
from keras_ae.explore.traversal import traversal

__all__ = [
    "code_support", "codes_2d", "gallery", "image_grid", "interpolation", "latent_map", "live", "manifold",
    "reconstructions", "samples", "samples_by_condition", "save", "tile", "training_curves", "traversal",
]  # fmt: skip
