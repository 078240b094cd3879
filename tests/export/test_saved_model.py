import json

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae


@pytest.fixture(scope="module")
def exported(cvae, tmp_path_factory):
    directory = tmp_path_factory.mktemp("served") / "models" / "cvae" / "1"
    return kae.export.saved_model(cvae, directory, max_num=50)


@pytest.fixture(scope="module")
def call(exported):
    signatures = tf.saved_model.load(str(exported.path)).signatures

    def run(name, **inputs):
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    return run


LABELS = np.int32([3, 0, 9])


def codes(num=3):
    return np.random.default_rng(0).standard_normal([num, 4]).astype(np.float32)


def images(num=3):
    return np.random.default_rng(1).random([num, 8, 8, 1]).astype(np.float32)


def test_decode_is_the_mean_of_the_likelihood(call, cvae):
    found = call("decode", z=codes(), condition=LABELS)
    np.testing.assert_allclose(found["x"], cvae.decode(codes(), LABELS), atol=1e-6)


def test_serving_default_is_decode(call):
    default, decode = (call(name, z=codes(), condition=LABELS) for name in ("serving_default", "decode"))
    np.testing.assert_array_equal(default["x"], decode["x"])


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
    found = call("generate", seed=np.int32(seed), num=np.int32(3), condition=LABELS)["x"]
    np.testing.assert_allclose(found, cvae.sample(3, LABELS, seed=seed), atol=1e-6)


def test_picture_i_does_not_depend_on_num(call):
    ten, three = (call("generate", seed=np.int32(5), num=np.int32(n), condition=np.int32([4]))["x"] for n in (10, 3))
    np.testing.assert_allclose(ten[:3], three, atol=1e-6)


def test_a_single_condition_holds_for_all(call):
    single, each = (call("decode", z=codes(), condition=np.int32(c))["x"] for c in ([6], [6, 6, 6]))
    np.testing.assert_array_equal(single, each)


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        ("decode", {"condition": np.int32([3, 0, 10])}, r"`condition` must hold labels in \[0, 10\)"),
        ("decode", {"condition": np.int32([-1])}, r"`condition` must hold labels in \[0, 10\)"),
        ("decode", {"condition": np.int32([1, 2])}, "`condition` must have a single row, or one row an example"),
        ("decode", {"z": np.full([3, 4], np.nan, np.float32)}, "`z` must be finite"),
        ("decode", {"z": np.full([3, 4], np.inf, np.float32)}, "`z` must be finite"),
        ("generate", {"num": np.int32(0)}, r"`num` must be in \[1, 50\]"),
        ("generate", {"num": np.int32(51), "condition": np.int32([1])}, r"`num` must be in \[1, 50\]"),
        ("generate", {"seed": np.int32(-1)}, r"`seed` must be in \[0, 2\*\*31\)"),
        ("generate", {"condition": np.int32([11])}, r"`condition` must hold labels in \[0, 10\)"),
        ("encode", {"x": np.full([3, 8, 8, 1], np.nan, np.float32)}, r"`x` must be .*in \[0, 1\]"),
        ("encode", {"x": np.full([3, 8, 8, 1], 255, np.float32)}, r"`x` must be .*in \[0, 1\]"),
        ("reconstruct", {"x": np.full([3, 8, 8, 1], -0.1, np.float32)}, r"`x` must be .*in \[0, 1\]"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(call, name, inputs, sentence):
    first = {
        "decode": {"z": codes()},
        "generate": {"seed": np.int32(1), "num": np.int32(3)},
        "encode": {"x": images()},
        "reconstruct": {"x": images()},
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
    assert list(exported.signatures) == ["decode", "generate", "encode", "reconstruct", "serving_default"]
    assert card["signatures"]["generate"]["inputs"] == {
        "condition": {"dtype": "int32", "shape": [None]},
        "num": {"dtype": "int32", "shape": []},
        "seed": {"dtype": "int32", "shape": []},
    }
    assert card["signatures"]["decode"]["outputs"] == {"x": {"dtype": "float32", "shape": [None, 8, 8, 1]}}
    assert card["latency"]["decode_us"] > 0 and card["latency"]["rows"] == 1
    assert set(card["errors"]) == {"decode", "generate", "encode", "reconstruct"}
    assert all(output["max"] < 1e-5 for outputs in card["errors"].values() for output in outputs.values())
    model = [p for p in exported.path.rglob("*") if p.is_file() and p.parent.name != "assets.extra"]
    assert card["bytes"]["total"] == sum(p.stat().st_size for p in model)


def test_a_model_without_prior_exports_without_generate(small, tmp_path):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    card = kae.export.saved_model(model, tmp_path / "1")
    assert set(card.signatures) == {"decode", "encode", "reconstruct", "serving_default"}
    assert "prior" in card.omitted["generate"]
    assert set(card.errors["encode"]) == {"z"}  # a point has no scale


def test_an_existing_directory_is_refused_and_kept(cvae, exported):
    before = exported.path.joinpath("saved_model.pb").read_bytes()
    with pytest.raises(FileExistsError, match="`directory` must not exist yet"):
        kae.export.saved_model(cvae, exported.path)
    assert exported.path.joinpath("saved_model.pb").read_bytes() == before


def test_overwrite_replaces_the_directory(small, tmp_path):
    target = tmp_path / "1"
    target.mkdir()
    (target / "saved_model.pb").write_text("old")
    (target / "old").write_text("old")
    card = kae.export.saved_model(small(), target, overwrite=True)
    assert (target / "saved_model.pb").is_file() and not (target / "old").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1"]
    assert "condition" not in card.signatures["decode"]["inputs"]


def test_overwrite_does_not_replace_what_is_no_export(cvae, tmp_path):
    (tmp_path / "thesis.txt").write_text("four years")
    with pytest.raises(FileExistsError, match="`directory` must hold a SavedModel to be replaced"):
        kae.export.saved_model(cvae, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").is_file()


def test_several_properties_are_an_input_each(small, tmp_path):
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


@pytest.mark.parametrize(
    ("model", "error", "sentence"),
    [
        (object(), TypeError, "`model` must be a keras_ae model. Received: object"),
        (kae.models.VAE, TypeError, "`model` must be a keras_ae model. Received: VAE"),
        (lambda: kae.models.VAE(latent_dim=2), ValueError, "call `fit` before the export"),
    ],
)
def test_wrong_models_are_refused_before_anything_is_written(model, error, sentence, tmp_path):
    model = model() if not isinstance(model, type) and callable(model) else model
    with pytest.raises(error, match=sentence):
        kae.export.saved_model(model, tmp_path / "a" / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["seed", "x", "class", "self", "größe", "_hidden"])
def test_a_property_whose_name_cannot_be_that_of_an_input_is_refused(small, tmp_path, name):
    with pytest.raises(ValueError, match=f"To be exported, a property must be called by .* Received: '{name}'"):
        kae.export.saved_model(small({name: kae.Categorical(3)}), tmp_path / "1")


def test_a_model_of_nan_is_refused(small, tmp_path):
    model = small()
    model.decoder.weights[0].assign(np.full(model.decoder.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match="`model` must give finite numbers"):
        kae.export.saved_model(model, tmp_path / "1")


def test_max_num_must_be_positive(cvae, tmp_path):
    with pytest.raises(ValueError, match="`max_num` must be"):
        kae.export.saved_model(cvae, tmp_path / "1", max_num=0)
