import os
import types
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, CurrentValues, Hyperparameter
from keras_ae.keras_internals import is_replicated, is_validation_of_fit, set_validation_steps_per_call
from keras_ae.random import check_seed
from keras_ae.step_context import StepContext
from keras_ae.training.callback_order import check_checkpoints, warn_of_warm_up, with_epochs
from keras_ae.training.class_weights import ClassWeights
from keras_ae.training.compiled_metrics import CompiledMetrics
from keras_ae.training.data_adapter import EMPTY, check_batch_size, refused, unpacked
from keras_ae.training.input_pipeline import Arrays, Feed
from keras_ae.training.nan_guard import noticing_lost_workers, reporting
from keras_ae.training.optimizers import (
    build_optimizers,
    check_known,
    like,
    scaling,
    split,
    trained_paths,
    trained_variables,
    warn_of_changed_flags,
)
from keras_ae.training.saving import WeightsFile, check_model_path, check_weights_path, replacing_file
from keras_ae.training.sources import adapted, check_batch, checked, checked_source
from keras_ae.training.stacks import Batch
from keras_ae.training.step import Tracker, apply, evaluated, gradients, track
from keras_ae.training.train_function import make_test_function, make_train_function, running, stacked_steps
from keras_ae.validation.arguments import check_choice, check_size

_Optimizer = str | keras.optimizers.Optimizer


def as_autoencoder(cls):
    """Shows methods as `Autoencoder.fit` in Python's errors about arguments, the class that users know."""
    for value in vars(cls).values():
        if isinstance(value, types.FunctionType):
            value.__qualname__ = f"Autoencoder.{value.__name__}"
    return cls


