"""TFP's contract, for every distribution that a posterior, a prior, a sampler, a likelihood or a model makes.

What is new in a table of the zoo is walked without being named here. tests/parts.py
makes it small. It needs a line in `WITHOUT` for each statistic that has no formula.
"""

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import subjects
import tensorflow as tf
import tensorflow_probability as tfp
from parts import DIM, part
from tiers import first

from keras_ae import latents
from keras_ae.latents import POSTERIORS, PRIORS
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.latents.samplers import SAMPLERS
from keras_ae.latents.samplers.gradient_sampler import GradientSampler
from keras_ae.latents.spaces import Entries, Formula
from keras_ae.likelihoods import LIKELIHOODS

tfd = tfp.distributions

BATCH, FEATURES, CONTEXT = 3, 6, 5
SAMPLE_SHAPES = ((), (3,), (2, 3))
SEED = [1, 2]
STATISTICS = ("mean", "variance", "stddev", "covariance", "mode", "entropy")
# What has no formula: of a kind of part, of a name, or of a variant of it.
WITHOUT = {
    "posterior inverse_autoregressive_flow": STATISTICS,
    "posterior ladder_normal": STATISTICS,
    "posterior mixed, of a flow": STATISTICS,
    "posterior mixed, relaxed": STATISTICS,
    "posterior planar_flow": STATISTICS,
    "posterior relaxed_categorical": STATISTICS,
    "posterior relaxed_categorical, exact": (),
    "posterior top_down_normal": STATISTICS,
    "prior autoregressive": STATISTICS,
    "prior hierarchical_normal": STATISTICS,
    "prior masked_autoregressive_flow": STATISTICS,
    "prior mixed": STATISTICS,
    "prior normal_mixture": ("mode", "entropy"),
    "prior real_nvp": STATISTICS,
    "prior spherical_uniform": ("mode",),
    "prior vamp": ("mode", "entropy"),
    "prior vamp, of inverse_autoregressive_flow": STATISTICS,
    "sampler flow": STATISTICS,
    "sampler gaussian_mixture": ("mode", "entropy"),
    "sampler kernel_density": ("mode", "entropy"),
    "sampler normal, unit": STATISTICS,
    "sampler gaussian_mixture, unit": STATISTICS,
    "sampler kernel_density, unit": STATISTICS,
    "likelihood": ("covariance",),
    "likelihood discretized_logistic_mixture": ("covariance", "mode", "entropy"),
    "likelihood negative_binomial": ("covariance", "entropy"),
    "likelihood poisson": ("covariance", "entropy"),
}
WITHOUT_LOG_PROB = {
    "posterior mixed, relaxed": "Relaxed one-hot vectors have no density",
    "posterior relaxed_categorical": "Relaxed one-hot vectors have no density",
    "posterior relaxed_categorical, exact": (),
    "prior autoregressive": "Codes have no density: call `log_prob_of_indices`",
}
WITHOUT_DISTRIBUTION = {
    "autoregressive": "has `log_prob` for indices of entries",
    "two_stage": "has samples but no density",
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A distribution as a function of a tensor whose leading axes are its batch, or of `None`."""

    make: Callable
    params: tf.Tensor | None
    layer: keras.layers.Layer

    def __call__(self):
        return self.make(self.params)


def noise(*shape):
    return tf.constant(np.random.default_rng(shape).normal(size=shape), tf.float32)


def scramble(layer):
    """Weights at random: at the start, many parts are the simplest of their kind."""
    rng = np.random.default_rng(1)
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(size=weight.shape, scale=0.6))


def posterior(name, exact=False, **arguments):
    layer = part("posterior", name, **arguments)
    if isinstance(layer, HierarchicalPosterior):
        prior = part("prior", "hierarchical_normal")
        prior.build((None, DIM))
        scramble(prior)
        layer.bind(prior)
    layer.set_latent_dim(DIM)
    layer.build((None, FEATURES))
    scramble(layer)
    return Subject(layer.exact if exact else layer.distribution, layer(noise(BATCH, FEATURES)), layer)


def prior(name, conditional=False, of="diagonal_normal"):
    layer = part("prior", name)
    of = part("posterior", "vector_quantizer" if layer.space == Entries() else of)
    of.set_latent_dim(DIM)
    of.build((None, FEATURES))
    scramble(of)
    layer.bind_encoder(latents.SharedEncoder(lambda x, context: of(x), of.distribution, of.draw, (FEATURES,)))
    if isinstance(of, latents.VectorQuantizer):
        layer.bind_codebooks(of.get_codebooks)
    layer.build([(None, DIM), (None, CONTEXT)] if conditional else (None, DIM))
    scramble(layer)
    return Subject(layer.distribution, noise(BATCH, CONTEXT) if conditional else None, layer)


def sampler(name, unit=False):
    layer = part("sampler", name)
    codes = np.random.default_rng(3).normal(size=(60, DIM)) @ np.random.default_rng(4).normal(size=(DIM, DIM))
    if unit:
        layer.unit, codes = True, 1 / (1 + np.exp(-codes))
    if isinstance(layer, GradientSampler):  # its weights are drawn, in place of a training
        layer._fit_whitened = lambda *_, **__: scramble(layer)
    if layer.space != Entries():
        layer.fit(codes, verbose=False)
    return Subject(layer.distribution, None, layer)


def likelihood(name, event, leading, **arguments):
    layer = part("likelihood", name, **arguments)
    layer.set_event_shape(event)
    layer.build((None, FEATURES))
    extra = [layer.parameters_per_value] if layer.parameters_per_value > 1 else []
    return Subject(layer.distribution, noise(*leading, *event, *extra), layer)


def _subjects():
    """{name: function that makes a subject}, and the names that are in the short run."""
    made, slow = {}, set()
    for name, kind in POSTERIORS.items():
        made[f"posterior {name}"] = functools.partial(posterior, name)
        if kind is latents.RelaxedCategorical:
            made[f"posterior {name}, exact"] = functools.partial(posterior, name, exact=True)
    for words, exact in (("relaxed", False), ("exact", True)):
        parts = [latents.DiagonalNormal(), latents.RelaxedCategorical(2)]
        made[f"posterior mixed, {words}"] = functools.partial(posterior, "mixed", exact, parts=parts)
    parts = [latents.PlanarFlow(steps=1), latents.DiagonalNormal()]
    made["posterior mixed, of a flow"] = functools.partial(posterior, "mixed", parts=parts)
    for name, kind in PRIORS.items():
        for conditional in (False, True):
            if conditional or kind is not latents.ConditionalNormal:
                words = f"prior {name}" + (", conditional" if conditional else "")
                made[words] = functools.partial(prior, name, conditional)
                if conditional and kind not in (latents.ConditionalNormal, latents.AutoregressivePrior):
                    slow.add(words)
    made["prior vamp, of inverse_autoregressive_flow"] = functools.partial(
        prior, "vamp", of="inverse_autoregressive_flow"
    )
    for name in SAMPLERS:
        if name not in WITHOUT_DISTRIBUTION:
            made[f"sampler {name}"] = functools.partial(sampler, name)
            made[f"sampler {name}, unit"] = functools.partial(sampler, name, unit=True)
            if name != "normal":
                slow.add(f"sampler {name}, unit")
    for name in LIKELIHOODS:
        for event in ((2,), (2, 3), (2, 3, 1), (2, 1, 3, 1)):
            leading = (2, BATCH) if len(event) % 2 else (BATCH,)  # TensorFlow has operations of eight axes at most
            words = f"likelihood {name}, {len(event)} axes"
            made[words] = functools.partial(likelihood, name, event, leading)
            if len(event) > 1:
                slow.add(words)
    for name, kind in LIKELIHOODS.items():
        if hasattr(kind, "argument"):
            for scale in (0.5, "pixel"):
                arguments = {kind.argument: scale}
                made[f"likelihood {name}, {scale}"] = functools.partial(likelihood, name, (2,), (BATCH,), **arguments)
                slow.add(f"likelihood {name}, {scale}")
    return made, slow


SUBJECTS, SLOW = _subjects()


def _each(number=None, step=1):
    """Parametrizes with every subject: some in the short run; `SLOW` and the others in the run with the slow tests."""
    quick = [words for words in SUBJECTS if words not in SLOW][:number:step]
    return pytest.mark.parametrize(
        "words", [pytest.param(words, marks=() if words in quick else pytest.mark.slow) for words in SUBJECTS]
    )


each, every_second, every_fourth, each_of_some = _each(), _each(step=2), _each(step=4), _each(20)


@functools.cache
def made(words):
    keras.utils.set_random_seed(0)
    return SUBJECTS[words]()


def looked_up(table, words):
    """What a table has for a subject: of the variant, else of the name, else of the kind of part."""
    name = words.split(",")[0]
    return next((table[key] for key in (words, name, name.split()[0]) if key in table), ())


def shapes_of(d):
    return tuple(d.batch_shape), tuple(d.event_shape)


@every_second
def test_samples_and_densities_have_the_shapes_of_the_contract(words):
    d = made(words)()
    batch, event = shapes_of(d)
    assert d.dtype == tf.float32
    assert tuple(d.batch_shape_tensor().numpy()) == batch and tuple(d.event_shape_tensor().numpy()) == event
    message = looked_up(WITHOUT_LOG_PROB, words)
    for shape in SAMPLE_SHAPES:
        z = d.sample(shape, seed=SEED)
        assert z.shape == (*shape, *batch, *event) and z.dtype == tf.float32
        assert np.isfinite(z).all()
        if message:
            with pytest.raises(NotImplementedError, match=message):
                d.log_prob(z)
            continue
        log_prob = d.log_prob(z)
        assert log_prob.shape == (*shape, *batch)
        assert np.isfinite(log_prob).all()
        z, log_prob = d.experimental_sample_and_log_prob(shape, seed=SEED)
        assert z.shape == (*shape, *batch, *event) and log_prob.shape == (*shape, *batch)
        # A flow is inverted for the other density, which divides rounding errors by its scales.
        np.testing.assert_allclose(log_prob, d.log_prob(z), rtol=1e-3, atol=1e-3)
    assert d.sample(3, seed=SEED).shape == (3, *batch, *event)
    if not message:
        np.testing.assert_allclose(d.prob(z), np.exp(d.log_prob(z)), rtol=1e-5)


@each
def test_values_are_broadcast_over_the_batch(words):
    d = made(words)()
    if looked_up(WITHOUT_LOG_PROB, words):
        return
    batch, event = shapes_of(d)
    z = d.sample(2, seed=SEED).numpy()
    few = z[(slice(None), *[slice(0, 1)] * len(batch))]  # [2, 1 ..., *event]
    for value, shape in ((few[(0,) * (1 + len(batch))], batch), (few, (2, *batch))):
        log_prob = d.log_prob(value)
        assert log_prob.shape == shape
        full = np.broadcast_to(value, (*shape, *event))
        np.testing.assert_allclose(log_prob, d.log_prob(full), rtol=1e-4, atol=1e-4)


SLICES = (np.s_[0], np.s_[:2], np.s_[..., 0], np.s_[tf.newaxis])


@every_fourth
def test_a_slice_of_the_batch_is_the_distribution_of_its_members(words):
    d = made(words)()
    batch, event = shapes_of(d)
    z = d.sample(2, seed=SEED).numpy()
    known = [name for name in ("mean", "mode") if name not in looked_up(WITHOUT, words)]
    for index in SLICES:
        index = index if isinstance(index, tuple) else (index,)
        if not batch and any(isinstance(part, (int, slice)) for part in index):
            continue
        part = d[index]
        shape = np.empty(batch)[index].shape
        assert shapes_of(part) == (shape, event), index
        assert tuple(part.batch_shape_tensor().numpy()) == shape
        index = index if Ellipsis in index else (*index, Ellipsis)
        of_values = (*index, *[slice(None)] * len(event))
        for name in known:
            expected = getattr(d, name)().numpy()[of_values]
            np.testing.assert_allclose(tf.broadcast_to(getattr(part, name)(), expected.shape), expected, atol=1e-5)
        for sample in ((), (2,)):
            assert part.sample(sample, seed=SEED).shape == (*sample, *shape, *event)
        if looked_up(WITHOUT_LOG_PROB, words):
            continue
        assert part.log_prob(part.sample(seed=SEED)).shape == shape
        expected = d.log_prob(z).numpy()[(slice(None), *index)]
        np.testing.assert_allclose(part.log_prob(z[(slice(None), *of_values)]), expected, rtol=1e-4, atol=1e-4)


@each
def test_statistics_with_a_formula_are_those_of_samples_and_others_are_not_there(words):
    d, num = made(words)(), 4000
    without, no_density = looked_up(WITHOUT, words), looked_up(WITHOUT_LOG_PROB, words)
    batch, event = shapes_of(d)
    z = d.sample(num, seed=SEED).numpy()
    exact = z.astype(np.float64)
    centered = exact - exact.mean(axis=0)
    expected = {"mean": exact, "variance": centered**2, "stddev": centered**2}
    if len(event) == 1:
        expected["covariance"] = centered[..., np.newaxis] * centered[..., np.newaxis, :]
    log_prob = None if no_density else d.log_prob(z).numpy()
    for name in STATISTICS:
        if name in without:
            with pytest.raises(NotImplementedError):
                getattr(d, name)()
            continue
        value = getattr(d, name)().numpy()
        if name == "mode":
            assert value.shape == (*batch, *event)
            assert no_density or (d.log_prob(value).numpy() >= log_prob.max(axis=0) - 1e-4).all()
            continue
        draws = -log_prob.astype(np.float64) if name == "entropy" else expected[name]
        value = value**2 if name == "stddev" else value
        assert value.shape == draws.shape[1:], name
        error = 5 * draws.std(axis=0) / np.sqrt(num)  # of the estimate
        coarse = 0.5 / 7 if words.startswith("likelihood discretized_logistic") else 0.0  # half a level, as documented
        assert (np.abs(value - draws.mean(axis=0)) <= error + coarse + 1e-5).all(), name


@each_of_some
def test_a_copy_and_what_is_made_of_the_parameters_are_the_same(words):
    d = made(words)()
    z = d.sample(2, seed=SEED)
    for again in (d.copy(), type(d)(**d.parameters)):
        assert type(again) is type(d) and shapes_of(again) == shapes_of(d)
        np.testing.assert_allclose(again.sample(2, seed=SEED), z, rtol=1e-5)
        if not looked_up(WITHOUT_LOG_PROB, words):
            np.testing.assert_allclose(again.log_prob(z), d.log_prob(z), rtol=1e-5, atol=1e-5)


@each_of_some
def test_wrappers_of_tfp_take_it(words):
    d = made(words)()
    batch, event = shapes_of(d)
    wrapped = {
        tfd.Sample(d, 2): (batch, (2, *event)),
        tfd.Independent(d, len(batch)): ((), (*batch, *event)),
        tfd.BatchBroadcast(d, (4, *batch)): ((4, *batch), event),
    }
    for one, (outer, inner) in wrapped.items():
        z = one.sample(2, seed=SEED)
        assert z.shape == (2, *outer, *inner)
        if not looked_up(WITHOUT_LOG_PROB, words):
            assert one.log_prob(z).shape == (2, *outer)


GRAPHS = (
    "posterior mixed, of a flow",
    "posterior vector_quantizer",
    "prior autoregressive, conditional",
    "likelihood discretized_logistic_mixture, 1 axes",
)


@pytest.mark.parametrize(
    "words, jit_compile",
    first(
        len(GRAPHS),
        [(words, False) for words in sorted(SUBJECTS, key=lambda w: w not in GRAPHS)]
        + [(words, True) for words in SUBJECTS],
    ),
)
def test_graphs_that_do_not_know_the_batch(words, jit_compile):
    subject = made(words)
    known, no_density = subject(), looked_up(WITHOUT_LOG_PROB, words)
    batch, event = shapes_of(known)
    z = known.sample(2, seed=SEED)
    spec = [] if subject.params is None else [tf.TensorSpec([None] * len(batch) + subject.params.shape[len(batch) :])]

    @tf.function(input_signature=[tf.TensorSpec([None] * len(z.shape)), *spec], jit_compile=jit_compile)
    def call(z, params=None):
        d = subject.make(params)
        assert d.event_shape == event and d.batch_shape.rank == len(batch)
        drawn = [d.sample((), seed=SEED), d.sample((2, 3), seed=SEED)]
        assert [len(value.shape) for value in drawn] == [len(batch + event), 2 + len(batch + event)]
        return drawn, [] if no_density else [d.log_prob(z), *[d.log_prob(value) for value in drawn]]

    if jit_compile and "negative_binomial" in words:  # TensorFlow has no gamma samples under XLA on CPUs
        with pytest.raises(tf.errors.InvalidArgumentError, match="StatelessRandomGamma"):
            call(z, subject.params)
        return
    drawn, log_probs = call(z, *([] if subject.params is None else [subject.params]))
    assert [value.shape for value in drawn] == [(*batch, *event), (2, 3, *batch, *event)]
    if not no_density:
        assert [value.shape for value in log_probs] == [(2, *batch), batch, (2, 3, *batch)]
        np.testing.assert_allclose(log_probs[0], known.log_prob(z), rtol=1e-3, atol=1e-3)


@each
def test_gradients_reach_the_parameters_through_samples(words):
    subject = made(words)
    learned = subject.layer.trainable_variables if words.startswith("prior") else [subject.params]
    d = subject()
    if d.reparameterization_type != tfd.FULLY_REPARAMETERIZED or not learned or learned == [None]:
        return
    with tf.GradientTape() as tape:
        sources = [getattr(source, "value", source) for source in learned]
        tape.watch(sources)
        drawn = subject().sample(2, seed=SEED)
    gradients = [g for g in tape.gradient(drawn, sources) if g is not None]
    assert gradients and all(np.isfinite(g).all() for g in gradients)
    assert any((g.numpy() != 0).any() for g in gradients)


@pytest.mark.parametrize("name, message", WITHOUT_DISTRIBUTION.items())
def test_a_sampler_without_a_density_says_so(name, message):
    with pytest.raises(NotImplementedError, match=message):
        sampler(name)()


@pytest.mark.parametrize(
    "words",
    [w for w in SUBJECTS if w.startswith("posterior") and Formula.KL in POSTERIORS[w.split()[1].strip(",")].formulas],
)
def test_divergences_of_one_family_have_a_closed_form_and_others_have_none(words):
    """The KL that `"auto"` takes; `family` is what the pairing of parts reads."""
    layer = made(words).layer
    for other in (name for name in SUBJECTS if name.startswith("prior") and name not in SLOW):
        q, p, of_prior = made(words)(), made(other)(), made(other).layer
        entries = layer.space == of_prior.space == Entries()
        if not entries and (layer.family is None or layer.family != of_prior.family):
            with pytest.raises(NotImplementedError):
                tfd.kl_divergence(q, p)
            continue
        if words == "posterior residual_vector_quantizer":
            continue  # the prior here is over the codebook of another posterior
        kl = tfd.kl_divergence(q, p)
        assert kl.shape == (BATCH,)
        np.testing.assert_allclose(tfd.kl_divergence(q[1:], p[1:] if p.batch_shape.rank else p), kl[1:], rtol=1e-5)
        np.testing.assert_allclose(tfd.kl_divergence(q[0], p[0] if p.batch_shape.rank else p), kl[0], rtol=1e-5)
        if not entries and not looked_up(WITHOUT_LOG_PROB, words):
            z = q.sample(4000, seed=SEED)
            draws = (q.log_prob(z) - p.log_prob(z)).numpy().astype(np.float64)
            assert (np.abs(kl - draws.mean(axis=0)) <= 5 * draws.std(axis=0) / np.sqrt(4000) + 1e-5).all()


@pytest.mark.parametrize("words", [words for words in SUBJECTS if words.startswith("likelihood") and words not in SLOW])
def test_cumulative_probabilities_are_those_of_samples(words):
    d, num = made(words)(), 4000
    z = d.sample(num, seed=SEED)
    cdf = d.cdf(z[0])
    below = tf.reduce_mean(tf.cast(tf.reduce_all(z <= z[0] + 1e-6, axis=-1), tf.float32), axis=0)
    assert cdf.shape == d.batch_shape
    np.testing.assert_allclose(cdf, below, atol=5 * 0.5 / np.sqrt(num))


NO_DENSITY = (latents.RelaxedCategorical, latents.VectorQuantizer)


@pytest.mark.parametrize("name", subjects.in_short_run("cvae", "ladder_vae", "vqvae", "flow_prior_vae"))
def test_distributions_of_a_model_keep_the_contract(name):
    model, values = subjects.make(name)
    model.build((None, *subjects.EVENT))
    layer = model.posterior_layer
    x, condition = subjects.X[:BATCH], subjects.rows(values, BATCH)
    if condition is not None:
        model.condition.adapt(values)
    given = () if condition is None else (condition,)
    q = model.posterior(x, *given)
    distributions = [q, model.likelihood(tf.zeros([BATCH, model.latent_dim]), *given)]
    if model.prior_layer is not None:
        distributions.append(model.prior(*given))
    for d in distributions:
        batch, event = shapes_of(d)
        assert batch in ((BATCH,), ())
        parts = [d, d[0], d[:2]] if batch else [d, d[tf.newaxis]]
        for piece, shape in zip(parts, [batch, (), (2,)] if batch else [(), (1,)], strict=True):
            assert shapes_of(piece) == (shape, event)
            for sample in SAMPLE_SHAPES:
                z = piece.sample(sample, seed=SEED)
                assert z.shape == (*sample, *shape, *event)
                if not any(isinstance(part, NO_DENSITY) for part in getattr(layer, "parts", [layer])):
                    assert piece.log_prob(z).shape == (*sample, *shape)
