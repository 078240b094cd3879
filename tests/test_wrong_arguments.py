"""Wrong arguments fail when a model or a part is made, with one sentence that names the argument."""

import inspect
import string
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st

import keras_ae as kae
from keras_ae.models import MODELS
from keras_ae.run.assembly import PARTS, SCHEDULES, arguments

TABLES = {"model": MODELS, **PARTS, "schedule": SCHEDULES}
NAMES = {cls: f"{kind}-{name}" for kind, table in TABLES.items() for name, cls in table.items()}
CLASSES = [(cls, name) for cls, name in NAMES.items() if arguments(cls)]
WORDS = st.text(string.ascii_lowercase + "_", max_size=12).map(lambda word: f"no_such_{word}")
# Numbers that `None` replaces: the exact norm.
MAY_BE_NONE = {(kae.models.ContractiveAE, "num_projections"), (kae.objectives.Contractive, "num_projections")}
# Numbers without a largest one, which take time and not the memory of a layer.
COUNTS = {"epochs", "max_codes", "num_cycles", "patience", "seed", "warm_up"}
MAY_BE_ZERO = {"refinement_epochs", "classifier_epochs"}
HUGE = [2**20 + 1, 2**31, 10**30]
AWKWARD = st.sampled_from(
    [np.full(2, -1.5), [[1], [1, 2]], [None, 1], {}, b"x"]
)  # what NumPy makes errors of its own of
NOT_FINITE = st.sampled_from([float("nan"), float("inf"), -float("inf")])


class Foreign:
    """What no argument takes."""


def sizes_out_of_range(name):
    """Whole numbers that a size, a count or a seed never is."""
    if name == "seed":
        return [-1, 2**31, 10**30]
    return [-1, *(() if name in MAY_BE_ZERO else [0]), *(() if name in COUNTS else HUGE)]


def wrong(name, default):
    """Values of another kind than the default of an argument, or out of its range."""
    never = st.builds(Foreign) | AWKWARD
    if isinstance(default, bool):
        return st.one_of(never, WORDS, st.floats(), st.none())
    if isinstance(default, int):
        fractions = st.floats(allow_nan=True).filter(lambda value: not value.is_integer())
        sizes = st.sampled_from(sizes_out_of_range(name)) | st.integers(max_value=-1)
        return st.one_of(never, WORDS, st.none(), st.booleans(), sizes, fractions, st.just([1]))
    if isinstance(default, float):
        return st.one_of(never, WORDS, st.none(), st.booleans(), NOT_FINITE, st.just(10**310), st.just([1.0]))
    if isinstance(default, tuple) and isinstance(default[0], float):
        scales = st.lists(st.one_of(st.floats(max_value=0), NOT_FINITE, WORDS), min_size=1)
        return st.one_of(never, WORDS, st.none(), scales, scales.map(tuple))
    if isinstance(default, tuple):
        sizes = st.one_of(st.integers(max_value=0), st.floats(0.1, 0.9), NOT_FINITE, WORDS)
        sizes = st.lists(sizes, min_size=1, max_size=4)
        return st.one_of(never, WORDS, st.none(), st.integers(), sizes, sizes.map(tuple))
    if isinstance(default, str):
        return st.one_of(never, WORDS, st.booleans(), st.floats(max_value=-0.1), st.just([default]), st.just(Foreign))
    return st.one_of(never, WORDS, st.booleans(), st.floats(max_value=-0.1), NOT_FINITE, st.just([-1]))


def needed(cls):
    """Values for the arguments that have no default: a condition, parts and their sizes, or a size."""
    part = kae.latents.StandardNormal() if cls is kae.latents.MixedPrior else kae.latents.DiagonalNormal()
    values = {"condition": kae.Categorical(3), "parts": [part], "sizes": [2]}
    return {name: values.get(name, 2) for name, value in arguments(cls).items() if value is inspect.Parameter.empty}


def refuse(cls, name, value):
    with pytest.raises((ValueError, TypeError)) as caught:
        cls(**{**needed(cls), name: value})
    sentence = str(caught.value)
    assert f"`{name}`" in sentence, sentence
    assert "\n" not in sentence and len(sentence) < 500, sentence


