import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae import training
from keras_ae.step_context import StepContext
from keras_ae.training import step
from keras_ae.training.stacks import Batch


def small(cls=kae.models.VAE, **arguments):
    keras.utils.set_random_seed(1)
    network = kae.networks.MLP
    model = cls(network([8]), network([8]), latent_dim=2, **({"seed": 5} | arguments))
    model.build((None, 6))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)  # compiling takes most of a test's time
    return model


def weights_of(model):
    return [w.numpy() for w in model.weights]


def assert_same(first, second, **tolerance):
    for a, b in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_allclose(a, b, **({"rtol": 0, "atol": 0} | tolerance))


@pytest.fixture
def x():
    return np.random.default_rng(0).random((100, 6)).astype("float32")


def test_history_holds_loss_rate_and_distortion_that_add_up(x):
    history = small().fit(x, epochs=2, batch_size=32, validation_split=0.2, verbose=0).history
    assert set(history) == {f"{v}{n}" for v in ("", "val_") for n in ("loss", "kl", "reconstruction")}
    for v in ("", "val_"):
        total = np.add(history[f"{v}kl"], history[f"{v}reconstruction"])
        np.testing.assert_allclose(history[f"{v}loss"], total, rtol=1e-5)


def test_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others(x):
    first, second, other = small(), small(), small(seed=6)
    for model in (first, second, other):
        model.compile(keras.optimizers.Adam(0.01))  # with XLA, as users do
        model.fit(x, epochs=2, batch_size=32, verbose=0)
    assert_same(first, second)
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(weights_of(first), weights_of(other), strict=True))


@pytest.mark.slow
def test_resume_from_a_saved_model_is_exact(x, tmp_path):
    whole, half = small(), small()
    whole.fit(x, epochs=4, batch_size=32, verbose=0)
    half.fit(x, epochs=2, batch_size=32, verbose=0)
    half.save(tmp_path / "half.keras")
    resumed = kae.load(tmp_path / "half.keras")
    assert int(resumed.optimizer.iterations) == 8
    resumed.fit(x, epochs=4, initial_epoch=2, batch_size=32, verbose=0)
    assert_same(whole, resumed)
    for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_that_was_compiled_but_never_trained_loads_without_a_warning(x, tmp_path):
    model = small()
    model.save(tmp_path / "fresh.keras")
    loaded = kae.load(tmp_path / "fresh.keras")
    for each in (model, loaded):
        each.fit(x, batch_size=32, verbose=0)
    assert_same(model, loaded)


def test_backup_and_restore_resumes_exactly(x, tmp_path):
    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole, broken, resumed = small(), small(), small()
    whole.fit(x, epochs=4, batch_size=32, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        callbacks = [keras.callbacks.BackupAndRestore(tmp_path / "backup"), Crash()]
        broken.fit(x, epochs=4, batch_size=32, verbose=0, callbacks=callbacks)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    resumed.fit(x, epochs=4, batch_size=32, verbose=0, callbacks=[backup])
    assert_same(whole, resumed)


def test_every_example_once_an_epoch_in_an_order_of_its_own():
    dataset = training.batches(np.arange(50, dtype="float32"), 16, seed=3)
    epochs = [np.concatenate(list(dataset.as_numpy_iterator())) for _ in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(50))
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    dataset.epoch.assign(1)
    np.testing.assert_array_equal(np.concatenate(list(dataset.as_numpy_iterator())), epochs[1])


def test_evaluate_repeats_itself_and_does_not_depend_on_the_batch_for_a_deterministic_model(x):
    vae, ae = small(), small(kae.models.AE)
    for model in (vae, ae):
        model.fit(x, batch_size=32, verbose=0)
    assert vae.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    one, other = (ae.evaluate(x, batch_size=size, verbose=0)[0] for size in (7, 100))
    assert one == pytest.approx(other, rel=1e-5)


def test_training_and_validation_compute_the_same_thing(x):
    """With a learning rate of 0, in one batch, a deterministic model's training and validation losses are equal."""
    model = small(kae.models.AE)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    history = model.fit(x, batch_size=100, validation_data=(x,), verbose=0).history
    assert history["loss"][0] == pytest.approx(history["val_loss"][0], rel=1e-5)


def test_steps_that_accumulate_gradients_have_noise_of_their_own(x, monkeypatch):
    model, seeds = small(), []
    model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=5), run_eagerly=True)
    means = step._means
    monkeypatch.setattr(step, "_means", lambda m, x, seed, *a, **k: seeds.append(seed) or means(m, x, seed, *a, **k))
    model.fit(x, batch_size=10, verbose=0)
    assert len({tuple(seed.numpy()) for seed in seeds}) == 10


