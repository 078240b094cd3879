import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tiers import checkered

import keras_ae as kae

SHAPE = (6, 5, 1)


def small(cls=kae.models.VAE, **arguments):
    mlp = kae.networks.MLP
    model = cls(mlp([12]), mlp([12]), latent_dim=3, **arguments)
    model.build((None, *SHAPE))
    return model


@pytest.fixture
def x():
    return np.random.default_rng(0).random((9, *SHAPE)).astype("float32")


@pytest.fixture
def conditional():
    return small(kae.models.ConditionalVAE, condition={"digit": kae.Categorical(10), "slant": kae.Continuous()})


def test_nouns_give_distributions(x):
    model = small()
    assert isinstance(model.posterior(x), tfp.distributions.Distribution)
    assert (model.posterior(x).batch_shape, model.posterior(x).event_shape) == ((9,), (3,))
    assert model.prior().event_shape == (3,)
    likelihood = model.likelihood(model.encode(x))
    assert (likelihood.batch_shape, likelihood.event_shape) == ((9,), SHAPE)


def test_call_is_decode_of_encode_and_predict_agrees(x):
    model = small()
    expected = model.decode(model.encode(x))
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0, batch_size=4), expected, rtol=1e-5, atol=1e-6)


def test_predict_takes_the_condition_beside_the_examples(conditional, x):
    condition = {"digit": np.arange(9, dtype="int32"), "slant": np.linspace(-1, 1, 9, dtype="float32")}
    predicted = conditional.predict((x, condition), verbose=0, batch_size=4)
    np.testing.assert_allclose(predicted, conditional.reconstruct(x, condition), rtol=1e-5, atol=1e-6)


def test_many_examples_are_encoded_in_parts_with_the_same_result(x):
    model = small()
    many = np.tile(x, [600, 1, 1, 1])  # more than one part
    np.testing.assert_allclose(model.encode(many)[-9:], model.encode(x), rtol=1e-5, atol=1e-6)


def test_sample_is_a_function_of_seed_and_row():
    model = small()
    ten, two = model.sample(10, seed=7), model.sample(2, seed=7)
    assert ten.shape == (10, *SHAPE) and float(ten.numpy().min()) >= 0 and float(ten.numpy().max()) <= 1
    np.testing.assert_allclose(ten[:2], two, rtol=1e-5, atol=1e-6)
    assert np.abs(ten - model.sample(10, seed=8)).max() > 1e-3


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (kae.models.VAE, {"prior": "normal_mixture"}),
        (kae.models.VAE, {"prior": "real_nvp"}),
        (kae.models.ConditionalPriorVAE, {"condition": kae.Categorical(10)}),
    ],
)
def test_many_samples_are_drawn_in_parts_with_the_same_result(monkeypatch, cls, arguments):
    model, num, seed = small(cls, **arguments), 5000, 7
    condition = np.arange(num) % 10 if arguments.get("condition") else None
    context = None if condition is None else model.condition(condition)
    whole = model.sampler.sample(tf.fill([num], seed), tf.range(num), context, 1.0)
    sizes, sample = [], model.sampler.sample

    def noted(seeds, rows, *others):
        sizes.append(len(rows))
        return sample(seeds, rows, *others)

    monkeypatch.setattr(model.sampler, "sample", noted)
    np.testing.assert_allclose(model.sample_codes(num, condition, seed=seed), whole, rtol=1e-5, atol=1e-6)
    assert sum(sizes) == num and max(sizes) < num
    pictures = model.likelihood_layer.mean(model.likelihood_params(whole, context))
    np.testing.assert_allclose(model.sample(num, condition, seed=seed), pictures, rtol=1e-5, atol=1e-6)


def test_sample_decodes_codes_of_the_same_temperature():
    model = small()
    codes = model.sample_codes(5, seed=7)
    np.testing.assert_array_equal(model.sample_codes(5, seed=7, temperature=1), codes)
    np.testing.assert_allclose(model.sample_codes(5, seed=7, temperature=0.25), 0.25 * codes, rtol=1e-6)
    found = model.sample(5, seed=7, temperature=0.25)
    np.testing.assert_allclose(found, model.decode(0.25 * codes), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"`temperature` must be a positive number\. Received: temperature=0"):
        model.sample(5, temperature=0)


