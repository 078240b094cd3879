"""Exploration of a model: arrays first, figures second.

Arrays are NumPy in, NumPy out; figures are `matplotlib.figure.Figure` objects without any global state.

| Question | Arrays | Figure |
|---|---|---|
| How does training go? | `callbacks.Snapshots`, `callbacks.read_snapshots` | `training_curves`, `learning` |
| What comes out again? | `model.reconstruct` | `reconstructions` |
| Where are the codes? | `codes_2d`, `code_plane`, `density`, `spread_out`, `code_support` | `latent_map` |
| What does a dimension, a path, a direction do? | `traversal`, `interpolation`, `geodesic`, `attribute_vector`, `along_attribute` | `traversal_figure`, `interpolation_figure`, `attribute_figure` |
| What does the plane decode to? | `manifold` | `manifold_figure`, `property_planes` |
| What does a property do? | `property_sweep` | `property_figure`, `samples_by_condition` |
| Where do samples come from? | `sample_sources` | `samples`, `sample_sources_figure` |
| Which examples are outliers? | `outliers.explain`, `outlier_rows` | `outlier_scores`, `outlier_examples` |
| Are there groups? | `cluster_means` | `cluster_figure`, `contrast_figure` |
| Are tables and sequences like the real ones? | `bands` | `curve_bands`, `parallel_coordinates`, `pair_plots` |
| What does a volume contain? | `volume_slices` | `volume_figure` |

`gallery` makes all figures that suit a model, `themed` gives a figure a dark or a light theme, `save` writes it. `live`
writes a page to play with in a browser.
"""  # noqa: E501

from keras_ae.drawing.figure_files import save
from keras_ae.drawing.image_grid import image_grid, tile
from keras_ae.drawing.style import themed
from keras_ae.evaluate.maps.code_plane import CodePlane, code_plane
from keras_ae.evaluate.maps.codes_2d import codes_2d
from keras_ae.explore.attributes import along_attribute, attribute_figure, attribute_vector
from keras_ae.explore.clusters import ClusterMeans, cluster_figure, cluster_means, contrast_figure
from keras_ae.explore.code_support import code_support
from keras_ae.explore.gallery import KINDS, gallery
from keras_ae.explore.geodesic import geodesic, path_lengths
from keras_ae.explore.interpolation import interpolation, interpolation_figure
from keras_ae.explore.latent_map import latent_map
from keras_ae.explore.learning import learning
from keras_ae.explore.manifold import manifold, manifold_figure
from keras_ae.explore.map_layers import density, spread_out
from keras_ae.explore.outlier_figures import outlier_examples, outlier_rows, outlier_scores
from keras_ae.explore.page.write import live
from keras_ae.explore.pictures import reconstructions, samples, samples_by_condition
from keras_ae.explore.property_figures import property_figure, property_planes, property_sweep
from keras_ae.explore.real_against_generated import bands, curve_bands, pair_plots, parallel_coordinates
from keras_ae.explore.sample_sources import SampleSource, sample_sources, sample_sources_figure
from keras_ae.explore.training_curves import training_curves
from keras_ae.explore.traversal import traversal, traversal_figure
from keras_ae.explore.volumes import volume_figure, volume_slices

__all__ = [
    "KINDS", "ClusterMeans", "CodePlane", "SampleSource", "along_attribute", "attribute_figure", "attribute_vector",
    "bands", "cluster_figure", "cluster_means", "code_plane", "code_support", "codes_2d", "contrast_figure",
    "curve_bands", "density", "gallery", "geodesic", "image_grid", "interpolation", "interpolation_figure",
    "latent_map", "learning", "live", "manifold", "manifold_figure", "outlier_examples", "outlier_rows",
    "outlier_scores", "pair_plots", "parallel_coordinates", "path_lengths", "property_figure", "property_planes",
    "property_sweep", "reconstructions", "sample_sources", "sample_sources_figure", "samples", "samples_by_condition",
    "save", "spread_out", "themed", "tile", "training_curves", "traversal", "traversal_figure", "volume_figure",
    "volume_slices",
]  # fmt: skip
