"""A fitted outlier detector in each format: score, p-value and decision are those of Python."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tiers import first

import keras_ae as kae
from keras_ae.export.card.probe_file import read_probes
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.outliers import SCORES, OutlierDetector, StatisticScore

pytestmark = pytest.mark.usefixtures("in_process")
IN_GRAPHS = [name for name, score in SCORES.items() if issubclass(score, StatisticScore)]


@pytest.fixture(scope="module")
def model(small):
    return small()


@pytest.fixture(scope="module")
def detector(model, digits):
    return OutlierDetector(model, contamination=0.05, random_state=0).fit(digits[0][:400])


@pytest.fixture(scope="module")
def scaled(digits):
    """A detector of digits in [0, 255] with a model for [0, 1], which is not trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kae.models.VAE, "fit", lambda self, x, **_: self.build((None, *x.shape[1:])))
        return OutlierDetector(random_state=0, epochs=1).fit(255.0 * digits[0][:200])


@pytest.fixture(scope="module")
def examples(digits):
    x = digits[0][400:432]
    return np.concatenate([x, 1.0 - x[:8], np.zeros_like(x[:1]), np.random.default_rng(0).random(x[:4].shape)])


def run(card, x, **condition):
    """Returns the outputs of `score` by the format's library."""
    x = np.float32(x)
    if card.format == "saved_model":
        signature = tf.saved_model.load(str(card.path)).signatures["score"]
        return {key: value.numpy() for key, value in signature(x=tf.constant(x), **condition).items()}
    if card.format == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(str(card.path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {"x": x, **condition}), strict=True))
    runner = Interpreter(str(card.path), num_threads=1).get_signature_runner("score")
    calls = [runner(x=x[i : i + 1], **condition) for i in range(len(x))]
    return {key: np.concatenate([call[key] for call in calls]) for key in calls[0]}


def check(found, detector, x):
    """The scores differ by the rounding of float32, the others by what this changes."""
    expected, tolerances = DetectorSignature(detector).outputs(x, None, 1e-5)
    np.testing.assert_allclose(expected["score"], -detector.score_samples(x))
    np.testing.assert_array_equal(expected["outlier"], detector.predict(x) == -1)
    np.testing.assert_allclose(expected["p_value"], detector.p_values(x))
    # Tolerances are relative to the largest score, and noise has scores of tens of thousands.
    assert tolerances["p_value"].mean() < 0.1 and tolerances["outlier"].mean() < 0.1
    np.testing.assert_allclose(found["score"], expected["score"], atol=1e-5 * np.abs(expected["score"]).max())
    for name, tolerance in tolerances.items():
        assert (np.abs(found[name] - expected[name]) <= tolerance + 1e-6).all(), name


def check_card(card, detector):
    assert set(card.signatures["score"]["outputs"]) == {"score", "p_value", "outlier"}
    assert card.detector["threshold"] == -detector.offset_ and card.detector["calibration_examples"] == 200
    rate = card.detector["false_alarm_rate"]
    assert rate == (1 + (detector.calibration_ > -detector.offset_).sum()) / 201
    assert any(f"so a false-alarm rate of about {rate:.2g}" in limit for limit in card.limits)
    assert kae.export.verify(card.path).ok


@pytest.fixture(scope="module")
def card(detector, asked_here, tmp_path_factory):
    """The card of `score` alone in LiteRT."""
    with pytest.MonkeyPatch.context() as patch:
        asked_here(patch)
        return kae.export.litert(detector, tmp_path_factory.mktemp("score") / "a.tflite", signatures="score")


def test_scores_in_litert_are_those_of_python(card, detector, examples):
    check(run(card, examples), detector, examples)
    check_card(card, detector)
    assert list(card.signatures) == ["score"] and card.quality["samples"] == 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert", "saved_model", "onnx"])
def test_scores_beside_other_signatures_are_those_of_python(detector, examples, tmp_path, name):
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason='needs pip install "keras_ae[onnx]"')
    path = tmp_path / {"saved_model": "1", "litert": "a.tflite", "onnx": "a.onnx"}[name]
    card = getattr(kae.export, name)(detector, path)
    check(run(card, examples), detector, examples)
    check_card(card, detector)


