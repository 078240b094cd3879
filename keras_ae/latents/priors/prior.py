from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_ae.latents.code_distribution import CodeDistribution
from keras_ae.latents.spaces import Family, Product


class SharedEncoder(NamedTuple):
    """The encoder of a model, for a prior that uses it.

    Args:
        params: function from (x [B, *event], features of a condition [B, F] or `None`) to the parameters of q(z|x).
        distribution: function from these parameters to q(z|x), a `tfd.Distribution`.
        draw: function from (parameters, seeds, rows, temperature) to codes, as `Posterior.draw`.
        event_shape: the shape of an example.
    """

    params: Callable
    distribution: Callable
    draw: Callable
    event_shape: tuple[int, ...]


class Prior(CodeDistribution):
    """Base class of priors p(z) or p(z|c).

    Class attributes:
        family: as in `Posterior`.
        formulas: `Formula.FACTORIZED` if the density factorizes over dimensions.
    """

    family: Family | Product | None = None
    formulas = frozenset()

    @property
    def learns(self) -> bool:
        """Whether it has trainable weights."""
        return False

    def bind_encoder(self, encoder: SharedEncoder) -> None:
        """Passes the encoder to a prior that uses it, when the model is built.

        Args:
            encoder: a `SharedEncoder`.
        """

    def bind_codebooks(self, codebooks: Callable[[], tf.Tensor]) -> None:
        """Passes the codebooks to a prior over their entries, when the model is built.

        Args:
            codebooks: function that returns the entries [depth, K, code_dim].
        """


class LearnedPrior(Prior):
    """Base class of priors that are trained with the model. With `trainable=False`, the weights stay fixed, even if the
    model's `trainable` is set later."""

    def __init__(self, **kwargs):
        trainable = kwargs.get("trainable", True)
        if not isinstance(trainable, bool):
            raise ValueError(f"`trainable` must be True or False. Received: trainable={trainable!r}")
        self._kept = kwargs.pop("kept", not trainable)
        super().__init__(**kwargs)

    @property
    def learns(self) -> bool:
        return self.trainable

    @property
    def trainable(self):
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.layers.Layer.trainable.fset(self, bool(value) and not self._kept)

    def get_config(self):
        frozen = not self.trainable and not self._kept  # set by an assignment, which another assignment may undo
        return {**super().get_config(), **({"kept": False} if frozen else {})}
