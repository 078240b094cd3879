import keras
import numpy as np
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.priors.flow_priors import FlowPrior, MaskedAutoregressiveFlow, RealNVP
from keras_ae.latents.samplers.gradient_sampler import GradientSampler
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.parts import build_once, freeze
from keras_ae.registry import resolve

FLOWS = {"real_nvp": RealNVP, "masked_autoregressive_flow": MaskedAutoregressiveFlow}


@keras.saving.register_keras_serializable(package="keras_ae")
class FlowSampler(GradientSampler, WhitenedSampler):
    """A flow fitted by maximum likelihood: loss = -log p(w) of the whitened codes w.

    A tenth of the codes is held out for early stopping, and the best weights are restored. It starts
    near `NormalSampler`.

    Args:
        flow: `"real_nvp"`, `"masked_autoregressive_flow"` or an instance of one of the two.
        epochs: maximum number of epochs.
        patience: number of epochs without improvement on the held-out codes after which training stops.
        learning_rate: learning rate of Adam.

    Example:
        >>> import numpy as np
        >>> sampler = FlowSampler(RealNVP(2, hidden=(8,)), epochs=2)
        >>> sampler.fit(np.random.rand(200, 2), verbose=False)
        >>> sampler.distribution().log_prob(np.zeros([5, 2], "float32")).shape
        TensorShape([5])

    References:
        Dinh, Sohl-Dickstein and Bengio 2017, arXiv:1605.08803, for the flow; Ghosh et al. 2020, arXiv:1903.12436,
        section 4, for densities fitted to the codes of a trained model.
    """

    def __init__(
        self,
        flow: str | FlowPrior = "real_nvp",
        *,
        epochs: int = 200,
        patience: int = 10,
        learning_rate: float = 1e-3,
        **kwargs,
    ):
        super().__init__(epochs, patience, learning_rate, **kwargs)
        if flow is None:
            raise ValueError(f"`flow` must be one of {sorted(FLOWS)} or an instance. Received: flow=None")
        self.flow = resolve("flow", flow, FLOWS, FlowPrior)

    def check_latent_dim(self, latent_dim: int) -> None:
        self.flow.check_latent_dim(latent_dim)

    def build(self, input_shape):
        super().build(input_shape)
        build_once(self.flow, (None, *self.event_shape))
        freeze(self.flow)

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        self._descend([self.flow], lambda w, _: -self._whitened(None).log_prob(w), codes, seed=seed, verbose=verbose)

    def _whitened(self, context: Context) -> tfd.Distribution:
        return self.flow.distribution()

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        return self.flow.sample(seeds, rows, temperature=temperature)
