"""How usual the statistics of an example are together."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ae.outliers.density import Density, fit_density
from keras_ae.outliers.evidence import Evidence


class JointDensity:
    """-log density of several statistics of an example together, in nats.

    It sees what no statistic shows alone, on either side: a blurred example has a usual deviance, but a small one for
    its entropy. Statistics that are positive for all usual examples count by their logarithms.

    Args:
        usual: usual examples.
        names: names of statistics; those that usual examples do not have, or that do not vary, are left out. Of
            constant data, the first stays.
        density: the fitted density, if there is one.

    References:
        Morningstar et al. 2021, arXiv:2006.09273, for densities of statistics, there one by one.
    """

    def __init__(self, usual: Evidence, names: Sequence[str], density: Density | None = None):
        values = {name: usual.statistic(name) for name in names if name in usual.statistics}
        varying = [name for name, each in values.items() if np.ptp(each) > 0] or list(values)[:1]
        self._lowest = {name: float(values[name].min()) for name in varying}
        matrix = np.stack(self._columns(usual), axis=-1)
        scale = matrix.std(axis=0)
        self._loc, self._scale = matrix.mean(axis=0), np.where(scale > 0, scale, 1.0)
        self.density = fit_density((matrix - self._loc) / self._scale, seed=0) if density is None else density

    def __call__(self, evidence: Evidence) -> np.ndarray | tf.Tensor:
        """Returns [B]: an array or, in the graph of an export, a tensor."""
        columns = self._columns(evidence)
        scaled = [(each - loc) / scale for each, loc, scale in zip(columns, self._loc, self._scale, strict=True)]
        return self.density((tf if tf.is_tensor(columns[0]) else np).stack(scaled, axis=-1))

    def _columns(self, evidence):
        found = []
        for name, lowest in self._lowest.items():
            values = evidence.statistic(name)
            if lowest <= 0:
                found.append(values)
            elif tf.is_tensor(values):
                found.append(tf.math.log(tf.maximum(values, _BELOW * lowest)))
            else:
                found.append(np.log(np.maximum(values, _BELOW * lowest)))
        return found


_BELOW = 0.1  # of the lowest usual value: the smallest that counts