def test_noise_of_an_evaluation_differs_from_batch_to_batch():
    model = small()
    same = np.full([64, 6], 0.5, "float32")
    model.fit(same, verbose=0)
    whole = model.evaluate(same, batch_size=32, verbose=0)[2]
    half = model.evaluate(same[:32], batch_size=32, verbose=0)[2]
    assert whole != pytest.approx(half, abs=1e-6)  # equal, if the second batch had the noise of the first


def test_xla_graph_and_eager_steps_agree(x):
    models = []
    for arguments in ({"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}):
        model = small(kae.models.AE)
        model.compile(keras.optimizers.SGD(0.01), **arguments)
        model.fit(x, epochs=2, batch_size=32, verbose=0)
        models.append(model)
    assert_same(models[0], models[1], rtol=1e-4, atol=1e-6)
    assert_same(models[0], models[2], rtol=1e-4, atol=1e-6)


def test_weight_zero_takes_an_example_out_and_weight_two_counts_twice(x):
    weights = np.repeat([0.0, 2.0], 50).astype("float32")
    weighted, half = small(kae.models.AE), small(kae.models.AE)
    for model in (weighted, half):
        model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    weighted.fit(x, sample_weight=weights, batch_size=100, epochs=3, verbose=0, shuffle=False)
    half.fit(x[50:], batch_size=50, epochs=3, verbose=0, shuffle=False)
    assert_same(weighted, half, rtol=1e-4, atol=1e-6)
    total = weighted.evaluate(x, sample_weight=weights, verbose=0)[0]
    assert total == pytest.approx(weighted.evaluate(x[50:], verbose=0)[0], rel=1e-5)


@pytest.mark.parametrize("weights", [np.ones(99), -np.ones(100), np.full(100, np.nan)])
def test_bad_sample_weights_are_refused(weights, x):
    with pytest.raises(ValueError, match="`sample_weight` must be 100 finite numbers >= 0"):
        small().fit(x, sample_weight=weights)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, labels):
        super().__init__()
        self.x, self.labels = x, labels

    def __len__(self):
        return 4

    def __getitem__(self, i):
        rows = slice(25 * i, 25 * i + 25)
        return self.x[rows], self.labels[rows]


def generator(x, labels):
    for i in range(0, 100, 25):
        yield x[i : i + 25], labels[i : i + 25]


@pytest.mark.slow
def test_every_kind_of_input_trains_to_the_same_weights(x):
    labels = (np.arange(100) % 3).astype("int32")
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(25)
    sources = [
        {"x": x, "y": labels, "batch_size": 25, "shuffle": False},
        {"x": dataset},
        {"x": Batches(x, labels), "shuffle": False},
        {"x": generator(x, labels), "steps_per_epoch": 4, "shuffle": False},
        {"x": dataset.repeat(), "steps_per_epoch": 4},
    ]
    models = []
    for source in sources:
        model = small(kae.models.ConditionalVAE, condition=kae.Categorical(3))
        model.fit(**source, verbose=0)
        assert int(model.optimizer.iterations) == 4
        models.append(model)
    for model in models[1:]:
        assert_same(models[0], model, rtol=1e-5, atol=1e-6)


def test_generator_builds_the_model_and_loses_nothing(x):
    seen = []

    def source():
        for i in range(4):
            seen.append(i)
            yield (x[25 * i : 25 * i + 25],)

    model = kae.models.VAE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
    model.compile(jit_compile=False)
    model.fit(source(), steps_per_epoch=4, verbose=0, shuffle=False)
    assert seen == [0, 1, 2, 3] and int(model.optimizer.iterations) == 4


def test_bad_values_in_a_stream_stop_training_with_a_sentence(x):
    labels = np.full(100, 3, "int32")
    model = small(kae.models.ConditionalVAE, condition=kae.Categorical(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"labels in \[0, 3\)"):
        model.fit(tf.data.Dataset.from_tensor_slices((x, labels)).batch(25), verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`x` must be finite and in \[0, 1\]"):
        small().fit(tf.data.Dataset.from_tensor_slices(x * 2).batch(25), verbose=0)


def test_stream_with_labels_for_an_unconditional_model_is_refused(x):
    dataset = tf.data.Dataset.from_tensor_slices((x, np.arange(100))).batch(25)
    with pytest.raises(ValueError, match="has no condition"):
        small().fit(dataset)


def test_stream_of_bytes_is_refused():
    dataset = tf.data.Dataset.from_tensor_slices(np.full([10, 6], 255, "uint8")).batch(5)
    with pytest.raises(ValueError, match="Divide 8-bit images by 255"):
        small().fit(dataset)


def test_loss_given_to_compile_is_refused():
    for arguments in (("adam", "mse"), ("adam",)):
        with pytest.raises(ValueError, match=r'`loss` must be left out.*`likelihood="normal"` is the squared error'):
            small().compile(*arguments, **({} if len(arguments) > 1 else {"loss": "mse"}))
    with pytest.raises(ValueError, match=r"`loss_weights` must be left out.*Received: loss_weights=\[1\]"):
        small().compile(loss_weights=[1])


def test_dropout_is_on_in_training_and_off_in_evaluation(x):
    encoder = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.9, seed=1)])
    model = kae.models.AE(encoder, kae.networks.MLP([8]), latent_dim=2)
    model.build((None, 6))
    seed = tf.constant([0, 0])
    losses = [model.terms(x, None, StepContext(seed, training=mode))["loss"].numpy() for mode in (True, False, False)]
    np.testing.assert_array_equal(losses[1], losses[2])
    assert np.abs(losses[0] - losses[1]).max() > 1e-4


