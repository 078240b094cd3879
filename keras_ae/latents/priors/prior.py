import keras

from keras_ae.latents.code_distribution import CodeDistribution
from keras_ae.latents.spaces import Family, Product


class Prior(CodeDistribution):
    """Base class of priors p(z) or p(z|c).

    Class attributes:
        family, formulas: as in `Posterior`; of the closed forms, only `FACTORIZED`.
    """

    family: Family | Product | None = None
    formulas = frozenset()

    @property
    def learns(self) -> bool:
        """Whether it has trainable weights."""
        return False

    def bind_encoder(self, encoder):
        """Passes the encoder to a prior that uses it, when the model is built.

        Args:
            encoder: a `SharedEncoder`.
        """

    def bind_codebooks(self, codebooks):
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