def handed_on(cls, name):
    """Whether a model hands an argument on to `Autoencoder`, as all do: `VAE` alone is tried in the short run."""
    return cls in MODELS.values() and cls is not kae.models.VAE and name in arguments(kae.Autoencoder)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        pytest.param(cls, name, id=f"{short}-{name}", marks=pytest.mark.slow if handed_on(cls, name) else ())
        for cls, short in CLASSES
        for name in arguments(cls)
    ],
)
def test_wrong_values_are_refused_by_the_name_of_their_argument(cls, name):
    @seed(zlib.crc32(f"{NAMES[cls]}-{name}".encode()))  # others for each argument
    @settings(max_examples=4, deadline=None, database=None)
    @given(value=wrong(name, arguments(cls)[name]))
    def check(value):
        assume(value is not None or (cls, name) not in MAY_BE_NONE)
        refuse(cls, name, value)

    check()


@pytest.mark.parametrize("cls", [pytest.param(cls, id=name) for cls, name in CLASSES])
def test_sizes_that_no_layer_has_are_refused(cls):
    for name, default in arguments(cls).items():
        if isinstance(default, int) and not isinstance(default, bool):
            for value in sizes_out_of_range(name):
                refuse(cls, name, value)


@pytest.mark.parametrize("cls", [pytest.param(cls, id=name) for cls, name in CLASSES])
def test_arguments_that_there_are_not_are_refused_by_name(cls):
    with pytest.raises((ValueError, TypeError), match="no_such"):
        cls(**needed(cls), no_such=1)


@pytest.mark.parametrize("name", MODELS)
def test_arguments_that_a_model_needs_or_fixes_are_named(name):
    cls = MODELS[name]
    for missing in needed(cls):
        with pytest.raises((ValueError, TypeError), match=missing):
            cls(**{key: value for key, value in needed(cls).items() if key != missing})
    for fixed in cls.fixed:
        with pytest.raises((ValueError, TypeError), match=fixed):
            cls(**needed(cls), **{fixed: None})


@pytest.fixture(scope="module")
def model():
    network = kae.networks.MLP([4])
    made = kae.models.GaussianMixtureVAE(network, kae.networks.MLP([4]), latent_dim=2, components=3)
    made.compile(run_eagerly=True)
    made.build((None, 5, 5, 1))
    return made


X, LABELS, MANY = np.zeros([6, 5, 5, 1], np.float32), np.zeros([6], np.int32), 10**12
# What is held at once, or done one after the other for no end that is seen.
CALLS = {
    "num": lambda model: model.sample(MANY),
    "batch_size": lambda model: model.fit(X, batch_size=MANY),
    "batch_size of evaluation": lambda model: model.evaluate(X, batch_size=MANY),
    "validation_batch_size": lambda model: model.fit(X, validation_data=(X,), validation_batch_size=MANY),
    "num_samples": lambda model: kae.evaluate.log_likelihood(model, X, num_samples=MANY),
    "batch_size of the likelihood": lambda model: kae.evaluate.log_likelihood(model, X, batch_size=MANY),
    "num_samples of clusters": lambda model: model.cluster(X, num_samples=MANY),
    "steps of a manifold": lambda model: kae.explore.manifold(model, steps=MANY),
    "steps of a traversal": lambda model: kae.explore.traversal(model, steps=MANY),
    "steps of an interpolation": lambda model: kae.explore.interpolation(model, X, X, steps=MANY),
    "num of pictures": lambda model: kae.explore.samples(model, MANY),
    "max_num": lambda model: kae.export.saved_model(model, "never", max_num=MANY),
    "batch_size of an export": lambda model: kae.export.litert(model, "never.tflite", batch_size=MANY),
    "batch_size of a stream": lambda model: kae.datasets.stream("digits", batch_size=MANY),
    "shuffle_buffer": lambda model: kae.datasets.stream("digits", shuffle_buffer=MANY),
    "batch_size of arrays": lambda model: kae.datasets.batches(X, batch_size=MANY),
    "num_devices": lambda model: kae.devices.strategy(MANY),
    "dim": lambda model: kae.Continuous(MANY),
}


@pytest.mark.parametrize("name", CALLS)
def test_more_than_any_memory_holds_is_refused_in_a_sentence(name, model):
    with pytest.raises(ValueError, match=rf"^`{name.split()[0]}` must be .*, \d+ at most. Received: \w+={MANY}$"):
        CALLS[name](model)