@pytest.mark.parametrize("objective", ["elbo", kae.objectives.Regularized("gradient")], ids=["once", "decoded twice"])
def test_an_activity_regularizer_counts_once_in_every_step_without_a_graph(x, objective):
    layer = keras.layers.Dense(8, activity_regularizer=keras.regularizers.L2(0.5))
    parts = {} if objective == "elbo" else {"posterior": "deterministic", "prior": None}
    model = kae.Autoencoder("mlp", keras.Sequential([layer]), latent_dim=2, objective=objective, **parts)
    model.build((None, 6))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    batch = Batch(tf.constant(x), None, None, 100)
    seed = tf.constant([1, 2])
    plain = tf.reduce_mean(model.terms(x, None, StepContext(seed))["loss"])
    for _ in range(3):
        loss = step._means(model, batch, seed, 0, training=True)["loss"]
        np.testing.assert_allclose(loss - plain, layer.losses[0], rtol=1e-4)
        assert len(model.losses) == 1


def test_callbacks_see_every_epoch_and_can_stop_training(x):
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append((epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

    history = small().fit(x, epochs=9, verbose=0, callbacks=Stop())
    assert seen == [(epoch, ["kl", "loss", "reconstruction"]) for epoch in (0, 1)]
    assert history.epoch == [0, 1]


@pytest.mark.slow
def test_continuous_condition_learns_its_scale_from_arrays_and_streams(x):
    slant = np.linspace(10, 30, 100).astype("float32")
    streamed = tf.data.Dataset.from_tensor_slices((x, slant)).batch(25)
    for source in ({"x": x, "y": slant}, {"x": streamed}):
        model = small(kae.models.ConditionalVAE, condition=kae.Continuous())
        model.fit(**source, verbose=0)
        np.testing.assert_allclose([model.condition.loc[0], model.condition.scale[0]], [20, slant.std()], rtol=1e-5)


@pytest.mark.bfloat16
def test_mixed_precision_keeps_the_losses_in_float32(x):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small()
        model.build((None, 6))
        assert model.encoder.layers[0].compute_dtype == "bfloat16"
        terms = model.terms(x, None, StepContext(tf.constant([0, 0]), training=True))
        assert {t.dtype for t in terms.values()} == {tf.float32}
        assert model.posterior(x).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy("float32")


def test_validation_split_takes_the_last_part_as_keras_does(x):
    model = small(kae.models.AE)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    history = model.fit(x, validation_split=0.3, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x[70:], verbose=0)[0], rel=1e-5)
    with pytest.raises(ValueError, match="`validation_split` must be in"):
        model.fit(x, validation_split=1.5)
