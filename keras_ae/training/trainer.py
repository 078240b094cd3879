import functools
import inspect
import os
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, CurrentValues, Hyperparameter
from keras_ae.keras_internals import calls, is_replicated, is_validation_of_fit, set_validation_steps_per_call
from keras_ae.random import check_seed, step_seed
from keras_ae.step_context import StepContext
from keras_ae.training.class_weights import ClassWeights
from keras_ae.training.compiled_metrics import CompiledMetrics
from keras_ae.training.data_adapter import (
    EMPTY,
    Wanted,
    check_batch_size,
    checked_batches,
    ending,
    first_batches,
    is_stream,
    parts_of,
    refused,
    unpacked,
    warn_of_warm_up,
    with_epochs,
)
from keras_ae.training.input_pipeline import Arrays, Feed
from keras_ae.training.nan_guard import noticing_lost_workers, reporting
from keras_ae.training.optimizers import (
    build_optimizers,
    check_known,
    like,
    scaling,
    split,
    trained_paths,
    warn_of_changed_flags,
)
from keras_ae.training.saving import WeightsFile, check_model_path, check_weights_path, replacing_file
from keras_ae.training.stacks import Batch
from keras_ae.training.train_function import make_test_function, make_train_function, running, stacked_steps

# Noise of evaluation is drawn from another seed than that of training.
_EVALUATION = 0x5EED


def as_autoencoder(cls):
    """Errors of Python about a call name the class that users know."""
    for value in vars(cls).values():
        if inspect.isfunction(value):
            value.__qualname__ = f"Autoencoder.{value.__name__}"
    return cls


