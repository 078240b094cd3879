import functools
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ae.hyperparameters import CurrentValues, Hyperparameter
from keras_ae.random import check_seed, step_seed
from keras_ae.training.class_weights import ClassWeights
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
from keras_ae.training.optimizers import calls
from keras_ae.training.stacks import Batch
from keras_ae.training.train_function import Stepping, as_autoencoder

# Noise of evaluation is drawn from another seed than that of training.
_EVALUATION = 0x5EED


@as_autoencoder
class Trainer(Stepping):
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

    def mean_reconstruction(self, x, condition):
        """The reconstruction of tensors without noise, as `call` gives it, for the metrics of `compile`."""
        raise NotImplementedError

    def terms(self, x, condition, *, seed, training, step=0, weight=None):
        """The terms of each example: a dictionary of tensors [B] with `"loss"` and every name of `term_names`.

        `weight` [B] or `None` says how much each counts in what the loss measures of the batch as a whole.
        """
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

    needs_adapting = False
    conditional = False
    wanted = Wanted()
    vocabulary = None  # the names of the classes of the condition

    def learn_names(self, condition):
        """Learns the names of labels from training data, where labels are names."""

    def adapt(self, condition):
        """Learns the scale of the condition from training data, before the first step."""

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
            if self.adversarial:  # neither of the two has a gradient for the variables of the other
                loss += self.discriminator_optimizer.scale_loss(means["discriminator"])
        return means, tape.gradient(loss, self.trained_variables)

    def _counting(self):
        """The optimizer whose calls are the steps: the discriminator's where nothing else is trained."""
        theirs = {id(variable) for variable in self.discriminator_variables}
        trained = [id(variable) in theirs for variable in self.trained_variables]
        return self.discriminator_optimizer if trained and all(trained) else self.optimizer

    def apply(self, gradients):
        """One step of the optimizer, and one of the discriminator's where there is one."""
        pairs = list(zip(gradients, self.trained_variables, strict=True))
        theirs = {id(variable) for variable in self.discriminator_variables}
        mine = [pair for pair in pairs if id(pair[1]) not in theirs]
        others = [pair for pair in pairs if id(pair[1]) in theirs]
        if mine:
            self.optimizer.apply_gradients(mine)
        if others:
            self.discriminator_optimizer.apply_gradients(others)
        if not pairs:
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
            self.check_flags()
        self.count(lambda: feed.num_examples)
        x, steps_per_epoch = feed.for_training(per_call, seed=self.seed, shuffle=bool(shuffle))
        if validation_data is not None:
            validation_data, validation_steps = watched.for_evaluation(watched_per_call)
        callbacks, self._epochs = with_epochs(callbacks, x, validation_data)
        before = _number(calls(self._counting()))
        warn_of_warm_up(self, callbacks)
        with self.running(per_call), reporting(self, callbacks), noticing_lost_workers(self):
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
            seen = not self.trained_variables or _number(calls(self._counting())) > before
            if history.epoch and not seen:  # a dataset of unknown length may have no examples
                raise ValueError(EMPTY)
            if self.adversarial and epochs > 0:  # as Keras does with the first optimizer: averages become the weights
                theirs = {id(variable) for variable in self.discriminator_variables}
                averaged = [variable for variable in self.trained_variables if id(variable) in theirs]
                self.discriminator_optimizer.finalize_variable_values(averaged)
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
        if kwargs.get("_use_cached_eval_dataset"):  # what `fit` hands on: its validation data
            per_call = getattr(x, "per_call", None)
            self._eval_epoch_iterator.steps_per_execution = per_call or 1
        elif not kwargs:
            with self.distribute_strategy.scope():
                feed = Feed(self._source(x, y, sample_weight), steps, check_batch_size(batch_size))
            per_call = self.stacked_steps(feed)
            x, steps = feed.for_evaluation(per_call)
            y = sample_weight = None
            if getattr(x, "epoch", None) is not None:
                x.epoch.assign(0)
        with self.running(per_call), noticing_lost_workers(self):
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
        self.check_flags()
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and its terms on one batch of arrays, as `keras.Model.test_on_batch`."""
        self.check_compiled("test_on_batch")
        self._check_alone("test_on_batch", x)
        return super().test_on_batch(*self.prepare(x, y, sample_weight, training=True), return_dict)

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

        What layers add to the loss, such as the regularisers of a network of the user's, is in the loss alone, and
        counted by the first replica.
        """
        step = self.optimizer.iterations
        weight = None if batch.weight is None else tf.reshape(tf.cast(batch.weight, tf.float32), [-1])
        with self.current.in_step():
            terms = self.terms(batch.x, batch.condition, seed=seed, training=training, step=step, weight=weight)
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
