"""Each objective with every posterior and prior, likelihood and network: a model trains, or is refused when made."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae import latents, likelihoods, networks, objectives
from keras_ae.latents import MixedPosterior, MixedPrior, RelaxedCategorical, UniformCategorical, samplers
from keras_ae.networks import MLP
from keras_ae.step_context import StepContext

X = np.random.default_rng(0).random((6, 5)).astype("float32")
SEED = tf.constant([1, 2])


def layers():
    return latents.HierarchicalNormal([7, 3])


def vamp():
    return latents.VampPrior(4)


POSTERIORS = {
    **{name: lambda name=name: name for name in latents.POSTERIORS},
    "vector_quantizer": lambda: latents.VectorQuantizer(8, code_dim=2),
    "residual_vector_quantizer": lambda: latents.ResidualVectorQuantizer(8, code_dim=2, depth=2),
    "codes in (0, 1)": lambda: latents.Deterministic(activation="sigmoid"),
    "mixed": lambda: MixedPosterior([latents.DiagonalNormal(), RelaxedCategorical(5)], [5, 5]),
    "mixed, normal": lambda: MixedPosterior([latents.DiagonalNormal(), latents.DiagonalNormal()], [5, 5]),
}
PRIORS = {
    **{name: lambda name=name: name for name in latents.PRIORS},
    "hierarchical_normal": layers,
    "vamp": vamp,
    "none": lambda: None,
    "mixed": lambda: MixedPrior([latents.StandardNormal(), UniformCategorical(5)], [5, 5]),
    "mixed, normal": lambda: MixedPrior([latents.StandardNormal(), latents.NormalMixture(3)], [5, 5]),
}
OBJECTIVES = {
    **objectives.OBJECTIVES,
    "capacity": lambda: objectives.Capacity(5.0),
    "joint_capacity": lambda: objectives.JointCapacity(1.0, 1.0),
    "total_correlation": lambda: objectives.TotalCorrelation(50),
    "KL in closed form": lambda: objectives.ELBO(kl="analytic"),
    "KL from samples": lambda: objectives.ELBO(kl="monte_carlo"),
    "capacity for samples": lambda: objectives.Capacity(5.0, kl="monte_carlo"),
    "free bits": lambda: objectives.ELBO(free_bits=0.1),
    "covariance of the codes": lambda: objectives.DisentangledInferredPrior("II"),
    "discrepancy with a rate": lambda: objectives.MaximumMeanDiscrepancy(alpha=0.5),
    "doubly reparameterized": lambda: objectives.IWAE(3, estimator="doubly_reparameterized"),
    "gradient penalty": lambda: objectives.Regularized("gradient"),
}
CLASSES = {**vars(latents), **vars(objectives), **vars(samplers)}
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "compose.md"
REFUSALS = re.findall(r"^\| `(\w+=.*?)` \| (.*?) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
PAIRS = [(posterior, prior) for posterior in POSTERIORS for prior in PRIORS]


def own(event_shape, latent_dim=10):
    """An encoder and a decoder of the user's own, which are told the condition."""

    def network(shape):
        x, context = keras.Input(shape), keras.Input((2,))
        features = keras.layers.Concatenate()([keras.layers.Flatten()(x), context])
        features = keras.layers.LayerNormalization()(keras.layers.Dense(6, "tanh")(features))
        return keras.Model([x, context], keras.layers.Dropout(0.1)(features))

    return network(event_shape), network((latent_dim,))


NETWORKS = {
    "mlp": lambda event_shape: (MLP([6]), MLP([6])),
    "gated_mlp": lambda event_shape: (networks.GatedMLP([6]), networks.GatedMLP([6])),
    "conv": lambda event_shape: (networks.ConvEncoder([3, 4]), networks.ConvDecoder([3, 4])),
    "resnet": lambda event_shape: (networks.ResNetEncoder([3], blocks=1), networks.ResNetDecoder([3], blocks=1)),
    "own": own,
}
# A posterior and a prior for each objective, the first that it takes.
LATENTS = [
    ("diagonal_normal", "standard_normal"),
    ("codes in (0, 1)", "none"),
    ("vector_quantizer", "none"),
    ("mixed", "mixed"),
    ("diagonal_normal", "normal_mixture"),
]


def model_of(posterior, prior, objective, network="mlp", event_shape=(5,), **others):
    """The model, or the sentence that refuses it."""
    parts = {"posterior": POSTERIORS[posterior](), "prior": PRIORS[prior](), "objective": OBJECTIVES[objective]()}
    try:
        pair = NETWORKS[network](event_shape)
        return kae.Autoencoder(*pair, latent_dim=10, condition=kae.Categorical(2), **parts, **others)
    except ValueError as error:
        return str(error)


def model_with(objective, **others):
    """A model with that objective, and a posterior and a prior that it takes."""
    models = (model_of(posterior, prior, objective, **others) for posterior, prior in LATENTS)
    return next(model for model in models if not isinstance(model, str))


