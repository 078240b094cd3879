"""How likely held-out data is under a model, and what its codes carry.

draws.py            draws from q(z|x), reduced to a few numbers of each example in one program
log_likelihood.py   importance-weighted log p(x), with its diagnostics
elbo.py             ELBO, KL, reconstruction; bits per dimension
rate_distortion.py  the rate-distortion curve of decoder and prior
dimensions.py       KL of each dimension, active units
aggregate.py        mutual information, and the KL of the aggregate posterior from the prior
metrics.py          these as metrics of a `Subject`
"""

from keras_ae.evaluate.likelihood import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.likelihood.aggregate import KLDecomposition, kl_decomposition
from keras_ae.evaluate.likelihood.dimensions import active_units, kl_of_dimensions
from keras_ae.evaluate.likelihood.elbo import bits_per_dimension, elbo
from keras_ae.evaluate.likelihood.log_likelihood import ImportanceSampling, importance_sampling, log_likelihood
from keras_ae.evaluate.likelihood.rate_distortion import RateDistortion, rate_distortion

__all__ = [
    "ImportanceSampling",
    "KLDecomposition",
    "RateDistortion",
    "active_units",
    "bits_per_dimension",
    "elbo",
    "importance_sampling",
    "kl_decomposition",
    "kl_of_dimensions",
    "log_likelihood",
    "rate_distortion",
]