def test_sample_under_several_properties(conditional):
    one = conditional.sample(4, {"digit": 7, "slant": 0.5}, seed=1)
    each = conditional.sample(4, {"digit": [7, 7, 7, 7], "slant": [0.5] * 4}, seed=1)
    assert one.shape == (4, *SHAPE)
    np.testing.assert_array_equal(one, each)


def test_same_code_under_every_condition():
    model = small(kae.models.ConditionalVAE, condition=kae.Categorical(10))
    z = model.sample_codes(4, range(4), seed=3)
    grid = model.decode_each(z, range(10))
    assert grid.shape == (4, 10, *SHAPE)
    np.testing.assert_allclose(grid[2, 5], model.decode(z[2:3], [5])[0], rtol=1e-5, atol=1e-6)


def test_edit_changes_only_the_named_property(conditional, x):
    condition = {"digit": np.arange(9), "slant": np.linspace(-1, 1, 9)}
    edited = conditional.edit(x, condition, to={"slant": 0.3})
    z = conditional.encode(x, condition)
    np.testing.assert_allclose(edited, conditional.decode(z, {"digit": np.arange(9), "slant": 0.3}), rtol=1e-5)


def test_user_networks_serve(x):
    encoder = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(7, "relu")])
    code, context = keras.Input([3]), keras.Input([10])
    joined = keras.layers.Dense(8, "relu")(keras.layers.Concatenate()([code, context]))
    decoder = keras.Model([code, context], joined)
    model = kae.models.VAE(encoder, kae.networks.MLP([4]), latent_dim=3)
    assert model.encode(x).shape == (9, 3)
    images, labels = keras.Input(SHAPE), keras.Input([10])
    encoder = keras.Model([images, labels], keras.layers.Concatenate()([keras.layers.Flatten()(images), labels]))
    model = kae.models.ConditionalVAE(encoder, decoder, latent_dim=3, condition=kae.Categorical(10))
    assert model.reconstruct(x, np.arange(9)).shape == x.shape


def test_network_that_does_not_fit_is_refused_by_name(x):
    wrong = keras.Sequential([keras.Input([99]), keras.layers.Dense(3)])
    one_line = r"^`decoder` must take inputs of shape \(None, 3\): Input 0 [^\n\x1b]*\(None, 3\)$"
    with pytest.raises(ValueError, match=one_line):
        kae.models.VAE("mlp", wrong, latent_dim=3).encode(x)


class Odd(keras.layers.Layer):
    """A network that gives what it is told to, or raises it."""

    def __init__(self, result):
        super().__init__()
        self.result = result

    def call(self, x):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result(x)


@pytest.mark.parametrize(
    "result, message",
    [
        (lambda x: [x, x], r"`encoder` must return features, a tensor \[B, \.\.\.\]\. Received: list$"),
        (lambda x: keras.ops.sum(x), r"`encoder` must return features, a tensor .* Received: shape \(\)$"),
        (AttributeError("no such thing"), r"^`encoder` must take inputs of shape \(None, .*\): [^\n]* no such thing$"),
        (RuntimeError(), r"^`encoder` must take inputs of shape \(None, .*\): [^\n]+$"),
    ],
)
def test_odd_networks_are_refused_by_name(x, result, message):
    with pytest.raises(ValueError, match=message):
        kae.models.VAE(Odd(result), "mlp").encode(x)


def test_one_network_cannot_have_two_places():
    network = kae.networks.MLP([4])
    with pytest.raises(
        ValueError, match=r"`encoder` and `decoder` must be different networks\. Received: the same MLP for both"
    ):
        kae.models.VAE(network, network)
    with pytest.raises(ValueError, match="`decoder` and `classifier` must be different networks"):
        kae.models.SemiSupervisedVAE("mlp", network, classifier=network, condition=kae.Categorical(3))


@pytest.mark.parametrize("event", [(20,), (12, 3), (5, 7, 3), (3, 4, 5, 2)])
def test_sizes_follow_the_data(event):
    model = kae.models.VAE(latent_dim=2, likelihood="normal")
    x = np.zeros([4, *event], "float32")
    assert model.reconstruct(x).shape == x.shape
    assert model.sample(2).shape == (2, *event)


def test_model_without_prior_says_that_it_cannot_generate():
    with pytest.raises(ValueError, match="AE has no prior: it encodes and reconstructs, but cannot generate"):
        small(kae.models.AE).sample(3)


def test_sample_before_the_shape_is_known_says_what_to_do():
    with pytest.raises(ValueError, match="call `fit` before `sample`"):
        kae.models.VAE().sample(3)


