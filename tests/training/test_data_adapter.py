"""What users hold data in, at every entry point: each is taken as the plain array is, or refused in a sentence."""

import importlib.util

import keras
import matplotlib.text
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tiers import checkered, first

import keras_ae as kae
from keras_ae.export.litert.calibration import RealExamples
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.input_checks import checked_arrays
from keras_ae.training.sources import checked_source

# Keras says it of every source of unknown length.
pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data")
pd = pytest.importorskip("pandas") if importlib.util.find_spec("pandas") else None
N, D = 12, 4
X = np.random.default_rng(0).random((N, D)).astype("float32")
BITS = (X > 0.5).astype("uint8")
HALF = X.astype("float16")
LABELS = (np.arange(N) % 2).astype("int32")
NAMES = np.array(["cat", "dog"])[LABELS]


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(5 * index, 5 * index + 5)
        return tuple(part[rows] for part in self.parts)


class Labeled:
    """An array with names for its axes, as xarray has."""

    dims = ("row", "column")

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def batched(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(5)


def generator(*parts):
    yield from (Batches(*parts)[index] for index in range(3))


def of_unknown_rank(x):
    def read(batch):
        return tf.numpy_function(lambda values: values, [batch], tf.float32)

    return batched(x).map(read)


def frame(x=X, **columns):
    return pd.DataFrame({**{f"c{i}": x[:, i] for i in range(x.shape[1])}, **columns})


def masked(any_masked):
    return np.ma.masked_array(X, mask=(np.arange(N * D).reshape(N, D) == 5) & any_masked)


# What is taken: {name: (function that makes it, the plain array that it stands for)}.
TAKEN = {
    "float32": (lambda: X, X),
    "float64": (lambda: X.astype("float64"), X),
    "float16": (lambda: X.astype("float16"), HALF),
    "bfloat16": (lambda: HALF.astype(ml_dtypes.bfloat16), HALF.astype(ml_dtypes.bfloat16).astype("float32")),
    "big endian": (lambda: X.astype(">f4"), X),
    "bool": (lambda: BITS.astype(bool), BITS),
    "uint8": (lambda: BITS, BITS),
    "int64": (lambda: BITS.astype("int64"), BITS),
    "uint64": (lambda: BITS.astype("uint64"), BITS),
    "Fortran order": (lambda: np.asfortranarray(X), X),
    "every second row": (lambda: np.repeat(X, 2, axis=0)[::2], X),
    "masked array without masks": (lambda: masked(False), X),
    "nested lists": (lambda: X.tolist(), X),
    "list of vectors": (lambda: list(X), X),
    "list of tensors": (lambda: list(tf.constant(X)), X),
    "[x]": (lambda: [X], X),
    "(x,)": (lambda: (X,), X),
    "dictionary": (lambda: {"x": X}, X),
    "dictionary with an image": (lambda: {"image": X, "label": LABELS, "id": np.arange(N)}, X),
    "tensor": (lambda: tf.constant(X), X),
    "integer tensor": (lambda: tf.constant(BITS), BITS),
    "variable": (lambda: tf.Variable(X), X),
    "xarray": (lambda: Labeled(X), X),
    "dataset": (lambda: batched(X), X),
    "dataset in tuples": (lambda: batched(X).map(lambda x: (x,)), X),
    "dataset of float64": (lambda: batched(X.astype("float64")), X),
    "dataset of integers": (lambda: batched(BITS), BITS),
    "dataset of booleans": (lambda: batched(BITS > 0), BITS),
    "dataset of unknown rank": (lambda: of_unknown_rank(X), X),
    "dataset of unknown length": (lambda: batched(X).filter(lambda x: True), X),
    "dataset of TFDS": (lambda: batched({"image": X, "label": LABELS, "id": np.arange(N)}), X),
    "generator": (lambda: (batch for (batch,) in generator(X)), X),
    "generator of tuples": (lambda: generator(X), X),
    "generator of dictionaries": (lambda: ({"image": x} for (x,) in generator(X)), X),
    "iterator of a dataset": (lambda: iter(batched(X)), X),
    "PyDataset": (lambda: Batches(X), X),
}
PANDAS = {
    "DataFrame": (lambda: frame(), X),
    "DataFrame of integers and booleans": (lambda: frame(BITS[:, :3], c=BITS[:, 3] > 0), BITS),
    "DataFrame of nullable columns": (
        lambda: frame(BITS).astype({"c0": "Int64", "c1": "boolean", "c2": "Float64", "c3": "UInt8"}),
        BITS,
    ),
    "DataFrame with another index": (lambda: frame().set_index(np.arange(N)[::-1]), X),
}
# What is refused: {name: (function that makes it, what the sentence must say)}.
REFUSED = {
    "None": (lambda: None, "`x` must be an array, a tf.data.Dataset, .* Received: NoneType"),
    "path": (lambda: "mnist", "Received: str"),
    "object": (lambda: object(), "Received: object"),
    "strings": (lambda: np.full((N, D), "a"), "`x` must hold numbers"),
    "complex": (lambda: X.astype("complex64"), "`x` must hold numbers"),
    "dates": (lambda: np.zeros((N, D), "datetime64[D]"), "`x` must hold numbers"),
    "objects": (lambda: X.astype(object), "`x` must hold numbers"),
    "vector": (lambda: X[0], r"`x` must have shape \[N, 4\]. Give a single example as x\[np.newaxis\]"),
    "other shape": (lambda: X[:, :3], r"`x` must have shape \[N, 4\]"),
    "empty": (lambda: X[:0], "at least one example"),
    "empty list": (list, "at least one example"),
    "missing value": (
        lambda: np.where(X[1, 2] == X, np.nan, X),
        r"`x` must be finite. Received: nan at index \(1, 2\)",
    ),
    "table": (
        lambda: 40 * X - 20,
        r'must be in \[0, 1\]. Other data, such as tables, take likelihood="normal" and are',
    ),
    "bytes": (lambda: (255 * X).astype("uint8"), "Divide 8-bit images by 255"),
    "masked array": (lambda: masked(True), r"no masked values: fill them in .* Received: 1 masked values"),
    "ragged list": (lambda: [[0.1, 0.2], [0.3]], "examples of one shape"),
    "ragged tensor": (lambda: tf.ragged.constant([[0.1, 0.2], [0.3]]), "one shape: x.to_tensor"),
    "sparse tensor": (lambda: tf.sparse.from_dense(X), r"dense: tf.sparse.to_dense\(x\)"),
    "[x, y]": (lambda: [X, LABELS], r"one array, and a condition be given as `y`: fit\(x, y\)"),
    "dictionary with other names": (lambda: {"data": X}, 'named "x" or "image" .* the names "data"'),
    "dictionary with two x": (lambda: {"x": X, "image": X}, 'named "x" or "image" .* the names "x" or "image"'),
    "unbatched dataset": (lambda: batched(X).unbatch(), r"must come in batches: call .batch\(128\)"),
    "dataset with labels": (lambda: batched(X, LABELS), "has no condition"),
    "dataset of bytes": (lambda: batched((255 * X).astype("uint8")), "Divide 8-bit images by 255"),
    "dataset of tables": (lambda: batched(40 * X - 20), "such as tables, take likelihood="),
    "dataset of strings": (lambda: batched(np.full((N, D), "a")), "must hold numbers. Received: a dataset of string"),
    "ragged dataset": (lambda: batched(tf.ragged.constant([[0.1], [0.2, 0.3]])), "dense tensors: map the dataset with"),
    "sparse dataset": (lambda: batched(tf.sparse.from_dense(X)), "dense tensors: map the dataset with tf.sparse"),
    "dataset of other shape": (lambda: batched(X[:, :3]), r"batches \[B, 4\]"),
    "dataset of other names": (lambda: batched({"data": X}), 'named "x" or "image"'),
    "empty dataset": (lambda: batched(X).take(0), "at least one example. Received: an empty stream"),
    "empty dataset of unknown length": (lambda: batched(X).filter(lambda x: False), "at least one example"),
    "empty generator": (lambda: iter(()), "at least one (example|batch)"),
    "unbatched generator": (lambda: iter(X), r"\[N, 4\]. Give a single example as x\[np.newaxis\]"),
}
REFUSED_PANDAS = {
    "column of strings": (lambda: frame(X[:, :3], pet=NAMES), "column 'pet' of dtype str|pd.get_dummies"),
    "column of categories": (lambda: frame(X[:, :3], pet=pd.Categorical(NAMES)), "'pet' of dtype category"),
    "column of dates": (
        lambda: frame(X[:, :3], day=pd.date_range("2026-01-01", periods=N)),
        "such as days since a date. Received: column 'day' of dtype datetime64",
    ),
    "missing value in a column": (
        lambda: frame(X[:, :3], age=pd.array([1, None] + [0] * (N - 2), "Int64")),
        "column 'age' without a value at row 1",
    ),
    "index of a file": (
        lambda: pd.DataFrame({"Unnamed: 0": range(N), "a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}),
        r"pd.read_csv\(path, index_col=0\). Received: column 'Unnamed: 0'",
    ),
}
if pd is not None:
    TAKEN |= PANDAS
    REFUSED |= REFUSED_PANDAS


def in_graph(model, x):
    return np.concatenate(list(x.map(model.encode).as_numpy_iterator()))


def trained_on(model, x, y=None):
    """What `fit` trains on; the labels behind the examples."""
    source = checked_source(model, x, y, None, learning=True)
    if hasattr(source, "x"):
        return flat(source.x, source.condition)
    if isinstance(source, tf.data.Dataset):
        batches = source.as_numpy_iterator()
    else:
        batches = (source[index] for index in range(3)) if hasattr(source, "num_batches") else source
    return np.concatenate([flat(*batch) for batch in batches])


def flat(x, condition=None, weight=None):
    return x if condition is None else np.column_stack([x, condition])


# {name: function of (model, data) to numbers}
ENTRIES = {
    "trained on": trained_on,
    "fit": lambda m, x: m.fit(x, batch_size=5, shuffle=False, verbose=0).history["loss"],
    "validation_data": lambda m, x: m.fit(X, validation_data=x, validation_batch_size=5, verbose=0).history["val_loss"],
    "evaluate": lambda m, x: m.evaluate(x, batch_size=5, verbose=0),
    "predict": lambda m, x: m.predict(x, verbose=0),
    "encode": lambda m, x: m.encode(x),
    "reconstruct": lambda m, x: m.reconstruct(x),
    "posterior": lambda m, x: m.posterior(x).mean(),
    "checked_arrays": lambda m, x: checked_arrays(m, x, None)[0],
    "score": lambda m, x: kae.evaluate.score(m, x)["elbo"],
    "reference": lambda m, x: kae.evaluate.score(m, X, reference=x)["outlier_score"],
    "fit_sampler": lambda m, x: m.fit_sampler("normal", x).loc.numpy(),
    "latent_map": lambda m, x: kae.explore.latent_map(m, x).axes[0].collections[0].get_offsets(),
    "examples of a figure": lambda m, x: kae.explore.decoding.examples(m, x, None, 7)[0],
    "interpolation": lambda m, x: kae.explore.interpolation(m, x, X),
    "examples of an export": lambda m, x: RealExamples.of(m, x).x,
}
SMALL_ENTRIES = {
    "train_on_batch": lambda m, x: m.train_on_batch(x),
    "test_on_batch": lambda m, x: m.test_on_batch(x),
}


@pytest.fixture(scope="module")
def model():
    network = kae.networks.MLP
    made = kae.models.VAE(network([3]), network([3]), latent_dim=2)
    made.build((None, D))
    made.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return made


def answer(model, entry, data):
    model.optimizer.iterations.assign(0)  # noise is drawn from the step
    for tracker in model.metrics:
        tracker.reset_state()
    return np.asarray({**ENTRIES, **SMALL_ENTRIES}[entry](model, data))


EXPECTED = {}


def check(model, entry, kind):
    """One cell of the matrix."""
    if kind == "None" and entry in ("validation_data", "reference", "examples of an export"):
        pytest.skip("none may be given here")
    if entry == "trained on" and kind in ("empty dataset of unknown length", "empty generator"):
        entry = "fit"  # which finds it out when it is over
    if kind in TAKEN:
        make, plain = TAKEN[kind]
        data = make()
        if entry in SMALL_ENTRIES and kae.training.is_stream(data):
            with pytest.raises(ValueError, match="`x` must be one batch of arrays; `fit` and `evaluate` take"):
                answer(model, entry, data)
            return
        if (entry, id(plain)) not in EXPECTED:
            EXPECTED[entry, id(plain)] = answer(model, entry, np.asarray(plain, "float32"))
        expected = EXPECTED[entry, id(plain)]
        # Where two reference examples are close, a share between them has fewer digits.
        atol = 1e-3 if entry == "reference" else 1e-6
        np.testing.assert_allclose(answer(model, entry, data), expected, rtol=1e-5, atol=atol)
        return
    make, message = REFUSED[kind]
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=message):
        data = make()
        if entry in SMALL_ENTRIES and kae.training.is_stream(data):
            pytest.skip("no stream is taken here")
        answer(model, entry, data)


KINDS = [*TAKEN, *REFUSED]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry", ["trained on", "encode"])
def test_every_kind_of_data_is_taken_as_the_plain_array_or_refused(model, entry, kind):
    check(model, entry, kind)


SOME = [
    "float64",
    "dataset of TFDS",
    "generator",
    "unbatched dataset",
    "masked array",
    "empty dataset",
]


@pytest.mark.parametrize(("entry", "kind"), checkered([*ENTRIES, *SMALL_ENTRIES], SOME))
def test_every_entry_point_takes_and_refuses_the_same(model, entry, kind):
    check(model, entry, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry", [*ENTRIES, *SMALL_ENTRIES])
def test_every_kind_of_data_at_every_entry_point(model, entry, kind):
    check(model, entry, kind)


# What a model that does not know the shape of its data yet cannot tell from batches: {name: (dataset, hint)}.
IMAGES = np.random.default_rng(1).random((6, 4, 4, 1)).astype("float32")


def decoded(x):
    """As images that were read from files: their sizes are not known before."""
    return x.map(lambda image: tf.ensure_shape(tf.numpy_function(lambda v: v, [image], tf.float32), [None, None, 1]))


def slices(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])


UNBATCHED = {
    "vectors": (lambda: slices(X), False),
    "images": (lambda: slices(IMAGES), True),
    "images without channels": (lambda: slices(IMAGES[..., 0]), True),
    "decoded images": (lambda: decoded(slices(IMAGES)), True),
    "unbatched again": (lambda: slices(IMAGES).batch(2).unbatch().prefetch(1), True),
    "with labels": (lambda: slices(IMAGES, LABELS[:6]), False),
    "of TFDS": (lambda: slices({"image": IMAGES, "label": LABELS[:6]}), True),
    "of TFDS with labels": (lambda: slices(IMAGES, np.eye(3, dtype="float32")[LABELS[:6]]), False),
}
BATCHED = {
    "fixed size": lambda: slices(IMAGES).batch(3, drop_remainder=True).prefetch(1),
    "fixed size, in tuples": lambda: slices(IMAGES).batch(3, drop_remainder=True).map(lambda x: (x,)).shuffle(2),
    "decoded images": lambda: decoded(slices(IMAGES)).batch(3),
    "one batch": lambda: tf.data.Dataset.from_tensors(IMAGES),
}


@pytest.mark.parametrize("kind", UNBATCHED)
def test_a_model_that_is_not_built_refuses_single_examples(kind):
    make, unsure = UNBATCHED[kind]
    fresh = kae.models.VAE(latent_dim=2)
    fresh.compile(run_eagerly=True)
    hint = r" If these are batches, build the model first: model.build\(\(None, 4" if unsure else " Received"
    with pytest.raises(ValueError, match=rf"must come in batches: call .batch\(128\) on the dataset.{hint}"):
        fresh.fit(make(), verbose=0)


@pytest.mark.parametrize("kind", BATCHED)
def test_a_model_that_is_not_built_takes_batches(kind):
    fresh = kae.models.VAE(kae.networks.MLP([3]), kae.networks.MLP([3]), latent_dim=2)
    x, _, _ = checked_arrays(fresh, BATCHED[kind](), None)
    assert fresh.event_shape == (4, 4, 1)
    np.testing.assert_array_equal(np.sort(x, axis=0), np.sort(IMAGES, axis=0))


@pytest.fixture(scope="module")
def conditional():
    network = kae.networks.MLP
    made = kae.models.VAE(network([3]), network([3]), latent_dim=2, condition=kae.Categorical(["cat", "dog"]))
    made.build((None, D))
    made.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return made


# What stands for x and LABELS: {name: function that makes what `fit` is given}.
LABELED = {
    "numbers": lambda: (X, LABELS),
    "column": lambda: (X, LABELS[:, np.newaxis]),
    "floats": lambda: (X, LABELS.astype("float64")),
    "lists": lambda: (X.tolist(), LABELS.tolist()),
    "tensors": lambda: (tf.constant(X), tf.constant(LABELS)),
    "names": lambda: (X, NAMES),
    "names as objects": lambda: (X, NAMES.astype(object)),
    "names as bytes": lambda: (X, NAMES.astype("S")),
    "string tensor": lambda: (X, tf.constant(NAMES)),
    "[x, y]": lambda: ([X, LABELS],),
    "(x, y)": lambda: ((X, NAMES.tolist()),),
    "dictionary": lambda: ({"x": X, "y": LABELS},),
    "dictionary of x, and y": lambda: ({"image": X}, LABELS),
    "dataset": lambda: (batched(X, LABELS),),
    "dataset of names": lambda: (batched(X, NAMES),),
    "dataset of pairs": lambda: (batched(X, LABELS).map(lambda x, y: ((x, y),)),),
    "dataset of TFDS": lambda: (batched({"image": X, "label": LABELS.astype("int64"), "id": LABELS}),),
    "generator": lambda: (generator(X, LABELS),),
    "generator of names": lambda: (generator(X, NAMES),),
    "PyDataset": lambda: (Batches(X, NAMES),),
}
BADLY_LABELED = {
    "one-hot": (lambda: (X, np.eye(2)[LABELS]), r"for one-hot labels, pass labels.argmax\(axis=1\)"),
    "dataset of one-hot": (lambda: (batched(X, np.eye(2)[LABELS]),), r"pass tf.argmax\(labels, axis=-1\)"),
    "another name": (
        lambda: (X, np.where(NAMES == "cat", "cow", NAMES)),
        "'cat', 'dog'. Received: 'cow' at row 0",
    ),
    "another name in a dataset": (lambda: (batched(X, np.full(N, "cow")),), "must be one of .*cat.*dog"),
    "no name": (lambda: (X, np.array([None, "cat"] * 6)), "Received: no label at row 0"),
    "masked": (lambda: (X, np.ma.masked_equal(LABELS, 1)), "`condition` must have no masked values"),
    "none": (lambda: (X,), "needs the condition of each example"),
    "none in a dictionary": (
        lambda: ({"image": X, "id": LABELS},),
        '"label" or "y" .* the names "image" or "id"',
    ),
    "three arrays": (lambda: ([X, LABELS, LABELS],), r"fit\(x, y\)"),
    "beside a dataset": (lambda: (batched(X, LABELS), LABELS), "must be left out"),
    "unbatched": (lambda: (batched(X, LABELS).unbatch(),), r"call .batch\(128\)"),
}
if pd is not None:
    LABELED |= {
        "series": lambda: (frame(), pd.Series(LABELS)),
        "nullable series": lambda: (frame(), pd.Series(LABELS).astype("Int64")),
        "series of names": lambda: (frame(), pd.Series(NAMES)),
        "categories": lambda: (frame(), pd.Series(NAMES).astype("category")),
        "table of one column": lambda: (frame(), pd.DataFrame({"pet": NAMES})),
    }
LABELED_ENTRIES = {
    "trained on": lambda m, x, y=None: trained_on(m, x, y),
    "encode": lambda m, x, y=None: m.encode(x, y),
    "edit": lambda m, x, y=None: m.edit(x, y, "dog"),
    "score": lambda m, x, y=None: kae.evaluate.score(m, x, y)["elbo"],
}


@pytest.mark.parametrize(("entry", "kind"), checkered(LABELED_ENTRIES, LABELED))
def test_labels_are_taken_as_plain_numbers_are(conditional, entry, kind):
    if entry not in EXPECTED:
        EXPECTED[entry] = np.asarray(LABELED_ENTRIES[entry](conditional, X, LABELS))
    found = LABELED_ENTRIES[entry](conditional, *LABELED[kind]())
    np.testing.assert_allclose(found, EXPECTED[entry], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", BADLY_LABELED)
@pytest.mark.parametrize("entry", LABELED_ENTRIES)
def test_other_labels_are_refused(conditional, entry, kind):
    make, message = BADLY_LABELED[kind]
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=message):
        LABELED_ENTRIES[entry](conditional, *make())


GRAPH = {
    "encode": lambda m, x, z: m.encode(x),
    "reconstruct": lambda m, x, z: m.reconstruct(x),
    "call": lambda m, x, z: m(x),
    "posterior": lambda m, x, z: m.posterior(x).mean(),
    "decode": lambda m, x, z: m.decode(z),
    "likelihood": lambda m, x, z: m.likelihood(z).mean(),
}


@pytest.mark.parametrize("verb", first(3, GRAPH))
def test_values_in_a_graph_are_checked(model, verb):
    """As in `dataset.map(model.encode)`."""
    z = X[:, :2]
    good = batched(X, z).map(lambda x, z: GRAPH[verb](model, x, z))
    np.testing.assert_allclose(
        np.concatenate(list(good.as_numpy_iterator())), GRAPH[verb](model, X, z), rtol=1e-5, atol=1e-6
    )
    bad = batched(255 * X, np.full_like(z, np.nan)).map(lambda x, z: GRAPH[verb](model, x, z))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`[xz]` must be finite"):
        list(bad)
    with pytest.raises(ValueError, match=r"`[xz]` must (have shape|be)"):
        batched(X[:, :3], X[:, :3]).map(lambda x, z: GRAPH[verb](model, x, z))


def test_labels_in_a_graph_are_checked(conditional):
    good = batched(X, NAMES).map(conditional.encode)
    np.testing.assert_allclose(
        np.concatenate(list(good.as_numpy_iterator())), conditional.encode(X, LABELS), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"labels in \[0, 2\)"):
        list(batched(X, LABELS + 1).map(conditional.encode))


def test_likelihood_of_a_stream_is_that_of_the_array(model):
    options = {"num_samples": 2, "batch_size": 7}
    expected = kae.evaluate.log_likelihood(model, X, **options)
    np.testing.assert_allclose(kae.evaluate.log_likelihood(model, batched(X), **options), expected, rtol=1e-5)


@pytest.mark.parametrize("entry", ["encode", "score"])
def test_a_dataset_without_an_end_is_refused_where_all_of_it_is_wanted(model, entry):
    with pytest.raises(ValueError, match="must be a finite dataset"):
        answer(model, entry, batched(X).repeat())


def test_names_of_labels_are_learned_kept_and_saved(tmp_path):
    fresh = kae.models.ConditionalVAE(
        kae.networks.MLP([3]), kae.networks.MLP([3]), latent_dim=2, condition=kae.Categorical(2)
    )
    fresh.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="must contain all 2 classes so that their names can be learned"):
        fresh.fit(X, np.full(N, "cat"), verbose=0)
    fresh.fit(X, NAMES, class_weight={"cat": 2.0}, verbose=0)
    assert fresh.condition.vocabulary == ("cat", "dog")
    fresh.save(tmp_path / "pets.keras")
    loaded = kae.load(tmp_path / "pets.keras")
    np.testing.assert_array_equal(loaded.sample(2, condition=["dog", "cat"]), fresh.sample(2, condition=[1, 0]))
    np.testing.assert_array_equal(
        loaded.decode_each(np.zeros([1, 2]), ["dog"]), fresh.decode_each(np.zeros([1, 2]), [1])
    )
    assert descriptions(loaded)["condition"]["labels"] == ["cat", "dog"]
    figure = kae.explore.samples_by_condition(loaded, num=2)
    assert {"cat", "dog"} <= {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


def _tick_labels(figure):
    return [
        label.get_text() for axes in figure.axes for label in [*axes.get_yticklabels(), axes.yaxis.label, axes.title]
    ]


def test_names_are_not_learned_by_a_model_that_was_trained_with_numbers():
    """Which of them was which is not known then."""
    made = kae.models.ConditionalVAE(
        kae.networks.MLP([3]), kae.networks.MLP([3]), latent_dim=2, condition=kae.Categorical(2)
    )
    made.compile(run_eagerly=True)
    made.fit(X, LABELS, verbose=0)
    with pytest.raises(ValueError, match="integer labels or known names"):
        made.fit(X, NAMES, verbose=0)


def test_missing_names_are_unknown_labels_to_a_model_that_learns_from_such():
    made = kae.models.SemiSupervisedVAE(
        kae.networks.MLP([3]),
        kae.networks.MLP([3]),
        latent_dim=2,
        condition=kae.Categorical(2),
        classifier=kae.networks.MLP([3]),
    )
    made.compile(run_eagerly=True)
    labels = np.where(np.arange(N) < 6, LABELS, -1)
    names = np.where(labels < 0, None, NAMES)
    found = checked_source(made, X, names, None, learning=True).condition
    np.testing.assert_array_equal(found, labels)
