"""Likelihoods: the features of the decoder to p(x given z)."""

from keras_ae.likelihoods.bernoulli import Bernoulli
from keras_ae.likelihoods.continuous_bernoulli import ContinuousBernoulli
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.normal import Normal
from keras_ae.names import resolve

LIKELIHOODS = {"bernoulli": Bernoulli, "continuous_bernoulli": ContinuousBernoulli, "normal": Normal}

__all__ = ["LIKELIHOODS", "Bernoulli", "ContinuousBernoulli", "Likelihood", "Normal", "get"]


def get(value):
    """The likelihood that a short name or an instance stands for."""
    return resolve("likelihood", value, LIKELIHOODS, Likelihood)