def bad(value, row=4):
    x = np.full([9, *SHAPE], 0.5, "float32")
    x[row, 2, 2] = value
    return x


BAD = [
    (bad(np.nan), r"must be finite. Received: nan at index \(4, 2, 2, 0\)"),
    (bad(np.inf), r"Received: inf at index \(4, 2, 2, 0\)"),
    (bad(1.5), r"`x` must be in \[0, 1\]\..* Received: 1.5 at index \(4, 2, 2, 0\)"),
    (bad(-0.1), r"Received: -0.1 at index \(4, 2, 2, 0\)"),
    (np.full([9, *SHAPE], 255, "uint8"), "Divide 8-bit images by 255"),
    (np.zeros([9, 28, 28, 1]), r"must have shape \[N, 6, 5, 1\]. Received: \[9, 28, 28, 1\]"),
    (np.zeros(SHAPE), r"must have shape \[N, 6, 5, 1\]"),
    (np.zeros([0, *SHAPE]), "at least one example"),
    (np.array([["a", "b"]]), "must hold numbers"),
]


@pytest.mark.parametrize(("entry", "case"), checkered(["encode", "reconstruct", "posterior", "fit", "evaluate"], BAD))
def test_bad_examples_are_refused_at_every_entry_point(entry, case):
    x, message = case
    model = small()
    model.compile()
    with pytest.raises(ValueError, match=message):
        getattr(model, entry)(x)


@pytest.mark.parametrize("entry", ["encode", "reconstruct", "fit", "evaluate"])
@pytest.mark.parametrize(
    "condition, message",
    [
        (None, "needs the condition of each example"),
        (np.full(9, 10), "Received: 10 at row 0"),
        (np.arange(8), "one row for each of the 9 examples. Received: 8"),
    ],
)
def test_bad_conditions_are_refused_at_every_entry_point(entry, condition, message, x):
    model = small(kae.models.ConditionalVAE, condition=kae.Categorical(10))
    model.compile()
    with pytest.raises(ValueError, match=message):
        getattr(model, entry)(x, condition)


@pytest.mark.parametrize("entry", ["decode", "sample", "sample_codes"])
def test_generating_without_the_condition_is_refused(entry):
    model = small(kae.models.ConditionalVAE, condition=kae.Categorical(10))
    with pytest.raises(ValueError, match="needs the condition of each example"):
        getattr(model, entry)(np.zeros([1, 3]) if entry == "decode" else 1)


def test_condition_for_an_unconditional_model_is_refused_and_says_what_to_do(x):
    model = small()
    model.compile()
    for call in (model.fit, model.encode, model.evaluate):
        with pytest.raises(ValueError, match=r"has no condition.*`fit\(x\)`.*condition=keras_ae.Categorical\(10\)"):
            call(x, np.arange(9))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"latent_dim": 0}, "`latent_dim` must be"),
        ({"encoder": "transformer"}, "`encoder` must be one of"),
        ({"likelihood": 3}, "`likelihood` must be a name or an instance of Likelihood. Received: int"),
        ({"prior": None}, "needs a prior and a posterior with a density. Received: prior=None"),
        ({"posterior": "deterministic"}, "posterior='deterministic'"),
        ({"seed": -1}, "`seed` must be an integer"),
    ],
)
def test_bad_parts_are_refused_at_construction(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kae.models.VAE(**arguments)


def test_load_says_what_is_wrong_with_a_file(tmp_path, x):
    with pytest.raises(FileNotFoundError, match="There is no model file"):
        kae.load(tmp_path / "none.keras")
    (tmp_path / "noise.keras").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(ValueError, match=r"could not be read as a \.keras model"):
        kae.load(tmp_path / "noise.keras")
    small().save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"could not be read as a \.keras model"):
        kae.load(tmp_path / "half.keras")
    keras.Sequential([keras.Input([3]), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"must hold a keras_ae model\. Received: Sequential"):
        kae.load(tmp_path / "other.keras")


@pytest.mark.parametrize("argument", ["encoder", "decoder", "posterior", "likelihood", "objective"])
def test_a_part_that_every_model_has_must_be_given(argument):
    with pytest.raises(TypeError, match=rf"`{argument}` must be a name or an instance of \w+. Received: NoneType"):
        kae.Autoencoder(latent_dim=2, **{argument: None})