@as_autoencoder
class Trainer(ArgumentGuard, keras.Model):
    """A Keras model whose loss is a mean of terms of the examples: compiling, fitting, evaluating and saving.

    The loss and the reported terms are sums of weight * term over a batch, divided by its number of examples, in
    training and in evaluation. If the weights have mean 1, these are means in nats per example.

    A subclass defines `terms`, and overrides what follows if it differs:

        condition, objective     the parts that `fit` prepares for the data, or `None`
        event_shape              the shape of an example, or `None` while it is unknown
        _check_arrays            checks of arrays: (x, condition, weight) to the same
        _check_dataset           checks of a `tf.data.Dataset`
        _mean_reconstruction     the tensors that the metrics of `compile` compare with x
        _callbacks               callbacks of the model itself, for the data of `fit`: (x, condition) to a list
        _adversary               the part with a `discriminator` that a second optimizer trains
        _prefers_xla             whether XLA is faster than TensorFlow's kernels; if not, XLA never compiles a loop
        _must_be_finite          the tensors that stop training if they are not finite

    Args:
        term_names: names of the terms that are reported beside the loss.
        seed: integer seed of the noise of training and the order of the examples.
    """

    seed = Hyperparameter(lambda name, value: check_seed(value, name), live=False)
    condition = objective = event_shape = None
    compiled_metrics = discriminator_optimizer = local_steps = gradient_compression = None
    _adversary = None
    _prefers_xla = True
    _traced = None  # the ids of the variables that the training function trains
    _has_stepped = False  # whether the training function has run since `fit` began
    _epochs = None  # the `EpochSetter` of the last `fit`

    def __init__(self, term_names: Iterable[str], *, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.current = CurrentValues(self)
        self.trackers = [Tracker(name=name) for name in ("loss", *term_names)]

    def terms(self, x: tf.Tensor, condition: Any, step_context: StepContext) -> dict[str, tf.Tensor]:
        """Returns the terms of each example, tensors [B]: `"loss"` and every name of `term_names`."""
        raise NotImplementedError

    def _check_arrays(self, x, condition, sample_weight):
        raise NotImplementedError

    def _check_dataset(self, dataset):
        raise NotImplementedError

    def _mean_reconstruction(self, x, condition):
        raise NotImplementedError

    def _callbacks(self, x, condition):
        return []

    def _must_be_finite(self):
        """The terms, the weights, and the state of layers, such as moving averages and codebooks."""
        terms = [tracker.result() for tracker in self.trackers]
        return [*terms, *(v.value for v in self.variables if keras.backend.is_float_dtype(v.dtype))]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return self.trackers if self.compiled_metrics is None else [*self.trackers, *self.compiled_metrics.all]

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles the programs of this model by default."""
        return self._prefers_xla and os.environ.get("KERAS_AE_XLA") != "0"

    @property
    def optimizer_variables(self) -> list[keras.Variable]:
        """The state of all optimizers."""
        others = () if self.discriminator_optimizer is None else self.discriminator_optimizer.variables
        return [*self.optimizer.variables, *others]

    def compile(
        self,
        optimizer: _Optimizer = "adam",
        loss: None = None,
        loss_weights: None = None,
        metrics: list | None = None,
        weighted_metrics: list | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = "auto",
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        *,
        discriminator_optimizer: _Optimizer | None = None,
        local_steps: int | None = None,
        gradient_compression: str | None = None,
    ) -> None:
        """Configures training. There is no argument `loss`: the loss is the model's objective.

        Args:
            optimizer: a Keras optimizer or its name.
            loss, loss_weights: must be left out.
            metrics: Keras metrics of (x, mean reconstruction): a list of names such as `"mean_squared_error"`,
                instances or functions. Each step then reconstructs the batch once more, without noise, as `call` does.
            weighted_metrics: as `metrics`, with each example weighted by its sample weight.
            run_eagerly: whether the step runs as plain Python, for debugging.
            steps_per_execution: steps per call of the compiled function. With `"auto"`, a call takes steps with up to
                64 MiB of examples, for arrays and for datasets of known length; callbacks see one batch per call, and
                the progress bar moves once per call. Other sources run one step per call, and so do convolutions
                compiled by XLA.
            jit_compile: whether XLA compiles the training step; `"auto"` chooses what is faster for the model. With the
                environment variable `KERAS_AE_XLA=0`, `"auto"` is `False`: a few steps take less time than their
                compilation.
            auto_scale_loss: whether to scale the loss under a float16 policy.
            discriminator_optimizer: optimizer of the discriminator of an adversarial objective; by default a copy of
                `optimizer` with its learning rate times the objective's `discriminator_pace`.
            local_steps: for several workers with one device each, steps that a worker takes alone on its rows, before
                the weights and the state of the optimizer are averaged over the workers (local SGD, Stich 2019,
                arXiv:1805.09767). It takes the place of `steps_per_execution`. It saves communication, and trains other
                weights than one device. By default gradients are summed in each step. One device ignores it.
            gradient_compression: `"bfloat16"` sums the gradients of devices and workers in 16 bits, which halves the
                bytes that are sent, and rounds gradients to about 3 digits. By default they are summed in 32 bits. One
                device ignores it.

        The first training step after `compile` fixes which weights are trained: all whose layers are `trainable` then.
        After a change of `trainable`, call `compile` again.

        Raises:
            ValueError: for a loss, for invalid metrics, and for `discriminator_optimizer` without a discriminator.

        Example:
            >>> import numpy as np, keras_ae as kae
            >>> model = kae.models.VAE(latent_dim=2)
            >>> model.compile("adam", metrics=["mean_squared_error"])
            >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0).history
            >>> sorted(history)
            ['kl', 'loss', 'mean_squared_error', 'reconstruction']
        """
        for name, value in (("loss", loss), ("loss_weights", loss_weights)):
            if value is not None:
                raise ValueError(
                    f"`{name}` must be left out: the loss is the model's objective, whose weights are its arguments, "
                    f'and `likelihood="normal"` is the squared error. Received: {name}={value!r}'
                )
        taken = [tracker.name for tracker in self.trackers]
        with self.distribute_strategy.scope():
            self.compiled_metrics = CompiledMetrics(metrics, weighted_metrics, taken=taken)
        self._compile_arguments = {
            "optimizer": optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "auto_scale_loss": auto_scale_loss,
            "local_steps": local_steps,
            "gradient_compression": gradient_compression,
        }
        self.local_steps = None if local_steps is None else check_size("local_steps", local_steps)
        if gradient_compression is not None:
            check_choice("gradient_compression", gradient_compression, ("bfloat16",))
            if local_steps is not None:
                raise ValueError(
                    "`gradient_compression` must be None with `local_steps`, which send no gradients. "
                    f"Received: gradient_compression={gradient_compression!r}"
                )
        self.gradient_compression = gradient_compression
        if jit_compile == "auto":
            jit_compile = not run_eagerly and self.uses_xla
        with self.distribute_strategy.scope():
            optimizer = self._optimizer_here(optimizer)
            if self._adversary is not None:
                other = self._optimizer_here(
                    discriminator_optimizer or like(optimizer, self._adversary.discriminator_pace)
                )
                self.discriminator_optimizer = scaling(other, self.dtype_policy) if auto_scale_loss else other
            elif discriminator_optimizer is not None:
                raise ValueError(
                    "`discriminator_optimizer` is for objectives with a discriminator. "
                    f"Received: {discriminator_optimizer!r}"
                )
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
            auto_scale_loss=auto_scale_loss,
        )
        self._traced = None

    def _optimizer_here(self, optimizer):
        """Returns an optimizer whose variables are created under the strategy of the model."""
        optimizer = keras.optimizers.get(optimizer)
        return like(optimizer) if is_replicated(self) and not optimizer.built else optimizer

    def _check_compiled(self, verb):
        if not self.compiled:
            raise ValueError(f'Call `compile` before `{verb}`: model.compile(optimizer="adam").')
        if is_replicated(self) and tf.distribute.in_cross_replica_context():
            raise RuntimeError(f"Call `{verb}` after the block of `strategy.scope()`: only make the model inside.")

    def get_compile_config(self):
        if not self.compiled:
            return None
        return {
            **self._compile_arguments,
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "discriminator_optimizer": keras.saving.serialize_keras_object(self.discriminator_optimizer),
            **self.compiled_metrics.get_config(),
            "trained": trained_paths(self),
        }

    def compile_from_config(self, config):
        config = dict(config)
        for name in ("optimizer", "discriminator_optimizer"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        for name in ("metrics", "weighted_metrics"):
            config[name] = keras.saving.deserialize_keras_object(config.get(name))  # older files have none
        trained = config.pop("trained")
        self.compile(**config)
        if self.built and trained:  # the file has a state for each weight that was trained
            build_optimizers(self, None if trained is True else dict(trained))

    # The functions that Keras' loops call.

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            check_known(self)
            self._traced = frozenset(id(variable) for variable in self.trainable_variables)
            self.train_function = self.current.following(
                lambda: make_train_function(self, self._keras_function("train"))
            )
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = self.current.following(lambda: make_test_function(self, self._keras_function("test")))
        return self.test_function

    def _keras_function(self, kind):
        """Keras' own function of an iterator, which runs one step."""
        name = f"{kind}_function"
        before = getattr(self, name)
        getattr(super(), f"make_{name}")(force=True)
        one_by_one = getattr(self, name)
        setattr(self, name, before)
        return one_by_one

    def train_step(self, data):
        batch = Batch.of(data)
        means, found = gradients(self, batch)
        self.compiled_metrics.update(batch, self._mean_reconstruction)
        apply(self, found)
        return track(self, means, batch.count)

    def test_step(self, data):
        batch = Batch.of(data)
        self.compiled_metrics.update(batch, self._mean_reconstruction)
        return track(self, evaluated(self, batch)[0], batch.count)

    # Training and evaluation.

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: list | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list = 1,
    ) -> keras.callbacks.History:
        """Trains the model, with the arguments and the result of `keras.Model.fit`.

        `x` may be arrays, tensors, lists or pandas tables with one example per row, a dictionary with the names of x
        and condition ("image" and "label", as in TFDS), or batches of these: a `tf.data.Dataset`, a generator or a
        `keras.utils.PyDataset`.

        There are three differences. `y` is the condition, and must be `None` if the model has none. `batch_size` is
        128 by default. The order of arrays is drawn from the model's seed and the number of the epoch, so a resumed run
        (`initial_epoch`) sees the same batches as an uninterrupted one, also with `steps_per_epoch`. Generators, and
        datasets with `steps_per_epoch`, start again from their beginning.
        """
        self._check_compiled("fit")
        check_checkpoints(callbacks)
        batch_size = check_batch_size(batch_size)
        with self.distribute_strategy.scope():
            source = checked_source(self, x, y, sample_weight, learning=True)
            if validation_split and validation_data is None:
                if not isinstance(source, Arrays):
                    raise refused(x, "validation_split", validation_split, "give `validation_data`")
                source, validation_data = source.split(validation_split)
            own = self._callbacks(*((source.x, source.condition) if isinstance(source, Arrays) else (x, y)))
            if class_weight is not None:
                vocabulary = None if self.condition is None else self.condition.vocabulary
                source = ClassWeights(class_weight, vocabulary).of(source)
            feed = Feed(adapted(self, source), steps_per_epoch, batch_size)
            per_call = stacked_steps(self, feed, learning=True)
            if validation_data is not None:
                size = check_batch_size(validation_batch_size, "validation_batch_size", batch_size)
                watched = Feed(checked_source(self, *unpacked(validation_data)), validation_steps, size)
                watched_per_call = stacked_steps(self, watched)
            build_optimizers(self)
            warn_of_changed_flags(self, self._traced)
        if self.objective is not None:
            self.objective.count(lambda: feed.num_examples)
        x, steps_per_epoch = feed.for_training(per_call, seed=self.seed, shuffle=bool(shuffle))
        if validation_data is not None:
            validation_data, validation_steps = watched.for_evaluation(watched_per_call)
        callbacks, self._epochs = with_epochs(callbacks, x, validation_data, own)
        warn_of_warm_up(self, callbacks)
        self._has_stepped = False
        with running(self, per_call), reporting(self, callbacks), noticing_lost_workers(self):
            history = super().fit(
                x,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                shuffle=shuffle and not isinstance(x, tf.data.Dataset),
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )
            if self._epochs.has_begun and not self._has_stepped:  # a dataset of unknown length may have no examples
                raise ValueError(EMPTY)
            if self._adversary is not None and epochs > 0:  # as Keras does with the first: averages become the weights
                self.discriminator_optimizer.finalize_variable_values(split(self, trained_variables(self))[1])
        return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: list | None = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> float | list[float] | dict[str, float]:
        """Returns the means of the loss and its terms, with the arguments of `keras.Model.evaluate`.

        The noise is drawn from the model's seed: two evaluations give the same numbers.
        """
        self._check_compiled("evaluate")
        per_call = None
        if is_validation_of_fit(kwargs):  # what `fit` hands on: its validation data
            per_call = getattr(x, "per_call", None)
            set_validation_steps_per_call(self, per_call or 1)
        elif not kwargs:
            with self.distribute_strategy.scope():
                feed = Feed(checked_source(self, x, y, sample_weight), steps, check_batch_size(batch_size))
            per_call = stacked_steps(self, feed)
            x, steps = feed.for_evaluation(per_call)
            y = sample_weight = None
            if getattr(x, "epoch", None) is not None:
                x.epoch.assign(0)
        with running(self, per_call), noticing_lost_workers(self):
            results = super().evaluate(
                x,
                y,
                verbose=verbose,
                sample_weight=sample_weight,
                steps=steps,
                callbacks=callbacks,
                return_dict=return_dict,
                **kwargs,
            )
        if not float(keras.ops.convert_to_numpy(self.trackers[0].count)):  # which may have replicas
            raise ValueError(EMPTY)
        return results

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: None = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """Trains one step on a batch of arrays, with the arguments and the result of `keras.Model.train_on_batch`."""
        self._check_compiled("train_on_batch")
        check_batch(self, "train_on_batch", x)
        source = adapted(self, Arrays(*checked(self, x, y, sample_weight, learning=True)))
        build_optimizers(self)
        warn_of_changed_flags(self, self._traced)
        return super().train_on_batch(*source, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """Returns the loss and its terms on a batch of arrays, as `keras.Model.test_on_batch`."""
        self._check_compiled("test_on_batch")
        check_batch(self, "test_on_batch", x)
        return super().test_on_batch(*self._check_arrays(x, y, sample_weight), return_dict)

    # Files.

    def save(
        self, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Saves the model, its weights and the state of its optimizer in a `.keras` file, for `kae.load`.

        The file is written atomically: if writing fails, an existing file does not change.

        Args:
            filepath: a path that ends in `.keras`.
            overwrite: whether to replace an existing file.
            zipped: `True` or `None`; the unzipped format of Keras is not supported.

        Raises:
            FileExistsError: if the file exists and `overwrite` is `False`.
            OSError: if writing fails; the error names the path.
            ValueError: for another format.
        """
        check_model_path(filepath, zipped)
        with replacing_file(filepath, overwrite) as place:
            super().save(place, **kwargs)

    def save_weights(
        self, filepath: str | os.PathLike, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Saves only the weights, atomically, in a `.weights.h5` file, for `load_weights`.

        Args:
            filepath: a path that ends in `.weights.h5`.
            overwrite: whether to replace an existing file.
            max_shard_size: `None`, for a single file.

        Raises:
            FileExistsError, OSError, ValueError: as in `save`.
        """
        check_weights_path(filepath, max_shard_size)
        with replacing_file(filepath, overwrite) as place:
            if isinstance(place, str):
                super().save_weights(place)
                return
            weights = WeightsFile()
            super().save_weights(weights)
            place.write_bytes(weights.getbuffer())
