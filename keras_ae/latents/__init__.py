"""Latents: posteriors, priors and samplers of the codes z.

    spaces          code spaces, and the closed forms that a distribution has, as typed values
    distributions   distributions in the style of TensorFlow Probability
    bijectors       layers of normalizing flows
    posteriors      layers: features to q(z|x)
    priors          layers: p(z) or p(z|c), trained with the model
    samplers        densities fitted to the codes of a trained model

The tables of posteriors, priors and samplers list the public classes.
"""

from keras_ae.latents import posteriors, priors, samplers
from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.inference import Inference
from keras_ae.latents.posteriors import *
from keras_ae.latents.priors import *
from keras_ae.latents.priors.prior import SharedEncoder
from keras_ae.latents.samplers import *

_TABLES = {*posteriors.__all__, *priors.__all__, *samplers.__all__} - {"get"}

__all__ = ["Hierarchy", "Inference", "SharedEncoder", "posteriors", "priors", "samplers", *sorted(_TABLES)]
