"""The base classes of outlier scores."""

import types
from collections.abc import Collection, Mapping

import keras
import numpy as np
import tensorflow as tf

from keras_ae.outliers.density import Density
from keras_ae.outliers.evidence import Evidence
from keras_ae.outliers.example_statistics import compiled_by_example


class Score:
    """Base class of scores. `fit` learns what is usual; a call returns [N], higher for more anomalous examples.

    Class attributes:
        uses: the names of the statistics that it uses, others are not computed; `None` for all.
        densities: what the file of a detector contains of the fit.
    """

    uses: tuple[str, ...] | None = None
    densities: Mapping[str, Density] = types.MappingProxyType({})

    def statistics(self, references: Collection[str]) -> tuple[str, ...] | None:
        """Returns the names of the statistics to compute, with the references that there are; `None` for all."""
        return self.uses

    def fit(self, usual: Evidence) -> "Score":
        """Learns from held-out usual examples, and returns the score."""
        return self

    def restore(self, usual: Evidence, densities: Mapping[str, Density]) -> "Score":
        """Same as `fit`, with densities from a file, because another machine would round them differently."""
        return self.fit(usual)

    def __call__(self, evidence: Evidence) -> np.ndarray:
        raise NotImplementedError


class StatisticScore(Score):
    """A score whose call also works in a graph, where the statistics are float32 tensors [B]: exports can contain it.

    It uses only the statistics of an example, and operators that arrays and tensors share.
    """


class GraphScore(Score):
    """Base class of scores that compute more than the statistics: in a graph of the model, which is compiled once.

    A subclass defines `compute`, and may check the model in `check`.
    """

    _compiled: tuple | None = None

    def __call__(self, evidence):
        if self._compiled is None or self._compiled[0] is not evidence.model:
            model = evidence.model
            self.check(model)
            graph = compiled_by_example(model, lambda x, context: {"score": self.compute(model, x, context)})
            self._compiled = model, graph
        return self._compiled[1](evidence.x, evidence.condition)["score"]

    def check(self, model: keras.Model) -> None:
        """Raises a `ValueError` for a model without this score."""

    def compute(self, model: keras.Model, x: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        """Returns the score [B] of examples [B, *event] with the features of their condition [B, F]."""
        raise NotImplementedError

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}  # made again