@pytest.mark.parametrize("name", first(1, ["litert", "saved_model", "onnx"]))
def test_the_default_score_of_more_than_100_values(small, digits, tmp_path, name):
    """Its references are of codes and textures; up to 100 values, they are of the examples themselves."""
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason='needs pip install "keras_ae[onnx]"')
    x = np.kron(digits[0][:150, ..., 0], np.ones([2, 2]))[..., np.newaxis]
    model = small(event_shape=(16, 16, 1))
    detector = OutlierDetector(model, random_state=0).fit(x[:120])
    assert set(detector.references_) == {"density", "texture", "expected_deviance"}
    options = {"signatures": "score"} if name == "litert" else {}
    path = tmp_path / {"saved_model": "1", "litert": "a.tflite", "onnx": "a.onnx"}[name]
    card = getattr(kae.export, name)(detector, path, **options)
    check(run(card, x[120:]), detector, x[120:])


SCORED = [(name, likelihood) for name in ("litert", "onnx") for likelihood in sorted(kae.likelihoods.LIKELIHOODS)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "likelihood"), SCORED)
def test_the_default_score_of_every_likelihood(small, tmp_path, name, likelihood):
    """The exporter compares score and p-value with Python's."""
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason='needs pip install "keras_ae[onnx]"')
    model = small(likelihood=likelihood)
    low, high, whole = (*(model.likelihood_layer.support or (0.0, 1.0)), False)[:3]
    if likelihood in ("categorical", "continuous_bernoulli"):  # or all examples are as likely, but for rounding
        for weight in (*model.decoder.weights, *model.likelihood_layer.weights):
            weight.assign(4.0 * weight)
    x = low + (min(high, 16.0) - low) * np.random.default_rng(0).random([60, 8, 8, 1])
    detector = OutlierDetector(model, random_state=0).fit(np.round(x) if whole else x)
    options = {"signatures": "score"} if name == "litert" else {}
    card = getattr(kae.export, name)(detector, tmp_path / f"a.{'tflite' if name == 'litert' else 'onnx'}", **options)
    assert set(card.errors["score"]) == {"score", "p_value", "outlier"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("likelihood", "scoring"), [("poisson", "auto"), ("negative_binomial", "auto"), ("negative_binomial", "deviance")]
)
def test_small_rates_keep_their_digits_in_litert(small, tmp_path, likelihood, scoring):
    model = small(likelihood=likelihood)
    for weight in model.likelihood_layer.weights:
        if "bias" in weight.path:
            weight.assign(weight - 12.0)  # softplus(-12) = 6e-6, of which a sum with 1 keeps one digit
    counts = np.random.default_rng(0).poisson(0.3, [60, 8, 8, 1])
    detector = OutlierDetector(model, scoring=scoring, random_state=0).fit(counts)
    card = kae.export.litert(detector, tmp_path / "a.tflite", signatures="score")
    assert card.errors["score"]["score"]["max"] < 1e-3


@pytest.mark.slow
def test_a_scaled_detector_takes_the_examples_of_fit(scaled, examples, tmp_path):
    card = kae.export.litert(scaled, tmp_path / "a.tflite", signatures="score")
    check(run(card, 255.0 * examples), scaled, 255.0 * examples)
    assert card.detector["scale"] == 255.0 and list(card.signatures) == ["score"]
    assert "of other signatures (x - loc) / scale" in card.tensors["x"]["description"]
    assert kae.export.litert_metadata(card.path)["detector"] == card.detector
    assert kae.export.verify(card.path).ok
    assert tuple(DetectorSignature(scaled).support[:2]) == (0.0, 255.0)


@pytest.mark.parametrize("name", first(2, IN_GRAPHS))
def test_every_score_of_statistics_is_the_same_in_a_graph(model, digits, examples, name):
    detector = OutlierDetector(model, scoring=name, random_state=0).fit(digits[0][:100])
    check(tf.function(DetectorSignature(detector))(tf.constant(examples, tf.float32)), detector, examples)


