import keras
import numpy as np
import tensorflow as tf

from keras_ae.random import check_seed, step_seed
from keras_ae.training.engine import Batch
from keras_ae.training.sources import (
    as_dataset,
    check_batch_size,
    checked_batches,
    first_batches,
    in_memory,
    is_array,
    split,
    with_epochs,
)
from keras_ae.training.stepping import Stepping

# Noise of evaluation is drawn from another seed than that of training.
_EVALUATION = 0x5EED


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

    def __init__(self, term_names, *, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = check_seed(seed)
        self.trackers = [keras.metrics.Mean(name=name) for name in ("loss", *term_names)]

    @property
    def metrics(self):
        return self.trackers

    def terms(self, x, condition, *, seed, training, step=0):
        """The terms of each example: a dictionary of tensors [B] with `"loss"` and every name of `term_names`."""
        raise NotImplementedError

    def prepare(self, x, condition, sample_weight=None):
        """Checks arrays that come from outside: `(x, condition, sample_weight)`, with `None` for what is absent."""
        raise NotImplementedError

    def prepare_stream(self, dataset):
        """Checks the structure of a `tf.data.Dataset` and gives it the checks of its values."""
        raise NotImplementedError

    needs_adapting = False
    conditional = False

    def adapt(self, condition):
        """Learns the scale of the condition from training data, before the first step."""

    def train_step(self, data):
        batch = Batch.of(data)
        seed = step_seed(self.seed, self.optimizer.iterations)
        with tf.GradientTape() as tape:
            terms = self.terms(batch.x, batch.condition, seed=seed, training=True, step=self.optimizer.iterations)
            means = self._means(terms, batch)
            loss = self.optimizer.scale_loss(means["loss"])
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._track(means, batch)

    def test_step(self, data):
        batch = Batch.of(data)
        # The number of examples seen so far tells the batches of one evaluation apart, and starts again with the next.
        seed = step_seed(self.seed ^ _EVALUATION, self.trackers[0].count)
        terms = self.terms(batch.x, batch.condition, seed=seed, training=False, step=self.optimizer.iterations)
        return self._track(self._means(terms, batch), batch)

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

        What differs: `y` is the condition, and must be absent where the model has none; `batch_size` is 128 unless
        given; the order of arrays is drawn from the model's seed and the number of the epoch, so that a resumed run
        (`initial_epoch`) sees what the uninterrupted one would have seen.
        """
        batch_size, per_call = check_batch_size(batch_size), None
        if is_array(x):
            x, y, sample_weight = self.prepare(x, y, sample_weight)
            if validation_split and validation_data is None:
                (x, y, sample_weight), validation_data = split(x, y, sample_weight, validation_split)
            self.adapt(y)
            plain = steps_per_epoch or validation_steps or class_weight
            if not plain and (validation_data is None or in_memory(validation_data)):
                per_call, steps_per_epoch = self.steps_at_once(x, batch_size)
            x = as_dataset(x, y, sample_weight, batch_size, seed=self.seed, shuffle=shuffle, steps=per_call or 1)
            y = sample_weight = None
        elif isinstance(x, tf.data.Dataset):
            x = self.prepare_stream(x)
            self._adapt_to_stream(x)
        else:
            x = self._checked_source(x)
        if class_weight is not None and y is None and per_call is None and not self.conditional:
            raise ValueError("`class_weight` needs classes, given as the condition `y` of a conditional model.")
        if validation_data is not None:
            size = check_batch_size(validation_batch_size or batch_size)
            validation_data, steps = self._validation_dataset(validation_data, size, per_call)
            validation_steps = validation_steps or steps
        with self.running(per_call):
            return super().fit(
                x,
                y,
                epochs=epochs,
                verbose=verbose,
                callbacks=with_epochs(callbacks, x, validation_data),
                validation_data=validation_data,
                shuffle=shuffle and not isinstance(x, tf.data.Dataset),
                class_weight=class_weight,
                sample_weight=sample_weight,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )

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
        batch_size, per_call = check_batch_size(batch_size), None
        if not kwargs:  # fit hands its cached validation data on with a private argument
            if is_array(x):
                arrays = self.prepare(x, y, sample_weight)
                if not steps:
                    per_call, steps = self.steps_at_once(arrays[0], batch_size)
                x, y, sample_weight = as_dataset(*arrays, batch_size, steps=per_call or 1), None, None
            elif isinstance(x, tf.data.Dataset):
                x = self.prepare_stream(x)
                if hasattr(x, "epoch"):
                    x.epoch.assign(0)
            else:
                x = checked_batches(x, self.prepare)
        with self.running(per_call):
            return super().evaluate(
                x,
                y,
                verbose=verbose,
                sample_weight=sample_weight,
                steps=steps,
                callbacks=callbacks,
                return_dict=return_dict,
                **kwargs,
            )

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on one batch of arrays, with the arguments and the result of `keras.Model.train_on_batch`."""
        x, y, sample_weight = self.prepare(x, y, sample_weight)
        self.adapt(y)
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and its terms on one batch of arrays, as `keras.Model.test_on_batch`."""
        return super().test_on_batch(*self.prepare(x, y, sample_weight), return_dict)

    def _adapt_to_stream(self, dataset, num=8192):
        if self.needs_adapting:
            rows = list(dataset.map(lambda *batch: batch[1]).unbatch().take(num).as_numpy_iterator())
            self.adapt(tf.nest.map_structure(lambda *values: np.stack(values), *rows))

    def _checked_source(self, source, num=8192):
        """A generator or a `PyDataset` with checked batches; the model is built and adapted from the first ones."""
        source = checked_batches(source, self.prepare)
        if self.built and not self.needs_adapting:
            return source
        batches, source = first_batches(source, num if self.conditional else 1)
        if self.needs_adapting:
            conditions = [batch[1] for batch in batches]
            self.adapt(tf.nest.map_structure(lambda *values: np.concatenate(values), *conditions))
        return source if isinstance(source, keras.utils.PyDataset) else (batch for batch in source)

    def _validation_dataset(self, data, batch_size, per_call):
        """Validation data as a dataset, and how many steps it has, where that must be said."""
        if isinstance(data, tf.data.Dataset):
            return self.prepare_stream(data), None
        if not in_memory(data):
            return checked_batches(data, self.prepare), None
        arrays = self.prepare(*keras.utils.unpack_x_y_sample_weight(data))
        steps = -(-len(arrays[0]) // batch_size) if per_call else None
        return as_dataset(*arrays, batch_size, steps=per_call or 1), steps

    def _track(self, means, batch):
        for tracker in self.trackers:
            tracker.update_state(means[tracker.name], sample_weight=batch.count)
        return self.results()

    def results(self):
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def _means(self, terms, batch):
        """Each term's sum over the batch of weight * value, over the number of examples, as Keras reduces a loss.

        What layers add to the loss, such as the regularisers of a network of the user's, is in the loss alone.
        """
        if batch.weight is None:
            means = {name: tf.reduce_mean(values) for name, values in terms.items()}
        else:
            weight = tf.reshape(tf.cast(batch.weight, tf.float32), [-1])
            count = tf.cast(batch.count, tf.float32)
            means = {name: tf.reduce_sum(weight * values) / count for name, values in terms.items()}
        if self.losses:
            means["loss"] += tf.add_n([tf.cast(loss, tf.float32) for loss in self.losses])
        return means
