"""Every way into training checks what it is given, and adapts to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.training.streams import checked_batches

X = np.random.default_rng(0).random((64, 6)).astype("float32")
LABELS = (np.arange(64) % 3).astype("int32")
ANGLE = np.linspace(40, 60, 64).astype("float32")


def model(condition=None, **arguments):
    network = kae.networks.MLP
    made = kae.models.VAE(network([5]), network([5]), latent_dim=2, condition=condition, **arguments)
    made.compile(jit_compile=False)
    return made


def stream(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(16)


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return tuple(part[16 * index : 16 * index + 16] for part in self.parts)


def generator(*parts):
    yield from (batch for batch in (Batches(*parts)[i] for i in range(4)))


@pytest.mark.parametrize("source", [generator, Batches])
def test_later_batches_of_generators_are_checked(source):
    labels = LABELS.copy()
    labels[40] = 7
    with pytest.raises(ValueError, match=r"labels in \[0, 3\)\. Received: 7 at row 8"):
        model(kae.Categorical(3)).fit(source(X, labels), steps_per_epoch=4, verbose=0, shuffle=False)


@pytest.mark.parametrize("source", first(1, [generator, stream, Batches]))
def test_continuous_condition_adapts_to_every_source(source):
    trained = model(kae.Continuous())
    trained.fit(source(X, ANGLE), steps_per_epoch=4, verbose=0, shuffle=False)
    np.testing.assert_allclose([trained.condition.loc[0], trained.condition.scale[0]], [50, ANGLE.std()], rtol=1e-5)


@pytest.mark.parametrize("source", [stream, generator, Batches])
@pytest.mark.parametrize(
    "arguments",
    [{"y": LABELS}, {"sample_weight": np.ones(64)}, {"validation_split": 0.2}],
    ids=lambda arguments: next(iter(arguments)),
)
def test_arguments_that_are_for_arrays_are_refused_beside_other_sources(source, arguments):
    (name,) = arguments
    trained = model(kae.Categorical(3))
    with pytest.raises(ValueError, match=rf"`{name}` must be left out where `x` is not an array: .* Received: {name}="):
        trained.fit(source(X, LABELS), steps_per_epoch=4, verbose=0, **arguments)
    if name != "validation_split":
        with pytest.raises(ValueError, match=f"`{name}` must be left out"):
            trained.evaluate(source(X, LABELS), steps=4, verbose=0, **arguments)


def test_validation_data_of_a_source_have_no_arguments_of_arrays():
    with pytest.raises(ValueError, match="`y` must be left out"):
        model(kae.Categorical(3)).fit(X, LABELS, validation_data=(stream(X, LABELS), LABELS), verbose=0)


def test_a_checked_source_is_read_by_as_many_processes_as_the_source():
    source = Batches(X)
    source.workers, source.use_multiprocessing, source.max_queue_size = 3, True, 5
    checked = checked_batches(source, lambda *batch: batch)
    assert (checked.workers, checked.use_multiprocessing, checked.max_queue_size) == (3, True, 5)


def test_single_batches_are_checked():
    conditional, unconditional = model(kae.Categorical(3)), model()
    for step in ("train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match="Received: 5 at row 0"):
            getattr(conditional, step)(X, LABELS + 5)
        with pytest.raises(ValueError, match="has no condition"):
            getattr(unconditional, step)(X, LABELS)
        with pytest.raises(ValueError, match="Divide 8-bit images by 255"):
            getattr(unconditional, step)(X * 255)
        assert np.isfinite(getattr(conditional, step)(X, LABELS)).all()


def test_predict_refuses_unknown_labels():
    trained = model(kae.Categorical(3))
    trained.fit(X, LABELS, verbose=0)
    with pytest.raises(ValueError, match="Received: 7 at row 0"):
        trained.predict((X[:1], np.array([7])), verbose=0)


@pytest.mark.parametrize(
    "condition, values, message",
    [
        (kae.Categorical(3), np.eye(3, dtype="float32")[LABELS], r"must be numbers \[B\] or \[B, 1\]"),
        (kae.Categorical(3), np.full(64, "a"), r"must be numbers \[B\]"),
        (kae.Continuous(2), np.zeros([64, 4], "float32"), r"must be numbers \[B, 2\]"),
        ({"a": kae.Categorical(3), "s": kae.Continuous()}, {"a": LABELS}, r"missing \['s'\], unknown \[\]"),
        ({"a": kae.Categorical(3)}, {"a": LABELS, "s": ANGLE}, r"unknown \['s'\]"),
    ],
)
def test_structure_of_a_stream_is_checked(condition, values, message):
    with pytest.raises(ValueError, match=message):
        model(condition).fit(stream(X, values), verbose=0)


@pytest.mark.parametrize("labels", [LABELS + 0.5, LABELS - 1.0])
def test_broken_labels_in_a_stream_stop_training(labels):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"labels in \[0, 3\)"):
        model(kae.Categorical(3)).fit(stream(X, labels.astype("float32")), verbose=0)


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_bad_weights_in_a_stream_stop_training(weight):
    with pytest.raises(tf.errors.InvalidArgumentError, match="`sample_weight` must be"):
        model(kae.Categorical(3)).fit(stream(X, LABELS, np.full(64, weight, "float32")), verbose=0)


@pytest.mark.slow
def test_stream_of_an_unconditional_model_may_have_weights():
    weights = np.repeat([0.0, 2.0], 32).astype("float32")
    dataset = stream(X, weights).map(lambda x, weight: (x, None, weight))
    trained = model()
    trained.fit(dataset, verbose=0)
    by_array = trained.evaluate(X, sample_weight=weights, batch_size=16, verbose=0)
    np.testing.assert_allclose(trained.evaluate(dataset, verbose=0), by_array, rtol=1e-5)


@pytest.mark.slow
def test_stream_with_an_array_of_properties_is_taken_by_column():
    properties = np.stack([LABELS, ANGLE], axis=1).astype("float32")
    trained = model({"digit": kae.Categorical(3), "angle": kae.Continuous()})
    trained.fit(stream(X, properties), verbose=0)
    assert float(trained.condition.properties["angle"].loc[0]) == pytest.approx(50, rel=1e-5)


@pytest.mark.slow
def test_evaluation_of_a_shuffled_stream_repeats_itself():
    dataset = kae.datasets.stream("digits", "train[:200]", labels=False)
    trained = kae.models.VAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=2)
    trained.compile(jit_compile=False)
    trained.fit(dataset, verbose=0)
    assert trained.evaluate(dataset, verbose=0) == trained.evaluate(dataset, verbose=0)


def test_regularizers_of_user_networks_are_part_of_the_loss():
    encoder = keras.Sequential([keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L2(10.0))])
    trained = kae.models.VAE(encoder, kae.networks.MLP([5]), latent_dim=2)
    trained.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    history = trained.fit(X, batch_size=16, verbose=0).history
    extra = history["loss"][0] - history["kl"][0] - history["reconstruction"][0]
    assert extra == pytest.approx(float(10 * np.sum(encoder.layers[0].kernel.numpy() ** 2)), rel=1e-3)


@pytest.mark.bfloat16
@pytest.mark.parametrize("policy", first(1, ["mixed_bfloat16", "mixed_float16"]))
def test_mixed_precision_trains_with_every_kind_of_part(policy):
    keras.config.set_dtype_policy(policy)
    try:
        trained = model({"a": kae.Categorical(3), "s": kae.Continuous()}, likelihood="normal", prior="normal_mixture")
        condition = {"a": LABELS, "s": ANGLE}
        history = trained.fit(X, condition, epochs=2, batch_size=16, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        assert trained.predict((X, condition), verbose=0).dtype == np.float32
        with pytest.raises(ValueError, match="must compute in float32 to be exported"):
            kae.export.litert(trained, "never.tflite")
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.fit((X, LABELS)), r"`x` must be one array, and a condition be given as `y`: fit\(x, y\)"),
        (lambda m: m.fit({"data": X}), '`x` must be named "x" or "image" in a dictionary. Received: the names "data"'),
        (lambda m: m.fit("mnist"), "`x` must be an array, a tf.data.Dataset, a generator or a .*Received: str"),
        (lambda m: m.fit(X, class_weight={0: 1.0}), "`class_weight` needs classes"),
        (lambda m: m.fit(X, class_weight=[1.0, 2.0]), r"`class_weight` must be a dictionary .*Received: \[1.0, 2.0\]"),
        (lambda m: m.fit(X, class_weight={"a": 1.0}), "`class_weight` must be a dictionary of class to weight"),
        (lambda m: m.fit(X, class_weight={0: -1.0}), "`class_weight` must have weights of 0 or more"),
        (lambda m: m.fit(X, class_weight={0: 1.0}, sample_weight=np.ones(len(X))), "or `sample_weight`, not both"),
        (lambda m: m.fit(X, batch_size=1.5), "`batch_size` must be a positive integer"),
        (lambda m: m.sample(0), "`num` must be a positive integer. Received: num=0"),
    ],
)
def test_other_mistakes_are_explained(call, message):
    made = model()
    made.build((None, 6))
    with pytest.raises(ValueError, match=message):
        call(made)


def test_one_part_in_two_models_of_other_sizes_is_refused():
    posterior = kae.latents.DiagonalNormal()
    model(posterior=posterior).build((None, 6))
    other = kae.models.VAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=4, posterior=posterior)
    with pytest.raises(ValueError, match="DiagonalNormal must not be shared by models or parts"):
        other.build((None, 6))


def test_model_saves_before_it_is_built(tmp_path):
    with pytest.warns(UserWarning, match="has not yet been built"):
        kae.models.VAE(latent_dim=3).save(tmp_path / "plan.keras")
    assert kae.load(tmp_path / "plan.keras").latent_dim == 3


def test_values_that_float32_cannot_tell_apart_are_refused():
    with pytest.raises(ValueError, match="subtract a reference value first"):
        kae.Continuous().check(1.7e9 + np.arange(64.0))


def test_columns_of_a_table_go_by_their_names():
    class Table(dict):
        columns = ("angle", "digit")

    mixed = kae.conditions.get({"digit": kae.Categorical(3), "angle": kae.Continuous()})
    checked = mixed.check(Table(angle=ANGLE, digit=LABELS))
    np.testing.assert_array_equal(checked["digit"], LABELS)


@pytest.mark.parametrize("source", first(1, [stream, generator, Batches]))
def test_predict_takes_the_batches_of_fit_and_checks_them(source):
    conditional, unconditional = model(kae.Categorical(3)), model()
    conditional.fit(X, LABELS, verbose=0)
    unconditional.fit(X, verbose=0)
    np.testing.assert_allclose(
        conditional.predict(source(X, LABELS), steps=4, verbose=0),
        conditional.reconstruct(X, LABELS),
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        unconditional.predict(source(X), steps=4, verbose=0), unconditional.reconstruct(X), rtol=1e-5, atol=1e-6
    )
    wrong = X.copy()
    wrong[40, 3] = np.nan
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="`x` must be finite"):
        unconditional.predict(source(wrong), verbose=0)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=r"in \[0, 3\)"):
        conditional.predict(source(X, LABELS + 1), verbose=0)
    with pytest.raises(ValueError, match="needs the condition"):
        conditional.predict(source(X), verbose=0)


def test_predict_takes_a_dataset_of_pairs_as_keras_does():
    trained = model(kae.Categorical(3))
    trained.fit(X, LABELS, verbose=0)
    pairs = tf.data.Dataset.from_tensors(((X, LABELS),))
    np.testing.assert_allclose(trained.predict(pairs, verbose=0), trained.reconstruct(X, LABELS), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("verb", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_model_that_is_not_compiled_says_so(verb):
    with pytest.raises(ValueError, match=f"Call `compile` before `{verb}`"):
        getattr(kae.models.VAE(latent_dim=2), verb)(X)