def test_an_invalid_value_is_an_outlier_without_a_score(card, examples):
    x = examples[:3].copy()
    x[1, 3, 3], x[2, 0, 0] = np.nan, np.inf
    found = run(card, x)
    for name in ("score", "p_value"):
        np.testing.assert_array_equal(np.isnan(found[name]), [False, True, True])
    np.testing.assert_array_equal(found["outlier"][1:], 1)


@pytest.mark.slow
def test_a_server_rejects_what_python_rejects(scaled, examples):
    signature = DetectorSignature(scaled)
    score = tf.function(ServerSignatures(signature.model, 10, detector=signature).score)
    for wrong in (256.0, -1.0, np.nan):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"`x` must be finite and in \[0, 255\]"):
            score(tf.constant(np.full_like(examples[:1], wrong), tf.float32))


@pytest.mark.slow
def test_a_condition_is_an_input(small, digits, tmp_path):
    x, labels = digits
    detector = OutlierDetector(small(kae.Categorical(10)), condition=labels[:100], random_state=0).fit(x[:100])
    card = kae.export.litert(detector, tmp_path / "a.tflite", signatures="score")
    found = run(card, x[100:101], condition=np.int32([3]))
    np.testing.assert_allclose(found["score"], -detector.score_samples(x[100:101], [3]), rtol=1e-4)
    assert np.isnan(run(card, x[100:101], condition=np.int32([10]))["score"]).all()


def test_a_p_value_may_differ_by_few_counts(card):
    probes = read_probes(card.path.with_name("a.tflite.probes.npz"))
    p_value = np.concatenate([probe.tolerances["p_value"] for probe in probes])
    assert p_value.max() < 0.1 and np.median(p_value) <= 1 / 201 and card.errors["score"]["p_value"]["max"] < 0.02


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ({}, {"quantize": "int8"}, "`quantize` must be 'none' for a detector.* Received: 'int8'"),
        (
            {"scoring": "input_complexity"},
            {},
            "`scoring` must be auto, reconstruction, elbo, deviance, typicality or a Stat.* Received: InputComplexity",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused(model, digits, tmp_path, arguments, options, sentence):
    detector = OutlierDetector(model, random_state=0, **arguments).fit(digits[0][:50])
    with pytest.raises(ValueError, match=sentence):
        kae.export.litert(detector, tmp_path / "a.tflite", **options)
    assert not list(tmp_path.iterdir())


def test_a_detector_from_a_file_is_exported_likewise(detector, tmp_path):
    detector.save(tmp_path / "detector.zip")
    again = kae.outliers.load(tmp_path / "detector.zip")
    assert DetectorSignature(again).facts == DetectorSignature(detector).facts


def test_a_detector_must_be_fitted_and_has_its_own_reference(detector, model, digits, tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        kae.export.litert(OutlierDetector(model), tmp_path / "a.tflite")
    with pytest.raises(ValueError, match="`reference` must be omitted for a detector"):
        kae.export.saved_model(detector, tmp_path / "1", reference=digits[0][:10])
    with pytest.raises(ValueError, match="export a fitted detector for `score`"):
        kae.export.litert(model, tmp_path / "a.tflite", signatures="score")


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3,), (12, 10, 1)], ids=["columns", "images"])
def test_distances_and_textures_in_litert_are_those_of_python(tmp_path, shape):
    """A table of few columns, whose distances are sums of squares, and images of more than 100 values."""
    x = np.random.default_rng(0).random([200, *shape]) ** 2
    likelihood = "normal" if len(shape) == 1 else "bernoulli"
    model = kae.models.VAE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, likelihood=likelihood)
    model.build((None, *shape))
    detector = OutlierDetector(model, random_state=0).fit(x)
    assert ("neighbors" in detector.references_) == (len(shape) == 1) != ("texture" in detector.references_)
    card = kae.export.litert(detector, tmp_path / "a.tflite", signatures="score")
    check(run(card, x[:30]), detector, x[:30])
