"""What an export is judged by: samples of the prior, and what a classifier makes of them."""

import sys
import types

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae.conditions import Mixed
from keras_ae.evaluate import frechet_distance
from keras_ae.export.litert.calibration import RealExamples
from keras_ae.export.litert.quality import judge
from keras_ae.export.verification.probes import Probe

LABELS = np.arange(40) % 2
EXPECTED = np.random.default_rng(0).random((40, 2)).astype(np.float32) + np.eye(2, dtype=np.float32)[LABELS]
PROBE = Probe("decode", {"z": np.zeros([40, 1]), "condition": LABELS}, {"x": EXPECTED})
REAL = RealExamples(np.random.default_rng(1).normal(size=(30, 2)).astype(np.float32), np.zeros(30, int))
MODEL = types.SimpleNamespace(condition=kae.Categorical(2), event_shape=(2,))
IMAGES = types.SimpleNamespace(condition=None, event_shape=(8, 8, 1))


@pytest.fixture(scope="module")
def reader():
    """A classifier that reads the larger of two values; its features are the values."""
    return keras.Sequential([keras.Input([2]), keras.layers.Identity(), keras.layers.Softmax()])


def test_differences_are_measured_as_a_part_of_the_largest_value():
    found = EXPECTED.copy()
    found[3, 1] += 1e-3
    quality = judge(MODEL, PROBE, found, quantize="fp16")
    assert quality["samples"] == 40
    assert quality["max"] == pytest.approx(1e-3, rel=1e-3)  # of float32
    assert quality["rms"] == pytest.approx(1e-3 / np.sqrt(80), rel=1e-3)
    assert quality["relative"] == pytest.approx(1e-3 / EXPECTED.max(), rel=1e-3)
    assert quality["budget"] == {"relative": 4e-3}


@pytest.mark.parametrize(
    ("quantize", "budget", "limit"), [("none", None, 1e-5), ("fp16", None, 4e-3), ("fp16", 0.5, 0.5)]
)
def test_a_missed_budget_is_an_error(quantize, budget, limit):
    size = float(EXPECTED.max())
    judge(MODEL, PROBE, EXPECTED + 0.9 * limit * size, quantize=quantize, budget=budget)
    with pytest.raises(
        RuntimeError, match=rf'its budget "relative": `decode` differs .* more than {limit:g}\. .*budget=.* allows it'
    ):
        judge(MODEL, PROBE, EXPECTED + 1.1 * limit * size, quantize=quantize, budget=budget)
    with pytest.raises(RuntimeError, match="exceeds its budget"):
        judge(MODEL, PROBE, EXPECTED * np.nan, quantize=quantize, budget=budget)


def test_a_classifier_tells_distance_and_accuracy_of_model_and_export(reader):
    found = EXPECTED.copy()
    wrong = LABELS == 1
    found[wrong] = found[wrong][:, ::-1]  # all of one class is read as the other
    quality = judge(
        MODEL,
        PROBE,
        found,
        quantize="int8",
        budget={"spread": 9, "frechet_distance": 9},
        classifier=reader,
        examples=REAL,
    )
    distances = [frechet_distance(REAL.x, x) for x in (EXPECTED, found)]
    assert quality["frechet_distance"]["model"] == pytest.approx(distances[0], rel=1e-3)
    assert quality["frechet_distance"]["export"] == pytest.approx(distances[1], rel=1e-3)
    assert quality["frechet_distance"]["change"] == pytest.approx(distances[1] / distances[0] - 1, rel=1e-3)
    assert quality["accuracy"] == {"model": 1.0, "export": 0.5}


@pytest.mark.parametrize(
    ("parts", "judged"),
    first(
        1,
        [
            ({"tilt": kae.Continuous(), "digit": kae.Categorical(2), "style": kae.Categorical(3)}, True),
            ({"digit": kae.Categorical(2), "style": kae.Categorical(2)}, False),  # which of them, nobody knows
            ({"tilt": kae.Continuous(), "style": kae.Categorical(3)}, False),
        ],
    ),
)
def test_the_label_among_several_properties_is_read(reader, parts, judged):
    probe = PROBE._replace(inputs={"z": PROBE.inputs["z"], **dict.fromkeys(parts, 1 - LABELS), "digit": LABELS})
    options = {"quantize": "int8", "budget": 9.0, "classifier": reader, "examples": REAL}
    quality = judge(types.SimpleNamespace(condition=Mixed(parts), event_shape=(2,)), probe, EXPECTED, **options)
    assert quality.get("accuracy") == ({"model": 1.0, "export": 1.0} if judged else None)


def test_int8_may_not_be_further_from_real_examples(reader):
    far = {"spread": 9.0}
    away = EXPECTED + (EXPECTED.mean(axis=0) - REAL.x.mean(axis=0))
    with pytest.raises(
        RuntimeError,
        match=r'budget "frechet_distance": .* by \d\S* of the model.s distance, more than 0.05\. quantize="dynamic"',
    ):
        judge(MODEL, PROBE, away, quantize="int8", budget=far, classifier=reader, examples=REAL)
    nearer = EXPECTED - 0.1 * (EXPECTED.mean(axis=0) - REAL.x.mean(axis=0))
    quality = judge(MODEL, PROBE, nearer, quantize="int8", budget=far, classifier=reader, examples=REAL)
    assert quality["frechet_distance"]["change"] < 0
    assert quality["budget"] == {"spread": 9.0, "frechet_distance": 0.05}


