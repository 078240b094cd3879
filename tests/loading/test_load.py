"""Whatever a file holds, loading it gives the model or a sentence, runs no code, and takes little memory and time."""

import copy
import io
import json
import os
import resource
import sys
import time
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.networks import MLP

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """{name: content} of the file of a small model."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model = kae.Autoencoder(MLP([3]), MLP([3]), latent_dim=2)
    model.compile()
    model.build((None, 2, 2, 1))
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    """A ZIP file of (name, content) pairs."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for name, content in members:
            archive.writestr(name, content)
    return path


def changed(path, members, **contents):
    """The file with another config or other weights, and right checksums."""
    names = {"config": CONFIG, "weights": WEIGHTS}
    return write(path, [*{**members, **{names[key]: content for key, content in contents.items()}}.items()])


def with_config(path, members, change):
    config = json.loads(members[CONFIG])
    change(config)
    return changed(path, members, config=json.dumps(config))


def refused(path, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        kae.load(path)
    assert path.name in str(caught.value)


def test_the_file_of_the_tests_is_a_model(members, tmp_path):
    model = kae.load(changed(tmp_path / "a.keras", members))
    assert model.latent_dim == 2 and model.built


def test_what_has_another_name_is_refused(members, tmp_path):
    refused(changed(tmp_path / "a.h5", members), "must end in .keras")


LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEAAAAAAA==", None, None]}, "module": "builtins"}


def an_object(name, module, registered=None, **config):
    return {"class_name": name, "module": module, "registered_name": registered, "config": config}


OBJECTS = {
    "a function of the system": (
        {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
        "Could not locate function 'system'",
    ),
    "a class of the system": (an_object("Popen", "subprocess", args="touch ran"), "Could not locate class 'Popen'"),
    "a lambda": (LAMBDA, "must not name __lambda__, which can run code"),
    "a layer with a lambda": (an_object("Lambda", "keras.layers", function=LAMBDA), "must not name "),
    "a SavedModel": (an_object("TFSMLayer", "keras.layers", filepath="/elsewhere/model"), "must not name TFSMLayer"),
    "a registered lambda": (an_object("A", None, "keras>Lambda"), "must not name keras>Lambda"),
    "a download": (an_object("get_file", "keras.utils", origin="http://x"), "must not take objects from keras.utils"),
    "a switch": (
        an_object("enable_unsafe_deserialization", "keras.config"), "must not take objects from keras.config"
    ),
    "a type": ({"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []}, "__typespec__"),
    "a large layer": (an_object("Dense", "keras.layers", units=10**9), "`encoder` must take inputs"),
    "a large table": (an_object("Embedding", "keras.layers", input_dim=10**12, output_dim=9), "asks for more weights"),
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
        refused(path, "must not name __lambda__")
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)


MORE = "asks for more weights than the 236 bytes that it holds"
SIZES = {
    "latent_dim": (lambda config: config["config"].update(latent_dim=10**9), "must be a positive integer, 1048576"),
    "latent_dim, less": (lambda config: unbuilt(config)["config"].update(latent_dim=10**6), MORE),
    "hidden": (lambda config: encoder(config).update(hidden=[10**9]), "`hidden` must be a sequence"),
    "hidden, less": (lambda config: encoder(unbuilt(config)).update(hidden=[10**6]), MORE),
    "hidden, many": (lambda config: encoder(config).update(hidden=[1] * 5000), "`hidden` must be a sequence"),
    "hidden, not so many": (lambda config: encoder(unbuilt(config)).update(hidden=[1] * 250), MORE),
    "shape": (lambda config: unbuilt(config)["build_config"].update(input_shape=[None, 1000, 1000, 10]), MORE),
    "components": (lambda config: prior(config, "NormalMixture", components=10**9), MORE),
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


def peak():
    """The most memory that this process has had, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def nested(depth):
    return '{"class_name": "A", "config": ' * depth + "1" + "}" * depth


CONFIGS = {
    "no JSON": ("{", "could not be read"),
    "a list": ("[]", "must be a dictionary"),
    "another model": (json.dumps(an_object("Sequential", "keras")), "must hold a keras_ae model. Received: Sequential"),
    "nothing": ("{}", "must hold a keras_ae model. Received: None"),
    "a list for a name": ('{"registered_name": ["a"]}', "could not be read"),
    "deep": (nested(200), "in each other, at most"),
    "too deep for a parser": (nested(100_000), "could not be read"),
    "long": (json.dumps({"a": [0] * 60_000}), "must have 50000 values"),
    "a long number": ('{"a": ' + "9" * 5000 + "}", "could not be read"),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_that_is_none_is_refused(members, tmp_path, what):
    content, sentence = CONFIGS[what]
    refused(changed(tmp_path / "a.keras", members, config=content), sentence)


ARCHIVES = {
    "a name above": (lambda m: [*m.items(), ("../evil.py", b"x")], "must be that of a file inside its folder"),
    "an absolute name": (
        lambda m: [*m.items(), ("/elsewhere/evil.py", b"x")],
        "must be that of a file inside its folder",
    ),
    "a name of Windows": (lambda m: [*m.items(), ("assets\\..\\evil", b"x")], "must be that of a file inside"),
    "a name above, later": (lambda m: [*m.items(), ("assets/../../evil", b"x")], "must be that of a file inside"),
    "a name twice": (lambda m: [*m.items(), (CONFIG, m[CONFIG])], "must have names of their own"),
    "a foreign file": (lambda m: [*m.items(), ("setup.py", b"x")], "must hold a model alone. Received: setup.py"),
    "no config": (lambda m: [(WEIGHTS, m[WEIGHTS])], "config.json"),
    "no weights": (lambda m: [(CONFIG, m[CONFIG])], "model.weights.h5"),
    "nothing": (lambda m: [], "must be a ZIP file, with nothing before it or after it"),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_that_is_no_model_is_refused(members, tmp_path, what):
    change, sentence = ARCHIVES[what]
    refused(write(tmp_path / "a.keras", change(members)), sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_a_bomb_is_refused_before_it_is_unpacked(members, tmp_path):
    path = write(tmp_path / "a.keras", [*members.items(), ("assets/zeros", bytes(10**7))], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    refused(path, "must not be compressed")


def weights(change):
    """An HDF5 file that a function has filled."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        change(file)
    return stream.getvalue()


def external(file):
    file.create_dataset("0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def cycle(file):
    file.create_group("a")["b"] = file


HDF5 = {
    "a link to a file": (lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/a")), "a link, a"),
    "a link": (lambda file: file.__setitem__("a", h5py.SoftLink("/b")), "a link, a"),
    "an array elsewhere": (external, "must be stored as they are"),
    "an array that is not there": (lambda file: file.create_dataset("0", (10**9,), "f4"), "must be stored as they are"),
    "a compressed array": (
        lambda file: file.create_dataset("0", (10**6,), "f4", compression="gzip", fillvalue=1), "must be stored as"
    ),
    "texts": (lambda file: file.create_dataset("0", data=["a"], dtype=h5py.string_dtype()), "must be stored as"),
    "a cycle": (cycle, "must be arrays in groups"),
    "no weights": (lambda file: None, "could not be loaded|expected"),
}  # fmt: skip


@pytest.mark.parametrize("what", HDF5)
def test_weights_that_claim_what_they_are_not_are_refused(members, tmp_path, what):
    change, sentence = HDF5[what]
    refused(changed(tmp_path / "a.keras", members, weights=weights(change)), sentence)


# The fuzzer: what it changes is drawn from a seed, so that each of the files can be made again.

TRACKED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
)
SEEN = []


def watch(event, arguments):
    """An audit hook, which cannot be taken away again: it is deaf but for the fuzzer."""
    if SEEN and event in TRACKED:
        SEEN.append((event, str(arguments)))


VALUES = [
    None, True, -1, 0, 10**9, 10**30, -0.5, 1e400, "", "a", "../../a", "keras_ae>VAE", "keras_ae>Elbo", "os", "system",
    [], [[]], {}, {"class_name": "A"}, ["relu"] * 3, "__lambda__",
    {"config": {}, "class_name": "Dense", "module": "keras.layers"},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}, [10**9] * 4,
]  # fmt: skip


def places(value, path=()):
    """Every place in nested dictionaries and lists."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(entry, (dict, list)):
            yield from places(entry, (*path, key))


def mutate_config(rng, members, content):
    config = copy.deepcopy(json.loads(members[CONFIG]))
    for _ in range(rng.integers(1, 3)):
        found = [*places(config)]
        *path, last = found[rng.integers(len(found))]
        owner = config
        for key in path:
            owner = owner[key]
        if rng.random() < 0.2 and isinstance(owner, dict):
            del owner[last]
        else:
            owner[last] = VALUES[rng.integers(len(VALUES))]
    return repacked(members, CONFIG, json.dumps(config).encode())


def mutate_weights(rng, members, content):
    return repacked(members, WEIGHTS, flipped(rng, members[WEIGHTS]))


def mutate_header(rng, members, content):
    return repacked(members, WEIGHTS, flipped(rng, members[WEIGHTS][:800]) + members[WEIGHTS][800:])


def mutate_text(rng, members, content):
    return repacked(members, CONFIG, flipped(rng, members[CONFIG]))


def flipped(rng, content):
    content = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        # Half of the bytes are changed near the start, where what a file is made of is written.
        end = len(content) if rng.random() < 0.5 else min(len(content), 1000)
        content[rng.integers(end)] = rng.integers(256)
    return bytes(content)


def repacked(members, name, content):
    stream = io.BytesIO()
    write(stream, [*{**members, name: content}.items()])
    return stream.getvalue()


MUTATIONS = [
    lambda rng, members, content: content[: rng.integers(len(content))],
    lambda rng, members, content: flipped(rng, content),
    lambda rng, members, content: content + rng.bytes(rng.integers(1, 99)),
    lambda rng, members, content: rng.bytes(rng.integers(2000)),
    lambda rng, members, content: content[:40] + rng.bytes(200) + content[240:],
    lambda rng, members, content: content[: -int(rng.integers(1, 300))] + rng.bytes(20),
    mutate_text,
    mutate_weights,
    mutate_header,
    mutate_config,
]


def test_five_hundred_mutations_give_the_model_or_a_sentence(members, tmp_path):
    path, content = tmp_path / "a.keras", repacked(members, CONFIG, members[CONFIG])
    sys.addaudithook(watch)
    SEEN.append("begin")
    slowest, refusals, before = 0.0, 0, peak()
    try:
        for number in range(500):
            rng = np.random.default_rng(number)
            path.write_bytes(MUTATIONS[number % len(MUTATIONS)](rng, members, content))
            begun = time.process_time()
            try:
                assert isinstance(kae.load(path), kae.Autoencoder)
            except ValueError as error:
                refusals += 1
                assert "a.keras" in str(error) and len(str(error)) < 800 and "\n" not in str(error), number
            slowest = max(slowest, time.process_time() - begun)
    finally:
        events = SEEN[1:]
        SEEN.clear()
    assert events == []
    assert refusals > 400  # what is left are names, numbers of weights, bytes that nobody reads
    assert slowest < 5
    assert peak() - before < 300e6
    assert os.listdir(tmp_path) == ["a.keras"]
