"""What users hold data in, at every entry point: each is taken as the plain array is, or refused in a sentence."""

import importlib.util

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae

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


def trained_on(model, x):
    """What `fit` trains on."""
    source = model._source(x, None, None, learning=True)
    if hasattr(source, "x"):
        return source.x
    if isinstance(source, tf.data.Dataset):
        batches = source.as_numpy_iterator()
    else:
        batches = (source[index] for index in range(3)) if hasattr(source, "num_batches") else source
    return np.concatenate([batch[0] for batch in batches] or [X[:0]])


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
    "prepare": lambda m, x: m.prepare(x, None)[0],
    "score": lambda m, x: kae.evaluate.score(m, x)["elbo"],
    "reference": lambda m, x: kae.evaluate.score(m, X, reference=x)["outlier_score"],
    "fit_sampler": lambda m, x: m.fit_sampler("normal", x).loc.numpy(),
    "latent_map": lambda m, x: kae.explore.latent_map(m, x).axes[0].collections[0].get_offsets(),
    "examples of a figure": lambda m, x: kae.explore.decoding.examples(m, x, None, 7)[0],
    "interpolation": lambda m, x: kae.explore.interpolation(m, x, X),
    "examples of an export": lambda m, x: kae.export.examples.Examples.of(m, x).x,
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
    if (entry, kind) == ("trained on", "empty dataset of unknown length") or kind == "empty generator":
        entry = "fit"  # which finds it out when it is over
    check(model, entry, kind)


SOME = [
    "float64",
    "[x]",
    "dataset of TFDS",
    "generator",
    "PyDataset",
    "unbatched dataset",
    "masked array",
    "empty dataset",
]


@pytest.mark.parametrize("kind", SOME)
@pytest.mark.parametrize("entry", [*ENTRIES, *SMALL_ENTRIES])
def test_every_entry_point_takes_and_refuses_the_same(model, entry, kind):
    check(model, entry, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry", [*ENTRIES, *SMALL_ENTRIES])
def test_every_kind_of_data_at_every_entry_point(model, entry, kind):
    check(model, entry, kind)
