import keras

from keras_ae.objectives.importance_weighted import ImportanceWeighted


@keras.saving.register_keras_serializable(package="keras_ae")
class MIWAE(ImportanceWeighted):
    """The mean of several importance-weighted bounds, each with separate samples:

        loss = -1/M sum_m log 1/K sum_k w_mk,  log w_mk = log p(x|z_mk) + log p(z_mk) - log q(z_mk|x)

    A bound of more samples is tighter, but leaves the encoder's gradient with less signal for its noise; a mean of
    bounds takes of that noise. With M = 1 it is `IWAE(K)`, with K = 1 the ELBO with M samples. A step decodes M K
    samples an example. The KL and the reconstruction that are shown are means over all samples, each taken alone.

    Args:
        num_groups: bounds per example (symbol M).
        num_samples: samples per bound (symbol K).
        estimator: estimator of the encoder's gradient, within each bound, as in `IWAE`.

    Raises:
        ValueError: as `IWAE`.

    References:
        Rainforth et al. 2018, arXiv:1802.04537, section 5, "multiply importance weighted auto-encoder".
    """

    def __init__(self, num_groups=8, num_samples=8, *, estimator="standard", **kwargs):
        super().__init__(num_groups, num_samples, estimator, **kwargs)

    def get_config(self):
        return {**super().get_config(), "num_groups": self.num_groups}