def test_int8_of_images_without_a_classifier_is_judged_by_the_spread_alone():
    spread = float(EXPECTED.std())
    quality = judge(IMAGES, PROBE, EXPECTED + 0.1 * spread, quantize="int8", examples=REAL)
    assert quality["budget"] == {"spread": 0.2} and quality["spread"] == pytest.approx(0.1, rel=1e-3)
    assert "frechet_distance" not in quality
    with pytest.raises(RuntimeError, match=r'budget "spread": .* 0.3 of the spread .*budget={"spread": 0.\d+} allows'):
        judge(IMAGES, PROBE, EXPECTED + 0.3 * spread, quantize="int8")
    assert judge(IMAGES, PROBE, EXPECTED + 0.3 * spread, quantize="int8", budget=0.5)["budget"] == {"spread": 0.5}


def test_tables_are_judged_by_the_spread_of_each_column_and_their_distance_to_examples():
    columns = EXPECTED * np.float32([1.0, 100.0])
    probe, real = (
        PROBE._replace(outputs={"x": columns}),
        RealExamples(REAL.x * np.float32([1.0, 100.0]), REAL.condition),
    )
    wrong = columns + np.float32([0.5, 0.0])  # a hundredth of the spread of all values, and all of the first column's
    with pytest.raises(RuntimeError, match='budget "spread"'):
        judge(MODEL, probe, wrong, quantize="int8", examples=real)
    assert judge(IMAGES, probe, wrong, quantize="int8")["spread"] < 0.02
    quality = judge(MODEL, probe, wrong, quantize="int8", examples=real, budget={"spread": 9, "frechet_distance": 9})
    spread = real.x.std(axis=0)
    for name, x in (("model", columns), ("export", wrong)):
        expected = frechet_distance(real.x / spread, x / spread)
        assert quality["frechet_distance"][name] == pytest.approx(expected, rel=1e-3)


def test_distances_of_long_sequences_are_those_of_their_principal_components(monkeypatch):
    monkeypatch.setattr(sys.modules["keras_ae.export.litert.quality"], "_MAX_AXES", 2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 9)) + 1e-3 * rng.normal(size=(50, 9))  # two of nine axes matter
    x = x[..., np.newaxis].astype(np.float32)
    model = types.SimpleNamespace(condition=None, event_shape=(9, 1))
    quality = judge(model, PROBE._replace(outputs={"x": x + 0.1}), x + 0.1, quantize="int8", examples=RealExamples(x))
    rows = (x - x.mean(axis=0))[..., 0] / x[..., 0].std(axis=0)
    axes = np.linalg.svd(rows)[2][:2]
    expected = np.sum((axes @ (0.1 / x[..., 0].std(axis=0))) ** 2)  # of two sets that are the same but for a shift
    assert quality["frechet_distance"]["model"] == pytest.approx(expected, rel=1e-3)
    assert judge(model, PROBE._replace(outputs={"x": x}), x, quantize="int8", examples=RealExamples(x), budget=9.0)[
        "budget"
    ] == {"spread": 0.2, "frechet_distance": 9.0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"budget": -1}, "`budget` must be a number >= 0, or a dictionary of such numbers. Received: budget=-1"),
        ({"budget": {"spread": 1}}, "`budget` of quantize='none' must name 'relative'. Received: 'spread'"),
        (
            {"budget": {"frechet_distance": 0.1}, "quantize": "int8"},
            r"`budget` of quantize='int8' must name 'spread' \('frechet_distance' needs `examples`, and for images",
        ),
        ({"classifier": keras.Sequential()}, "`classifier` needs `examples`"),
        ({"examples": (1, 2, 3)}, r"`examples` must be x, or \(x, condition\). Received: a tuple of 3"),
        ({"examples": np.zeros([4, 8, 8, 1])}, "needs the condition of each example"),
    ],
)
def test_what_judges_an_export_is_checked(cvae, tmp_path, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.export.litert(cvae, tmp_path / "a.tflite", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_is_a_keras_model(cvae, tmp_path):
    with pytest.raises(TypeError, match=r"`classifier` must be a Keras model\. Received: function"):
        kae.export.litert(cvae, tmp_path / "a.tflite", classifier=judge)


def test_a_file_that_exceeds_its_budget_leaves_what_was_there(cvae, tmp_path):
    (tmp_path / "a.tflite").write_text("old")
    with pytest.raises(RuntimeError, match="exceeds its budget"):
        kae.export.litert(cvae, tmp_path / "a.tflite", quantize="fp16", budget=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tflite"]
    assert (tmp_path / "a.tflite").read_text() == "old"
