"""The models that every check is run on, and their data: tiny, one row a model."""

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.latents import AutoregressivePrior
from keras_ae.models import MODELS

EVENT = (5, 4, 2)
NUM = 48
RNG = np.random.default_rng(0)
X = (RNG.random((NUM, 1, 1, 1)) * RNG.random((1, *EVENT)) > 0.3).astype("float32") * 0.9  # a few factors to find
LABELS = (np.arange(NUM) % 3).astype("int32")
CONDITIONS = {
    "none": (None, None),
    "categorical": (lambda: kae.Categorical(3), LABELS),
    "mixed": (
        lambda: {"digit": kae.Categorical(3), "slant": kae.Continuous(2)},
        {"digit": LABELS, "slant": RNG.normal(size=(NUM, 2)).astype("float32")},
    ),
}


@dataclasses.dataclass(frozen=True)
class Row:
    """What is tried with a model.

    Args:
        conditions: names in `CONDITIONS`: `fit` is tried with each of them, in a graph and on devices with the first,
            step by step with the one in the middle, and compiled, as everything else, with the last.
        arguments: a function that gives what this model needs to be tiny.
        sampler: what is fitted to the codes of a model that has no prior.
        learns_from_unknown: whether `fit` and `evaluate` are given labels of which every second is unknown.
    """

    conditions: tuple = ("none", "categorical", "mixed")
    arguments: Callable = dict
    sampler: str | None = None
    learns_from_unknown: bool = False


TABLE = {
    "ae": Row(sampler="normal"),
    "denoising_ae": Row(sampler="gaussian_mixture"),
    "sparse_ae": Row(sampler="normal"),
    "contractive_ae": Row(sampler="kernel_density"),
    "regularized_ae": Row(sampler="gaussian_mixture"),
    "parametric_tsne": Row(arguments=lambda: {"num_landmarks": 8}, sampler="normal"),
    "vae": Row(),
    "beta_vae": Row(),
    "annealed_vae": Row(),
    "beta_tc_vae": Row(arguments=lambda: {"num_examples": NUM}),
    "dip_vae": Row(),
    "info_vae": Row(),
    "wae": Row(),
    "cvae": Row(("categorical", "mixed")),
    "factor_vae": Row(),
    "adversarial_ae": Row(),
    "vae_gan": Row(),
    "hierarchical_vae": Row(),
    "ladder_vae": Row(),
    "vqvae": Row(arguments=lambda: {"code_dim": 1}, sampler="autoregressive"),
    "residual_vqvae": Row(arguments=lambda: {"code_dim": 1, "prior": AutoregressivePrior(8, hidden=(16,))}),
    "iwae": Row(arguments=lambda: {"num_samples": 5}),
    "miwae": Row(arguments=lambda: {"num_groups": 2, "num_samples": 3}),
    "ciwae": Row(arguments=lambda: {"num_samples": 5}),
    "piwae": Row(arguments=lambda: {"num_groups": 2, "num_samples": 3}),
    "joint_vae": Row(arguments=lambda: {"latent_dim": 5, "categories": [3]}),
    "gaussian_mixture_vae": Row(),
    "vamp_prior_vae": Row(arguments=lambda: {"components": 20}),
    "flow_posterior_vae": Row(),
    "flow_prior_vae": Row(),
    "spherical_vae": Row(),
    "conditional_prior_vae": Row(("categorical", "mixed")),
    "semi_supervised_vae": Row(("categorical", "mixed"), learns_from_unknown=True),
}
NAMES = list(TABLE)


def in_short_run(*names):
    """All names for `parametrize`; those that are not given are for the run with the slow tests alone."""
    return [pytest.param(name, marks=() if name in names else pytest.mark.slow) for name in TABLE]


TRAINED = in_short_run("vqvae")  # tests/export has others
_TRAINED_EAGERLY = ("vae_gan", "ladder_vae")
TRAINED_EAGERLY = in_short_run(*_TRAINED_EAGERLY)
PAIRS = [(name, condition) for name, row in TABLE.items() for condition in row.conditions]


def in_the_middle(name):
    """The condition that a model is trained with step by step."""
    conditions = TABLE[name].conditions
    return conditions[(len(conditions) - 1) // 2]


# In the short run: the models that are trained step by step, and a mixed condition.
_SHORT = {(name, in_the_middle(name)) for name in _TRAINED_EAGERLY} | {("cvae", "mixed")}
FILES = [pytest.param(*pair, marks=() if pair in _SHORT else pytest.mark.slow) for pair in PAIRS]
# In the short run, every model has one condition, and each condition has some models.
_CONDITION = {name: row.conditions[i % len(row.conditions)] for i, (name, row) in enumerate(TABLE.items())}
CONFIGS = [pytest.param(*pair, marks=() if pair[1] == _CONDITION[pair[0]] else pytest.mark.slow) for pair in PAIRS]


def make(name, condition=None, **compiled):
    """A tiny model, compiled, and the values of its condition."""
    keras.utils.set_random_seed(2)
    row = TABLE[name]
    factory, values = CONDITIONS[condition or row.conditions[-1]]
    arguments = {"latent_dim": 2, **row.arguments()} | ({} if factory is None else {"condition": factory()})
    model = MODELS[name](kae.networks.MLP([16]), kae.networks.MLP([16]), **arguments)
    if model._adversary is not None:
        compiled["discriminator_optimizer"] = keras.optimizers.Adam(0.001)
    model.compile(keras.optimizers.Adam(0.01), **compiled)
    return model, values


def prepare(model, x, condition):
    """Builds a model for examples, and adapts it to their conditions."""
    model.build((None, *x.shape[1:]))
    if condition is not None:
        model.condition.adapt(condition)


@functools.cache
def trained(name):
    """A model that XLA's loop trained and that can sample, the values of its condition, and the loss of each epoch."""
    model, values = make(name, jit_compile=True)
    history = model.fit(X, to_learn(name, values), epochs=8, batch_size=16, verbose=0).history
    if model.sampler is None:
        model.fit_sampler(TABLE[name].sampler, X, values, verbose=False)
    return model, values, history[shown(model)]


@functools.cache
def trained_eagerly(name, condition):
    """The same, step by step without a graph."""
    model, values = make(name, condition, run_eagerly=True)
    history = model.fit(X, to_learn(name, values), epochs=4, batch_size=48, verbose=0).history
    return model, values, history[shown(model)]


def shown(model):
    """What gets lower: the loss, or the reconstruction, where a discriminator that learns raises the loss."""
    return "reconstruction" if model._adversary is not None else "loss"


def to_learn(name, values):
    """The values of a condition as `fit` and `evaluate` are given them: some are unknown, where a model knows how."""
    if not TABLE[name].learns_from_unknown:
        return values
    if isinstance(values, dict):
        return {**values, "digit": to_learn(name, values["digit"])}
    return np.where(np.arange(len(values)) % 2, -1, values)


def rows(values, num):
    """The first values of a condition."""
    return None if values is None else keras.tree.map_structure(lambda v: v[:num], values)
