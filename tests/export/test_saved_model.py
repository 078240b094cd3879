import io
import json
import logging

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_ae as kae
from keras_ae.export.signatures.server import encode_png

REFERENCE = (np.random.default_rng(5).random([200, 8, 8, 1]).astype(np.float32), np.arange(200) % 10)


@pytest.fixture(scope="module")
def exported(cvae, tmp_path_factory):
    directory = tmp_path_factory.mktemp("served") / "models" / "cvae" / "1"
    return kae.export.saved_model(cvae, directory, max_num=50, reference=REFERENCE, png=True)


@pytest.fixture(scope="module")
def call(exported):
    signatures = tf.saved_model.load(str(exported.path)).signatures

    def run(name, **inputs):
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    return run


LABELS = np.int32([3, 0, 9])
NAMES = ["decode", "sample", "generate", "encode", "reconstruct", "score"]


def codes(num=3):
    return np.random.default_rng(0).standard_normal([num, 4]).astype(np.float32)


def images(num=3):
    return np.random.default_rng(1).random([num, 8, 8, 1]).astype(np.float32)


def generate(call, seed, num, condition, temperature=1.0):
    scalars = {"seed": np.int32(seed), "num": np.int32(num), "temperature": np.float32(temperature)}
    return call("generate", **scalars, condition=condition)["x"]


def test_decode_is_the_mean_of_the_likelihood(call, cvae):
    found = call("decode", z=codes(), condition=LABELS)
    np.testing.assert_allclose(found["x"], cvae.decode(codes(), LABELS), atol=1e-6)


def test_serving_default_is_decode(call):
    default, decode = (call(name, z=codes(), condition=LABELS) for name in ("serving_default", "decode"))
    np.testing.assert_allclose(default["x"], decode["x"], rtol=1e-5, atol=1e-6)


def test_encode_gives_mean_and_scale_of_the_posterior(call, cvae):
    found, posterior = call("encode", x=images(), condition=LABELS), cvae.posterior(images(), LABELS)
    np.testing.assert_allclose(found["z"], posterior.mean(), atol=1e-6)
    np.testing.assert_allclose(found["scale"], posterior.stddev(), atol=1e-6)


def test_reconstruct_is_decode_of_encode(call):
    z = call("encode", x=images(), condition=LABELS)["z"]
    expected = call("decode", z=z, condition=LABELS)["x"]
    np.testing.assert_allclose(call("reconstruct", x=images(), condition=LABELS)["x"], expected, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_one_seed_gives_the_picture_of_keras(call, cvae, seed):
    found = generate(call, seed, 3, LABELS)
    np.testing.assert_allclose(found, cvae.sample(3, LABELS, seed=seed), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.25, 2.0])
def test_generate_has_the_temperature_of_keras(call, cvae, temperature):
    found = generate(call, 7, 3, LABELS, temperature)
    np.testing.assert_allclose(found, cvae.sample(3, LABELS, seed=7, temperature=temperature), atol=1e-6)
    assert np.abs(found - generate(call, 7, 3, LABELS)).max() > 1e-3


def test_a_row_of_sample_is_the_picture_of_its_own_seed_and_condition(call, cvae):
    seeds = np.int32([7, 0, 2**31 - 1])
    found = call("sample", seed=seeds, condition=LABELS)["x"]
    for i, (seed, label) in enumerate(zip(seeds, LABELS, strict=True)):
        np.testing.assert_allclose(found[i], cvae.sample(1, label, seed=int(seed))[0], atol=1e-6)
    turned = call("sample", seed=seeds[::-1].copy(), condition=LABELS[::-1].copy())["x"]
    np.testing.assert_allclose(turned[::-1], found, atol=1e-6)


def test_score_is_that_of_python(call, cvae):
    found = call("score", x=images(), condition=LABELS)
    expected = kae.evaluate.score(cvae, images(), LABELS, reference=REFERENCE)
    assert set(found) == {"elbo", "kl", "reconstruction", "outlier_score"}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)
    single = call("score", x=images()[1:2], condition=LABELS[1:2])
    np.testing.assert_allclose(single["elbo"], expected["elbo"][1:2], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("decode", {"z": codes()}),
        ("sample", {"seed": np.int32([1, 2, 3])}),
        ("generate", {"seed": np.int32(1), "num": np.int32(3), "temperature": np.float32(1)}),
        ("reconstruct", {"x": images()}),
    ],
)
def test_png_files_hold_the_pictures_beside_them(call, name, inputs):
    outputs = call(name, **inputs, condition=LABELS)
    assert len(outputs["png_bytes"]) == 3
    for file, x in zip(outputs["png_bytes"], outputs["x"], strict=True):
        picture = Image.open(io.BytesIO(file))
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), np.round(255 * x[..., 0]))


