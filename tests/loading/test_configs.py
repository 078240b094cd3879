"""Whatever config a file holds, loading it gives the model or a sentence, runs no code, and takes little memory."""

import json
import time

import keras
import numpy as np
import pytest
from keras_files import an_object, changed, peak, refused, with_config

import keras_ae as kae


def test_the_file_of_the_tests_is_a_model(members, tmp_path):
    model = kae.load(changed(tmp_path / "a.keras", members))
    assert model.latent_dim == 2 and model.built


@pytest.mark.parametrize("path", [None, 3, b"a.keras", "a\0.keras"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match=r"`path` must be the path of a \.keras file\. Received: path="):
        kae.load(path)


@pytest.mark.parametrize(
    "part, number, found",
    [("encoder", np.nan, "NaN"), ("decoder", np.nan, "NaN"), ("posterior_layer", -np.inf, "infinity")],
)
def test_weights_that_are_not_finite_are_refused_by_name(members, tmp_path, part, number, found):
    model = kae.load(changed(tmp_path / "good.keras", members))
    weight = getattr(model, part).weights[0]
    value = np.array(weight)
    value.flat[-1] = number
    weight.assign(value)
    model.save(tmp_path / "bad.keras")
    name = weight.path.rpartition("/")[2]
    refused(tmp_path / "bad.keras", f"its weights must be finite. Received: {found} in .*{name}")


def test_what_has_another_name_is_refused(members, tmp_path):
    refused(changed(tmp_path / "a.h5", members), "must end in .keras")


LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEAAAAAAA==", None, None]}, "module": "builtins"}


OBJECTS = {
    "a function of the system": (
        {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
        "needs the function system, which is not registered",
    ),
    "a class of the system": (an_object("Popen", "subprocess", args="touch ran"), "needs the class Popen"),
    "a lambda": (LAMBDA, "must not contain __lambda__, which can run code"),
    "a layer with a lambda": (an_object("Lambda", "keras.layers", function=LAMBDA), "must not contain "),
    "a SavedModel": (an_object("TFSMLayer", "keras.layers", filepath="/elsewhere/model"), "must not contain TFSMLayer"),
    "a registered lambda": (an_object("A", None, "keras>Lambda"), "must not contain keras>Lambda"),
    "a download": (an_object("get_file", "keras.utils", origin="http://x"), "must not contain objects of keras.utils"),
    "a switch": (
        an_object("enable_unsafe_deserialization", "keras.config"), "must not contain objects of keras.config"
    ),
    "a type": ({"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []}, "__typespec__"),
    "a large layer": (an_object("Dense", "keras.layers", units=10**9), "`encoder` must take inputs"),
    "a large table": (an_object("Embedding", "keras.layers", input_dim=10**12, output_dim=9), "needs more weights"),
}  # fmt: skip


@pytest.mark.parametrize("what", OBJECTS)
def test_an_encoder_that_is_no_network_of_ours_is_refused(members, tmp_path, what):
    value, sentence = OBJECTS[what]
    path = with_config(tmp_path / "a.keras", members, lambda config: config["config"].update(encoder=value))
    refused(path, sentence)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_lambda_is_refused_whatever_keras_was_told(members, tmp_path, monkeypatch, allowed):
    if allowed:
        keras.config.enable_unsafe_deserialization()
    try:
        path = with_config(tmp_path / "a.keras", members, lambda config: config["config"].update(encoder=LAMBDA))
        refused(path, "must not contain __lambda__")
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)


MORE = "needs more weights than the 236 bytes in the file"


def wider(config):
    """The code of the model and of its posterior."""
    for each in (unbuilt(config), config["config"]["posterior"]):
        each["config"]["latent_dim"] = 10**6


SIZES = {
    "latent_dim": (lambda config: config["config"].update(latent_dim=10**9), "must be a positive integer, 1048576"),
    "latent_dim, less": (wider, MORE),
    "hidden": (lambda config: encoder(config).update(hidden=[10**9]), "`hidden` must be a sequence"),
    "hidden, less": (lambda config: encoder(unbuilt(config)).update(hidden=[10**6]), MORE),
    "hidden, many": (lambda config: encoder(config).update(hidden=[1] * 5000), "`hidden` must be a sequence"),
    "hidden, not so many": (lambda config: encoder(unbuilt(config)).update(hidden=[1] * 250), MORE),
    "shape": (lambda config: unbuilt(config)["build_config"].update(input_shape=[None, 1000, 1000, 10]), MORE),
    "components": (lambda config: prior(config, "NormalMixture", components=2**20), MORE),
    "steps": (lambda config: prior(config, "RealNVP", steps=10**9, hidden=[4]), "`steps` must be .*, 256 at most"),
    "masks": (lambda config: prior(config, "MaskedAutoregressiveFlow", steps=2, hidden=[10**6, 10**6]), MORE),
    "blocks": (
        lambda config: config["config"].update(
            encoder=an_object("A", None, "keras_ae>ResNetEncoder", filters=[4], blocks=10**9)
        ),
        "`blocks` must be .*, 256 at most",
    ),
}


def encoder(config):
    return config["config"]["encoder"]["config"]


def prior(config, name, **arguments):
    config["config"]["prior"] = an_object(name, None, f"keras_ae>{name}", **arguments)


def unbuilt(config):
    """The parts are built for what the model says, not for what they say themselves."""
    for part in config["config"].values():
        if isinstance(part, dict):
            part.pop("build_config", None)
    return config


@pytest.mark.parametrize("what", SIZES)
def test_a_size_that_the_file_has_no_weights_for_takes_neither_memory_nor_time(members, tmp_path, what):
    change, sentence = SIZES[what]
    path = with_config(tmp_path / "a.keras", members, change)
    before, begun = peak(), time.process_time()
    refused(path, sentence)
    assert time.process_time() - begun < 5
    assert peak() - before < 200e6


def nested(depth):
    return '{"class_name": "A", "config": ' * depth + "1" + "}" * depth


CONFIGS = {
    "no JSON": ("{", "could not be read"),
    "a list": ("[]", "must be a dictionary"),
    "another model": (json.dumps(an_object("Sequential", "keras")), "must hold a keras_ae model. Received: Sequential"),
    "nothing": ("{}", "must hold a keras_ae model. Received: None"),
    "a list for a name": ('{"registered_name": ["a"]}', "could not be read"),
    "deep": (nested(200), "values and depth"),
    "too deep for a parser": (nested(100_000), "could not be read"),
    "long": (json.dumps({"a": [0] * 60_000}), "at most 50000 values"),
    "a long number": ('{"a": ' + "9" * 5000 + "}", "could not be read"),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_that_is_none_is_refused(members, tmp_path, what):
    content, sentence = CONFIGS[what]
    refused(changed(tmp_path / "a.keras", members, config=content), sentence)
