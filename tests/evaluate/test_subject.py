"""A subject computes codes and samples once, from arrays and from streams alike."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.evaluate import METRICS, Measurement, Need, NotApplicableError, Subject, register_extractor
from keras_ae.evaluate.metric import chosen
from keras_ae.evaluate.statistics import (
    bootstrap_measurement,
    fraction_measurement,
    mean_measurement,
    runs_measurement,
)


@pytest.fixture(scope="module")
def model():
    model = kae.models.VAE("mlp", "mlp", latent_dim=3)
    model.build((None, 8, 8, 1))
    return model


@pytest.fixture(scope="module")
def conditional():
    model = kae.models.ConditionalVAE(latent_dim=3, condition=kae.Categorical(10))
    model.build((None, 8, 8, 1))
    return model


def flat(x):
    return x.reshape(len(x), -1)


def stream(x, y=None, size=70):
    return tf.data.Dataset.from_tensor_slices(x if y is None else (x, y)).batch(size)


def test_codes_are_those_of_the_model_for_arrays_and_streams(model, conditional, digits):
    x, labels = digits
    expected = model.encode(x).numpy()
    for subject in (
        Subject(model, x, labels, batch_size=100),
        Subject(model, stream(x, labels)),
        Subject(model, stream(x)),
    ):
        # The sizes of batches differ, so the order of sums does.
        np.testing.assert_allclose(subject.codes, expected, atol=1e-5)
    expected = conditional.encode(x, labels).numpy()
    for subject in (Subject(conditional, x, labels), Subject(conditional, stream(x, labels))):
        np.testing.assert_allclose(subject.codes, expected, atol=1e-5)
    np.testing.assert_array_equal(Subject(flat, x).codes, flat(x))


@pytest.mark.parametrize("as_stream", [False, True])
def test_kept_examples_are_rows_of_the_data(model, digits, as_stream):
    x, labels = digits
    subject = Subject(model, *((stream(x, labels),) if as_stream else (x, labels)), max_examples=100)
    assert subject.examples.shape == (100, 8, 8, 1)
    np.testing.assert_array_equal(subject.examples, x[subject.rows])
    np.testing.assert_array_equal(subject.labels, labels)
    assert len(set(subject.rows)) == 100 and subject.rows.max() > 1000  # of all of the data


def test_generated_examples_follow_the_seed_and_the_conditions_of_the_data(model, conditional, digits):
    x, labels = digits
    subject = Subject(model, x, seed=3, max_examples=5)
    np.testing.assert_array_equal(subject.generated, model.sample(5, seed=3).numpy())
    for given in ((x, labels), (stream(x, labels),)):
        subject = Subject(conditional, *given, max_examples=20)
        np.testing.assert_array_equal(subject.conditions, labels[subject.rows])
        np.testing.assert_array_equal(subject.generated, conditional.sample(20, labels[subject.rows]).numpy())


def test_extractors_by_name_function_and_model(model, digits):
    import keras

    x = digits[0][:50]
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.GlobalAveragePooling2D()])
    for given, expected in ((None, flat(x)), ("raw values", flat(x)), (network, x.mean(axis=(1, 2)))):
        # A mean of 64 numbers in another order.
        np.testing.assert_allclose(Subject(model, x, extractor=given).real_features, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="`extractor` must be one of raw values"):
        _ = Subject(model, x, extractor="raw value").real_features
    subject = Subject(model, x, reference=digits[0], max_examples=10)
    assert subject.reference_features.shape == (10, 64)
    with pytest.raises(ValueError, match="`name` must be new"):
        register_extractor("raw values", flat)


def test_what_a_subject_has(model, conditional, digits):
    x, labels = digits
    plain, bare = Subject(model, x), Subject(flat, x, labels, factors={"digit": labels}, reference=x)
    assert [need for need in Need if plain.has(need)] == [
        Need.MODEL,
        Need.PRIOR,
        Need.GENERATES,
        Need.DENSITY,
        Need.IMAGES,
    ]
    assert [need for need in Need if bare.has(need)] == [Need.LABELS, Need.FACTORS, Need.IMAGES, Need.REFERENCE]
    assert Subject(conditional, x, labels).has(Need.CLASSES)
    assert not Subject(kae.models.AE(latent_dim=2), x).has(Need.PRIOR)


def test_a_metric_refuses_what_it_cannot_measure(digits):
    with pytest.raises(NotApplicableError, match="log_likelihood needs a model with a prior, and a posterior"):
        METRICS["log_likelihood"].measure(Subject(flat, digits[0]))


def test_wrong_names_and_options_are_refused(model, digits):
    with pytest.raises(ValueError, match="has no option `samples`"):
        METRICS["log_likelihood"].measure(Subject(model, digits[0]), samples=3)
    with pytest.raises(ValueError, match=r"`metrics` must be names of metrics or families. Received: 'fid2'"):
        chosen(["fid2"])
    assert METRICS["log_likelihood"] in chosen("likelihood")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda x: {"model": 3}, "`model` must be an Autoencoder or a function. Received: int"),
        (lambda x: {"x": iter([x])}, "`x` must be readable more than once"),
        (lambda x: {"labels": [1, 2]}, r"`labels` must be \d+ values, one per example. Received: shape \[2\]"),
        (lambda x: {"factors": {"slant": [[1.0]]}}, r"`factors\['slant'\]` must be \d+ values"),
        (lambda x: {"x": np.full_like(x, np.nan)}, "`x`"),
    ],
)
def test_bad_data_is_refused(digits, given, message):
    with pytest.raises(ValueError, match=message):
        Subject(**{"model": flat, "x": digits[0], **given(digits[0])})


def test_an_empty_stream_is_refused(digits):
    with pytest.raises(ValueError, match="an empty stream"):
        _ = Subject(flat, stream(digits[0][:0])).examples


def test_a_mean_has_its_standard_error():
    found = mean_measurement("m", [1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    np.testing.assert_allclose(found.standard_error, np.sqrt(5 / 3 / 4))
    np.testing.assert_allclose(
        found.interval, [2.5 - 1.96 * found.standard_error, 2.5 + 1.96 * found.standard_error], rtol=1e-4
    )
    assert mean_measurement("m", [1.0]) == Measurement("m", 1.0)


def test_a_fraction_has_wilsons_interval():
    from scipy.stats import binomtest

    found = fraction_measurement("f", [True] * 7 + [False] * 13)
    expected = binomtest(7, 20).proportion_ci(method="wilson")
    np.testing.assert_allclose(found.interval, [expected.low, expected.high], rtol=1e-9)
    assert fraction_measurement("f", [True] * 5).interval[1] == 1.0


def test_the_bootstrap_of_a_mean_is_near_its_formula():
    values = np.random.default_rng(0).normal(size=400)
    found, formula = bootstrap_measurement("m", np.mean, values, num=500), mean_measurement("m", values)
    # The spread of a standard deviation of 500 draws is 3%.
    np.testing.assert_allclose(found.standard_error, formula.standard_error, rtol=0.15)
    assert found == bootstrap_measurement("m", np.mean, values, num=500)


def test_runs_have_students_interval():
    from scipy.stats import ttest_1samp

    values = np.array([1.0, 2.0, 4.0])
    found, expected = runs_measurement("r", values), ttest_1samp(values, 0).confidence_interval()
    np.testing.assert_allclose(found.interval, [expected.low, expected.high], rtol=1e-9)
    assert runs_measurement("r", [2.0]) == Measurement("r", 2.0)


def test_a_bootstrap_has_the_normal_interval_around_its_value():
    values = np.random.default_rng(0).normal(size=50)
    found = bootstrap_measurement("m", np.ptp, values)
    half = 1.96 * found.standard_error
    np.testing.assert_allclose(found.interval, [found.value - half, found.value + half], rtol=1e-4)