def test_picture_i_does_not_depend_on_num(call):
    ten, three = (generate(call, 5, num, np.int32([4])) for num in (10, 3))
    np.testing.assert_allclose(ten[:3], three, atol=1e-6)


def test_a_single_condition_holds_for_all(call):
    single, each = (call("decode", z=codes(), condition=np.int32(c))["x"] for c in ([6], [6, 6, 6]))
    np.testing.assert_allclose(single, each, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        ("decode", {"condition": np.int32([3, 0, 10])}, r"`condition` must hold labels in \[0, 10\)"),
        ("decode", {"condition": np.int32([-1])}, r"`condition` must hold labels in \[0, 10\)"),
        ("decode", {"condition": np.int32([1, 2])}, "`condition` must have a single row, or one row per example"),
        ("decode", {"z": np.full([3, 4], np.nan, np.float32)}, "`z` must be finite"),
        ("decode", {"z": np.full([3, 4], np.inf, np.float32)}, "`z` must be finite"),
        ("generate", {"num": np.int32(0)}, r"`num` must be in \[1, 50\]"),
        ("generate", {"num": np.int32(51), "condition": np.int32([1])}, r"`num` must be in \[1, 50\]"),
        ("generate", {"seed": np.int32(-1)}, r"`seed` must be in \[0, 2\*\*31\)"),
        ("generate", {"condition": np.int32([11])}, r"`condition` must hold labels in \[0, 10\)"),
        ("generate", {"temperature": np.float32(0)}, r"`temperature` must be in \(0, 10\]"),
        ("generate", {"temperature": np.float32(10.5)}, r"`temperature` must be in \(0, 10\]"),
        ("generate", {"temperature": np.float32(np.nan)}, r"`temperature` must be in \(0, 10\]"),
        ("sample", {"seed": np.int32([1, -1, 2])}, r"`seed` must be in \[0, 2\*\*31\)"),
        ("sample", {"seed": np.int32([1, 2])}, "`condition` must have a single row, or one row per example"),
        ("sample", {"seed": np.zeros([51], np.int32), "condition": np.int32([1])}, "`seed` must have 1 to 50 rows"),
        ("decode", {"z": codes(51), "condition": np.int32([1])}, "`z` must have 1 to 50 rows"),
        ("decode", {"z": codes(0), "condition": np.int32([1])}, "`z` must have 1 to 50 rows"),
        ("reconstruct", {"x": images(51), "condition": np.int32([1])}, "`x` must have 1 to 50 rows"),
        ("score", {"x": images(51), "condition": np.int32([1])}, "`x` must have 1 to 50 rows"),
        ("score", {"x": np.full([3, 8, 8, 1], np.nan, np.float32)}, r"`x` must be .*in \[0, 1\]"),
        ("score", {"condition": np.int32([3, 0, 10])}, r"`condition` must hold labels in \[0, 10\)"),
        ("encode", {"x": np.full([3, 8, 8, 1], np.nan, np.float32)}, r"`x` must be .*in \[0, 1\]"),
        ("encode", {"x": np.full([3, 8, 8, 1], 255, np.float32)}, r"`x` must be .*in \[0, 1\]"),
        ("reconstruct", {"x": np.full([3, 8, 8, 1], -0.1, np.float32)}, r"`x` must be .*in \[0, 1\]"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(call, name, inputs, sentence):
    first = {
        "decode": {"z": codes()},
        "sample": {"seed": np.int32([1, 2, 3])},
        "generate": {"seed": np.int32(1), "num": np.int32(3), "temperature": np.float32(1)},
        "encode": {"x": images()},
        "reconstruct": {"x": images()},
        "score": {"x": images()},
    }[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        call(name, **{**first, "condition": LABELS, **inputs})


def test_weights_are_stored_once(exported):
    variables = exported.path / "variables" / "variables.data-00000-of-00001"
    # The rest is the object graph, about 10 kB.
    assert exported.bytes["weights"] <= variables.stat().st_size < exported.bytes["weights"] + 20_000


def test_requests_for_warm_up_are_part_of_it(exported):
    path = exported.path / "assets.extra" / "tf_serving_warmup_requests"
    assert len(list(tf.data.TFRecordDataset(str(path)))) >= len(exported.signatures) - 1  # all but `generate`


def test_the_card_says_what_was_measured(exported):
    card = json.loads((exported.path / "assets.extra" / "card.json").read_text())
    assert card["path"] == "1" and card["format"] == "saved_model" and card["verified"] is True
    assert list(exported.signatures) == [*NAMES, "serving_default"] and card["omitted"] == {}
    assert card["signatures"]["generate"]["inputs"] == {
        "condition": {"dtype": "int32", "shape": [None]},
        "num": {"dtype": "int32", "shape": []},
        "seed": {"dtype": "int32", "shape": []},
        "temperature": {"dtype": "float32", "shape": []},
    }
    assert card["signatures"]["sample"]["inputs"]["seed"] == {"dtype": "int32", "shape": [None]}
    assert card["signatures"]["decode"]["outputs"] == {
        "png_bytes": {"dtype": "string", "shape": [None]},
        "x": {"dtype": "float32", "shape": [None, 8, 8, 1]},
    }
    assert card["latency"]["decode_us"] > 0 and card["latency"]["rows"] == 1
    assert set(card["errors"]) == set(NAMES)
    for signature, outputs in card["errors"].items():
        limit = 1e-4 if signature == "score" else 1e-5  # of about 45 nats, and of values in [0, 1]
        assert all(output["max"] < limit for name, output in outputs.items() if name != "png_bytes")
        assert outputs.get("png_bytes", {"max": 0})["max"] <= 1  # levels
    extra = ("card.json", "card.md", "probes.npz")  # not part of what is served
    model = [path for path in exported.path.rglob("*") if path.is_file() and path.name not in extra]
    assert card["bytes"]["total"] == sum(path.stat().st_size for path in model)


@pytest.fixture
def messages(monkeypatch):
    """What TensorFlow says in a notebook."""
    logger, heard = tf.get_logger(), []
    handler = logging.Handler()
    handler.emit = heard.append
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    yield heard
    logger.removeHandler(handler)


def test_a_model_without_prior_exports_without_what_needs_one(small, tmp_path, in_process, messages):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    card = kae.export.saved_model(model, tmp_path / "1")
    tf.get_logger().info("Assets written to: here")
    written = [each.getMessage() for each in messages if "written" in each.getMessage()]
    assert written == ["Assets written to: here"]  # none that names a temporary folder
    assert set(card.signatures) == {"decode", "encode", "reconstruct", "score", "serving_default"}
    assert set(card.omitted) == {"sample", "generate", "score.elbo", "score.kl", "score.outlier_score"}
    assert "no prior" in card.omitted["generate"] and "reference=x" in card.omitted["score.outlier_score"]
    assert set(card.errors["score"]) == {"reconstruction"}
    assert set(card.errors["encode"]) == {"z"}  # a point has no scale


@pytest.mark.slow
def test_several_properties_are_an_input_each(small, tmp_path, in_process):
    model = small({"digit": kae.Categorical(10), "tilt": kae.Continuous(2)})
    card = kae.export.saved_model(model, tmp_path / "1")
    assert card.signatures["decode"]["inputs"] == {
        "digit": {"dtype": "int32", "shape": [None]},
        "tilt": {"dtype": "float32", "shape": [None, 2]},
        "z": {"dtype": "float32", "shape": [None, 4]},
    }
    decode = tf.saved_model.load(str(tmp_path / "1")).signatures["decode"]
    tilt = np.float32([[0, np.nan]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"tilt.* must be finite"):
        decode(z=tf.constant(codes()), digit=tf.constant(LABELS), tilt=tf.constant(tilt))


@pytest.mark.parametrize("event_shape", [(6, 5), (6, 5, 3)])
def test_png_files_of_other_shapes(event_shape):
    x = np.random.default_rng(0).random([2, *event_shape]).astype(np.float32)
    for file, picture in zip(encode_png(tf.constant(x)).numpy(), x, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), np.round(255 * picture))
