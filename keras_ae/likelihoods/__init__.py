"""Likelihoods: Keras layers that turn the decoder's features into p(x|z)."""

from keras_ae.likelihoods.bernoulli import Bernoulli
from keras_ae.likelihoods.categorical import Categorical
from keras_ae.likelihoods.continuous_bernoulli import ContinuousBernoulli
from keras_ae.likelihoods.discretized_logistic import DiscretizedLogistic
from keras_ae.likelihoods.discretized_logistic_mixture import DiscretizedLogisticMixture
from keras_ae.likelihoods.laplace import Laplace
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.negative_binomial import NegativeBinomial
from keras_ae.likelihoods.normal import Normal
from keras_ae.likelihoods.poisson import Poisson
from keras_ae.registry import resolve

LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "continuous_bernoulli": ContinuousBernoulli,
    "discretized_logistic": DiscretizedLogistic,
    "discretized_logistic_mixture": DiscretizedLogisticMixture,
    "laplace": Laplace,
    "negative_binomial": NegativeBinomial,
    "normal": Normal,
    "poisson": Poisson,
}

__all__ = [
    "LIKELIHOODS", "Bernoulli", "Categorical", "ContinuousBernoulli", "DiscretizedLogistic",
    "DiscretizedLogisticMixture", "Laplace", "Likelihood", "NegativeBinomial", "Normal", "Poisson", "get",
]  # fmt: skip


def get(value):
    """Returns the likelihood for a short name or an instance."""
    return resolve("likelihood", value, LIKELIHOODS, Likelihood)