def check_one_gradient(model, x, name):
    labels = np.arange(len(x)) % 2
    model.build((None, *x.shape[1:]))
    model.condition.adapt(labels)
    with tf.GradientTape() as tape:
        terms = model.terms(x, tf.constant(labels), StepContext(SEED, training=True))
        loss = tf.reduce_mean(terms["loss"])
    assert all(np.isfinite(values).all() for values in terms.values()), name
    gradients = tape.gradient(loss, model.trainable_variables)
    pairs = zip(gradients, model.trainable_variables, strict=True)
    found = {each.path: tf.convert_to_tensor(gradient) for gradient, each in pairs if gradient is not None}
    assert all(np.isfinite(gradient).all() for gradient in found.values()), name
    for network in (model.encoder, model.decoder):
        assert any(np.any(found[each.path]) for each in network.trainable_variables if each.path in found), name
    learned = [] if model.prior_layer is None else model.prior_layer.trainable_variables
    assert [each.path for each in learned if each.path not in found] == [], name


@pytest.mark.slow
@pytest.mark.parametrize("posterior, prior", PAIRS)
def test_every_objective_trains_or_is_refused_when_the_model_is_made(posterior, prior):
    for name in OBJECTIVES:
        model = model_of(posterior, prior, name)
        if isinstance(model, str):
            assert "Received: " in model and "\n" not in model and len(model) < 400, (name, model)
            assert any(words in model for _, words in REFUSALS), (name, model)
        else:
            check_one_gradient(model, X, name)


@pytest.mark.parametrize("name", first(1, OBJECTIVES))
def test_every_objective_is_in_the_file_of_its_model(name, tmp_path):
    model = model_with(name)
    model.compile(run_eagerly=True)
    model.fit(X, np.arange(len(X)) % 2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    given, found = (each.evaluate(X, np.arange(len(X)) % 2, verbose=0, return_dict=True) for each in (model, again))
    assert given == pytest.approx(found, rel=1e-6)
    assert set(given) == {"loss", *model.objective.terms_with(model.prior_layer)}


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", likelihoods.LIKELIHOODS)
def test_every_objective_trains_with_every_likelihood(likelihood):
    support = likelihoods.LIKELIHOODS[likelihood].support
    x = np.round(9 * X) if support is not None and support.whole else X
    for name in OBJECTIVES:
        check_one_gradient(model_with(name, likelihood=likelihood), x, name)


@pytest.mark.slow
@pytest.mark.parametrize("event_shape", [(5,), (7, 2), (8, 8, 1)], ids=str)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_objective_trains_with_every_network_or_is_refused_when_it_is_built(network, event_shape):
    x = np.random.default_rng(1).random((6, *event_shape)).astype("float32")
    for name in OBJECTIVES:
        model = model_with(name, network=network, event_shape=event_shape)
        if network in ("conv", "resnet") and len(event_shape) == 1:
            with pytest.raises(
                ValueError, match=r"takes sequences \[T, C\], images .* Received: examples of shape \(5,\)"
            ):
                model.build((None, *x.shape[1:]))
        else:
            check_one_gradient(model, x, name)


def test_every_network_is_tried_here():
    assert set(NETWORKS) == {*networks.ENCODERS, *networks.DECODERS, "own"}


def test_the_page_lists_refusals():
    assert len(REFUSALS) == PAGE.read_text(encoding="utf-8").partition("## Incompatible parts")[2].count("\n| `") > 20


@pytest.mark.parametrize("arguments, words", REFUSALS)
def test_what_the_page_says_is_refused_is_refused_in_its_words(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        kae.Autoencoder(latent_dim=10, **eval(f"dict({arguments})", CLASSES))
    assert "Received: " in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "posterior, prior, objective, message",
    [
        ("planar_flow", "standard_normal", "total_correlation", "with a closed-form density for each dimension"),
        ("planar_flow", "standard_normal", "disentangled_inferred_prior", "with a closed-form mean"),
        ("mixed", "mixed", "covariance of the codes", "with a closed-form covariance"),
        ("top_down_normal", "hierarchical_normal", "contractive", "with a closed-form mean"),
        ("relaxed_categorical", "uniform_categorical", "piwae", "whose codes have a density in training"),
        ("mixed", "mixed", "KL from samples", "whose codes have a density in training"),
        ("diagonal_normal", "real_nvp", "KL in closed form", '"auto" or "monte_carlo"'),
        ("diagonal_normal", "vamp", "free bits", "factorize over dimensions"),
        ("diagonal_normal", "normal_mixture", "reconstruction", "would never be trained"),
    ],
)
def test_the_sentence_says_what_is_missing(posterior, prior, objective, message):
    assert message in model_of(posterior, prior, objective)


@pytest.mark.parametrize("posterior", ["diagonal_normal", "full_covariance_normal"])
@pytest.mark.parametrize("prior", ["standard_normal", "conditional_normal"])
def test_normal_pairs_have_a_closed_form(posterior, prior):
    assert not isinstance(model_of(posterior, prior, "KL in closed form"), str)