@as_autoencoder
class Trainer(ArgumentGuard, keras.Model):
    """A Keras model whose loss is given by terms for each example; everything of `fit` that knows nothing of latents.

    A subclass gives `term_names`, `terms` (the terms of a batch), `prepare` (which checks arrays from outside) and
    `prepare_stream` (the same for a `tf.data.Dataset`).
    The loss and the terms that are shown are sums of weight * term over the examples of a batch, over their number, in
    training as in evaluation: with weights that are 1 on average, means in nats an example.

    Args:
        term_names: names of the terms that are shown beside the loss.
        seed: integer; the noise of training and the order of the examples are drawn from it.
    """

    seed = Hyperparameter(lambda name, value: check_seed(value, name), live=False)

    def __init__(self, term_names, *, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.current = CurrentValues(self)
        self._epochs = None
        self.trackers = [keras.metrics.Mean(name=name) for name in ("loss", *term_names)]

    @property
    def metrics(self):
        return self.trackers if self.compiled_metrics is None else [*self.trackers, *self.compiled_metrics.all]

    compiled_metrics = None

    discriminator_optimizer = None
    _adversary = None  # what has a `discriminator` that a second optimizer trains, at its `discriminator_pace`
    prefers_xla = True  # whether XLA is faster than TensorFlow's own kernels; where it is not, it must not see a loop

    @property
    def uses_xla(self):
        """Whether XLA compiles the programs of this model where nobody says otherwise."""
        return self.prefers_xla and os.environ.get("KERAS_AE_XLA") != "0"

    def mean_reconstruction(self, x, condition):
        """The reconstruction of tensors without noise, as `call` gives it, for the metrics of `compile`."""
        raise NotImplementedError

    def terms(self, x, condition, step_context: StepContext):
        """The terms of each example: a dictionary of tensors [B] with `"loss"` and every name of `term_names`."""
        raise NotImplementedError

    def prepare(self, x, condition, sample_weight=None, *, training=False):
        """Checks arrays that come from outside: `(x, condition, sample_weight)`, with `None` for what is absent.

        `training` says that they are to be trained on or evaluated, not encoded.
        """
        raise NotImplementedError

    def prepare_stream(self, dataset, *, training=False):
        """Checks the structure of a `tf.data.Dataset` and gives it the checks of its values."""
        raise NotImplementedError

    def batches_of(self, x, condition=None):
        """Yields the checked batches (x, condition) of anything that `fit` takes, once; arrays in memory are one batch.

        Raises:
            ValueError: for a stream that is empty or has no end, and for a condition that is given beside one.
        """
        if not is_stream(x):
            yield self.prepare(x, condition)[:2]
            return
        if condition is not None:
            raise refused(x, "condition", type(condition).__name__, "its batches hold what belongs to them")
        source, empty = ending(x), True
        if isinstance(x, tf.data.Dataset):
            found = (batch[:2] for batch in self.prepare_stream(source).as_numpy_iterator())
        else:
            found = checked_batches(source, self.prepare, form=lambda x, condition, weight: (x, condition))
        for batch in found:
            empty = False
            yield batch
        if empty:
            raise ValueError(EMPTY)

    def count(self, num_examples):
        """Is given by `fit` a function that counts the examples of an epoch; it gives `None` where it cannot."""

    @property
    def schedules_end(self):
        """After how many steps the loss changes no more by a schedule; `None` where that is not known."""
        return 0

    has_stepped = False  # whether the training function ran a step since `fit` began, also one that was skipped
    needs_adapting = False
    conditional = False
    wanted = Wanted()
    vocabulary = None  # the names of the classes of the condition

    def learn_names(self, condition):
        """Learns the names of labels from training data, where labels are names."""

    def adapt(self, condition):
        """Learns the scale of the condition from training data, before the first step."""

    # How it is compiled.

    def compile(
        self,
        optimizer="adam",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution="auto",
        jit_compile="auto",
        auto_scale_loss=True,
        *,
        discriminator_optimizer=None,
    ):
        """Sets how the model is trained. There is no `loss`: the loss is the model's objective.

        Args:
            optimizer: a Keras optimizer or its name.
            loss, loss_weights: must be left out.
            metrics: Keras metrics of (x, mean reconstruction), a list of names such as `"mean_squared_error"`, of
                instances or of functions. A step then reconstructs each example once more, without noise, as `call`
                does.
            weighted_metrics: the same, with each example counted by its sample weight.
            run_eagerly: runs the step as plain Python, for debugging.
            steps_per_execution: steps in one call of the compiled function. `"auto"` is as many as have 64 MiB of
                examples, for arrays and for datasets that know their length; callbacks see a batch, and the progress
                bar moves, once a call. Other sources run one step a call, and so do convolutions that XLA is asked to
                compile.
            jit_compile: whether XLA compiles the training step; `"auto"` lets the model choose the faster, and is
                `False` where the environment has `KERAS_AE_XLA=0`: a few steps take less time than their compilation.
            auto_scale_loss: whether the loss is scaled under a float16 policy.
            discriminator_optimizer: an optimizer for the discriminator of an adversarial objective; one like
                `optimizer` unless given, with the learning rate that the objective's `discriminator_pace` says.

        The weights that are trained are those whose layers have `trainable` set when training begins after it; call it
        again where that has changed.

        Raises:
            ValueError: for a loss, for metrics that are none, and for a discriminator's optimizer without one.

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
        }
        if jit_compile == "auto":
            jit_compile = not run_eagerly and self.uses_xla
        with self.distribute_strategy.scope():
            optimizer = self._own(optimizer)
            if self._adversary is not None:
                other = self._own(discriminator_optimizer or like(optimizer, self._adversary.discriminator_pace))
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

    def _own(self, optimizer):
        """An optimizer whose state belongs to the strategy of the model."""
        optimizer = keras.optimizers.get(optimizer)
        return like(optimizer) if self.replicated and not optimizer.built else optimizer

    def check_compiled(self, verb):
        """Raises a `ValueError` where the model was not compiled."""
        if not self.compiled:
            raise ValueError(f'Call `compile` before `{verb}`: model.compile(optimizer="adam").')

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
            self.build_optimizers(None if trained is True else dict(trained))

    _traced = None  # the ids of the variables that the training function trains

    def build_optimizers(self, paths=None):
        """Makes the state of the optimizers, for the weights that are trainable now unless `paths` are given."""
        build_optimizers(self, paths)

    @property
    def trained_variables(self):
        """The weights that a step changes: those that were trainable when the training function was made."""
        if self._traced is None:
            return self.trainable_variables
        return [variable for variable in self.variables if id(variable) in self._traced]

    @property
    def optimizer_variables(self):
        """The state of all optimizers: a list of Keras variables."""
        others = () if self.discriminator_optimizer is None else self.discriminator_optimizer.variables
        return [*self.optimizer.variables, *others]

    # What happens in a step.

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            check_known(self)
            self._traced = frozenset(id(variable) for variable in self.trainable_variables)
            make = functools.partial(self._function_of_steps, "train", make_train_function)
            self.train_function = self.current.following(make)
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            make = functools.partial(self._function_of_steps, "test", make_test_function)
            self.test_function = self.current.following(make)
        return self.test_function

    def _function_of_steps(self, kind, make):
        """A function of an iterator, made of Keras' own."""
        name = f"{kind}_function"
        before = getattr(self, name)
        getattr(super(), f"make_{name}")(force=True)
        one_by_one = getattr(self, name)
        setattr(self, name, before)
        return make(self, one_by_one)

    @property
    def replicated(self):
        """Whether the model was made under a strategy of `tf.distribute`."""
        return is_replicated(self)

    @property
    def current_epoch(self):
        """The number of the epoch, counted from 1, while `fit` runs, else `None`."""
        return getattr(self._epochs, "epoch", None)

    def must_be_finite(self):
        """The terms of the loss, the weights, and what layers remember, such as means of batches and codebooks."""
        terms = [tracker.result() for tracker in self.trackers]
        return [*terms, *(v.value for v in self.variables if keras.backend.is_float_dtype(v.dtype))]

    def stacked_steps(self, feed):
        """How many steps of a feed to stack for one call, or `None` where Keras runs them one by one."""
        return stacked_steps(self, feed, self._compile_arguments["steps_per_execution"])

    def train_step(self, data):
        batch = Batch.of(data)
        means, gradients = self.gradients(batch)
        self.compiled_metrics.update(batch, self.mean_reconstruction)
        self.apply(gradients)
        return self.track(means, batch.count)

    def test_step(self, data):
        batch = Batch.of(data)
        self.compiled_metrics.update(batch, self.mean_reconstruction)
        return self.track(self.means(batch)[0], batch.count)

    def gradients(self, batch, replica=0):
        """The means of the terms of a batch, and the gradients of the loss: (dictionary, list)."""
        seed = step_seed(self.seed, calls(self._counting()), replica)
        with tf.GradientTape() as tape:
            means = self._means(batch, seed, replica, training=True)
            loss = self.optimizer.scale_loss(means["loss"])
            if self._adversary is not None:  # neither of the two has a gradient for the variables of the other
                loss += self.discriminator_optimizer.scale_loss(means["discriminator"])
        return means, tape.gradient(loss, self.trained_variables)

    def _counting(self):
        """The optimizer whose calls are the steps: the discriminator's where nothing else is trained."""
        mine, others = split(self, self.trained_variables)
        return self.discriminator_optimizer if others and not mine else self.optimizer

    def apply(self, gradients):
        """One step of the optimizer, and one of the discriminator's where there is one."""
        found = {id(each): gradient for each, gradient in zip(self.trained_variables, gradients, strict=True)}
        mine, others = split(self, self.trained_variables)
        if mine:
            self.optimizer.apply_gradients([(found[id(each)], each) for each in mine])
        if others:
            self.discriminator_optimizer.apply_gradients([(found[id(each)], each) for each in others])
        if not found:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)  # as Keras says it

    def means(self, batch, replica=0):
        """The means of the terms of a batch as `evaluate` takes them, and nothing else: (dictionary, ())."""
        # The number of examples seen so far tells the batches of one evaluation apart, and starts again with the next.
        seed = step_seed(self.seed ^ _EVALUATION, self.trackers[0].count, replica)
        return self._means(batch, seed, replica, training=False), ()

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Trains the model, with the arguments and the result of `keras.Model.fit`.

        `x` may be arrays, tensors, lists or tables of pandas with one example a row, a dictionary that names x and
        condition ("image" and "label", as TFDS does), or batches of these: a `tf.data.Dataset`, a generator or a
        `keras.utils.PyDataset`. What cannot be taken is refused in a sentence.

        What differs: `y` is the condition, and must be absent where the model has none; `batch_size` is 128 unless
        given; the order of arrays is drawn from the model's seed and the number of the epoch, so that a resumed run
        (`initial_epoch`) sees what the uninterrupted one would have seen, also with `steps_per_epoch`. The position in
        a generator, or in a dataset with `steps_per_epoch`, is not resumed: they start again.
        """
        self.check_compiled("fit")
        _check_checkpoints(callbacks)
        batch_size = check_batch_size(batch_size)
        with self.distribute_strategy.scope():
            source = self._source(x, y, sample_weight, learning=True)
            if validation_split and validation_data is None:
                if not isinstance(source, Arrays):
                    raise refused(x, "validation_split", validation_split, "give `validation_data`")
                source, validation_data = source.split(validation_split)
            if class_weight is not None:
                source = ClassWeights(class_weight, self.vocabulary).of(source)
            feed = Feed(self._adapt(source), steps_per_epoch, batch_size)
            per_call = self.stacked_steps(feed)
            if validation_data is not None:
                size = check_batch_size(validation_batch_size, "validation_batch_size", batch_size)
                watched = Feed(self._source(*unpacked(validation_data)), validation_steps, size)
                watched_per_call = self.stacked_steps(watched)
            self.build_optimizers()
            warn_of_changed_flags(self, self._traced)
        self.count(lambda: feed.num_examples)
        x, steps_per_epoch = feed.for_training(per_call, seed=self.seed, shuffle=bool(shuffle))
        if validation_data is not None:
            validation_data, validation_steps = watched.for_evaluation(watched_per_call)
        callbacks, self._epochs = with_epochs(callbacks, x, validation_data)
        warn_of_warm_up(self, callbacks)
        self.has_stepped = False
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
            if history.epoch and not self.has_stepped:  # a dataset of unknown length may have no examples
                raise ValueError(EMPTY)
            if self._adversary is not None and epochs > 0:  # as Keras does with the first: averages become the weights
                self.discriminator_optimizer.finalize_variable_values(split(self, self.trained_variables)[1])
        return history

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """The mean of the loss and its terms, with the arguments and the result of `keras.Model.evaluate`.

        The noise is drawn from the model's seed: evaluating twice gives the same numbers.
        """
        self.check_compiled("evaluate")
        per_call = None
        if is_validation_of_fit(kwargs):  # what `fit` hands on: its validation data
            per_call = getattr(x, "per_call", None)
            set_validation_steps_per_call(self, per_call or 1)
        elif not kwargs:
            with self.distribute_strategy.scope():
                feed = Feed(self._source(x, y, sample_weight), steps, check_batch_size(batch_size))
            per_call = self.stacked_steps(feed)
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
        if not _number(self.trackers[0].count):
            raise ValueError(EMPTY)
        return results

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on one batch of arrays, with the arguments and the result of `keras.Model.train_on_batch`."""
        self.check_compiled("train_on_batch")
        self._check_alone("train_on_batch", x)
        x, y, sample_weight = self._checked(x, y, sample_weight, learning=True)
        self.adapt(y)
        self.build_optimizers()
        warn_of_changed_flags(self, self._traced)
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and its terms on one batch of arrays, as `keras.Model.test_on_batch`."""
        self.check_compiled("test_on_batch")
        self._check_alone("test_on_batch", x)
        return super().test_on_batch(*self.prepare(x, y, sample_weight, training=True), return_dict)

    def save(self, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs) -> None:
        """Writes the model, its weights and the state of its optimizer to a `.keras` file, which `kae.load` reads.

        The file is written beside its place and renamed into it: where that fails, a file that was there stays whole.

        Args:
            filepath: a path that ends in `.keras`.
            overwrite: whether a file that is there may be replaced.
            zipped: `True` or `None`; Keras' unzipped folders are not written.

        Raises:
            FileExistsError: where there is a file, and `overwrite` is `False`.
            OSError: where it could not be written; the error names the path.
            ValueError: for another format.
        """
        check_model_path(filepath, zipped)
        with replacing_file(filepath, overwrite) as place:
            super().save(place, **kwargs)

    def save_weights(
        self, filepath: str | os.PathLike, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Writes the weights alone to a `.weights.h5` file, as whole as `save`; `load_weights` reads it.

        Args:
            filepath: a path that ends in `.weights.h5`.
            overwrite: whether a file that is there may be replaced.
            max_shard_size: `None`; the weights are written to one file.

        Raises:
            FileExistsError: where there is a file, and `overwrite` is `False`.
            OSError: where it could not be written; the error names the path.
            ValueError: for another format.
        """
        check_weights_path(filepath, max_shard_size)
        with replacing_file(filepath, overwrite) as place:
            if isinstance(place, str):
                super().save_weights(place)
                return
            weights = WeightsFile()
            super().save_weights(weights)
            place.write_bytes(weights.getbuffer())

    def _check_alone(self, verb, x):
        if is_stream(x):
            raise ValueError(f"`x` must be one batch of arrays; `fit` and `evaluate` take a {type(x).__name__}.")
        if self.replicated:
            raise NotImplementedError(f"Under a strategy of tf.distribute, use `fit` and `evaluate`, not `{verb}`.")

    def _source(self, x, y, sample_weight, learning=False):
        """What was given, checked: `Arrays`, a `tf.data.Dataset`, a generator or a `PyDataset`."""
        check = functools.partial(self._checked, learning=learning)
        if not is_stream(x):
            return Arrays(*check(x, y, sample_weight))
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise refused(x, name, type(value).__name__, "its batches hold what belongs to them")
        is_dataset = isinstance(x, tf.data.Dataset)
        return self.prepare_stream(x, training=True) if is_dataset else checked_batches(x, check)

    def _checked(self, x, condition, sample_weight, *, learning):
        """Arrays to train on or to evaluate, checked; labels that are names are learned from those to train on."""
        x, condition, sample_weight = parts_of(x, condition, sample_weight, self.wanted)
        if learning and condition is not None and not _number(self.optimizer.iterations):
            self.learn_names(condition)
        return self.prepare(x, condition, sample_weight, training=True)

    def _adapt(self, source, num=8192):
        """Learns the scale of the condition from the first examples of a source, and their shape from the first batch.

        Returns:
            The source, with nothing lost.
        """
        if isinstance(source, Arrays):
            self.adapt(source.condition)
        elif isinstance(source, tf.data.Dataset):
            if self.needs_adapting:
                rows = list(source.map(lambda *batch: batch[1]).unbatch().take(num).as_numpy_iterator())
                self.adapt(tf.nest.map_structure(lambda *values: np.stack(values), *rows))
        elif not self.built or self.needs_adapting:
            batches, source = first_batches(source, num if self.conditional else 1)
            if self.needs_adapting:
                conditions = [batch[1] for batch in batches]
                self.adapt(tf.nest.map_structure(lambda *values: np.concatenate(values), *conditions))
        return source

    def track(self, means, count):
        """Adds the means of a batch to those of the epoch."""
        for tracker in self.trackers:
            tracker.update_state(means[tracker.name], sample_weight=count)
        return self.results()

    def results(self):
        return {tracker.name: tracker.result() for tracker in self.trackers} | self.compiled_metrics.results()

    def _means(self, batch, seed, replica, *, training):
        """Each term's sum over the batch of weight * value, over the number of examples, as Keras reduces a loss.

        What layers add to the loss, such as the regularizers of a network of the user's, is in the loss alone, and
        counted by the first replica.
        """
        weight = None if batch.weight is None else tf.reshape(tf.cast(batch.weight, tf.float32), [-1])
        with self.current.in_step():
            step_context = StepContext(seed, self.optimizer.iterations, weight, training)
            terms = self.terms(batch.x, batch.condition, step_context)
        if weight is None:
            means = {name: tf.reduce_mean(values) for name, values in terms.items()}
        else:
            count = tf.cast(batch.count, tf.float32)
            means = {name: tf.reduce_sum(weight * values) / count for name, values in terms.items()}
        if self.losses:
            first = tf.cast(tf.equal(replica, 0), tf.float32)
            means["loss"] += first * tf.add_n([tf.cast(loss, tf.float32) for loss in self.losses])
        return means


def _number(variable):
    """The value of a scalar variable, which may be one of several replicas."""
    return float(keras.ops.convert_to_numpy(variable))


def _check_checkpoints(callbacks):
    """Raises a `ValueError` for a `ModelCheckpoint` whose file could not be written after the first epoch."""
    for callback in keras.tree.flatten(getattr(callbacks, "callbacks", callbacks)):
        whole = isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only
        if whole and not callback.filepath.endswith(".keras"):
            raise ValueError(
                "`filepath` of ModelCheckpoint must end in .keras, or in .weights.h5 with save_weights_only=True. "
                f"Received: filepath={callback.filepath!r}"
            )
