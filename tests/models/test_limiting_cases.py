"""Models that fix a part, where that part is the plain one."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae import models
from keras_ae.objectives import ELBO
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(0).random((7, 5)).astype("float32")
LABELS = np.arange(7) % 3


def small(cls, latent_dim=3, **arguments):
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([3]), latent_dim=latent_dim, **arguments)
    model.build((None, 5))
    return model


def terms_of(model, x=X, condition=None):
    return model.terms(x, condition, StepContext(SEED))


def assert_same_as(model, plain, condition=None, parts=("encoder", "decoder", "posterior_layer", "likelihood_layer")):
    for name in parts:
        weights = getattr(model, name).get_weights()
        getattr(plain, name).set_weights(weights[: len(getattr(plain, name).weights)])
    terms, expected = terms_of(model, condition=condition), terms_of(plain, condition=condition)
    assert set(terms) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-4, atol=1e-4)


def test_vamp_prior_of_the_example_itself_costs_nothing():
    model = small(models.VampPriorVAE, components=1)
    model.prior_layer.pseudo_inputs.assign(X[:1])
    np.testing.assert_allclose(terms_of(model, X[:1])["kl"], 0, atol=1e-5)
    assert abs(float(terms_of(model, X[1:2])["kl"][0])) > 1e-3
    assert models.VampPriorVAE().prior_layer.components == 500


def test_flow_prior_without_shifts_and_scales_is_the_vae():
    model = small(models.FlowPriorVAE)
    for coupling in model.prior_layer.couplings:
        coupling.last.kernel.assign(tf.zeros_like(coupling.last.kernel))
    assert_same_as(model, small(models.VAE, objective=ELBO(kl="monte_carlo")))


def test_flow_posterior_of_open_gates_is_the_vae():
    model, plain = small(models.FlowPosteriorVAE), small(models.VAE, objective=ELBO(kl="monte_carlo"))
    for network in model.posterior_layer.flow.networks:
        network.biases[-1].assign([0.0] * 3 + [30.0] * 3)  # gate = sigmoid(32) = 1
    plain.posterior_layer.set_weights(model.posterior_layer.base.get_weights())
    assert_same_as(model, plain, parts=("encoder", "decoder", "likelihood_layer"))


def test_spherical_codes_without_concentration_cost_nothing():
    model = small(models.SphericalVAE)
    kernel, bias = model.posterior_layer.dense.get_weights()
    kernel[:, -1], bias[-1] = 0.0, -20.0
    model.posterior_layer.dense.set_weights([kernel, bias])
    np.testing.assert_allclose(terms_of(model)["kl"], 0, atol=1e-5)
    bias[-1] = 20.0
    model.posterior_layer.dense.set_weights([kernel, bias])
    assert (terms_of(model)["kl"].numpy() > 1).all()


def test_conditional_prior_starts_as_the_conditional_vae():
    condition = kae.Categorical(3)
    model = small(models.ConditionalPriorVAE, condition=condition)
    assert_same_as(model, small(models.ConditionalVAE, condition=kae.Categorical(3)), LABELS)


@pytest.mark.parametrize("cls", [models.ConditionalPriorVAE, models.ConditionalVAE, models.SemiSupervisedVAE])
def test_conditional_models_need_a_condition(cls):
    with pytest.raises(ValueError, match=r"`condition` must name the properties.*Received: None"):
        cls(condition=None)


def test_joint_vae_has_capacities_of_its_own_and_codes_of_both_kinds():
    model = models.JointVAE()
    assert (model.objective.capacity.end, model.objective.categorical_capacity.end) == (5.0, np.log(10))
    assert (
        str(model.posterior_layer.space) == "10 values of real vectors, then 10 values of one-hot vectors of 10 classes"
    )
    several = models.JointVAE(latent_dim=9, categories=[2, 3], capacity=7.0, categorical_capacity=1.0, warm_up=50)
    assert several.posterior_layer.sizes == (4, 2, 3)
    assert several.objective.categorical_capacity.get_config() == {"num_steps": 50, "start": 0.0, "end": 1.0}
    several.build((None, 5))
    codes = several.sample_codes(50, seed=3).numpy()
    np.testing.assert_array_equal(codes[:, 4:6].sum(axis=1), 1)
    np.testing.assert_array_equal(codes[:, 6:].sum(axis=1), 1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"latent_dim": 10}, "`latent_dim` must be more than the 10 values of `categories`. Received: latent_dim=10"),
        ({"categories": ()}, "`categories` must be a sequence of positive integers"),
        ({"capacity": -1.0}, "`capacity` must be a finite number >= 0"),
        ({"categorical_capacity": -1.0}, "`categorical_capacity` must be a finite number >= 0"),
        ({"temperature": 0.0}, "`temperature` must be a positive number, or a schedule"),
        ({"warm_up": 0}, "`warm_up` must be a positive integer"),
        ({"gamma": -1.0}, "`gamma` must be a finite number >= 0"),
    ],
)
def test_bad_arguments_of_the_joint_vae_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.JointVAE(**arguments)
