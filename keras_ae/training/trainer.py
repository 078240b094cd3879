import keras
import numpy as np
import tensorflow as tf

from keras_ae.random import check_seed, step_seed
from keras_ae.training.engine import Batch
from keras_ae.training.sources import (
    as_dataset,
    chain,
    check_batch_size,
    in_memory,
    is_array,
    split,
    with_epoch,
)
from keras_ae.training.stepping import Stepping

# Noise of evaluation is drawn from another seed than that of training.
_EVALUATION = 0x5EED


class Trainer(Stepping):
    """A Keras model whose loss is given by terms for each example; everything of `fit` that knows nothing of latents.

    A subclass gives `term_names`, `terms` (the terms of a batch), `prepare` (which checks arrays from outside) and
    `prepare_stream` (the same for a `tf.data.Dataset`).
    The loss is the weighted mean of `terms(...)["loss"]` over the batch, in training as in evaluation.

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

    def terms(self, x, condition, *, seed, training):
        """The terms of each example: a dictionary of tensors [B] with `"loss"` and every name of `term_names`."""
        raise NotImplementedError

    def prepare(self, x, condition, sample_weight=None):
        """Checks arrays that come from outside: `(x, condition, sample_weight)`, with `None` for what is absent."""
        raise NotImplementedError

    def prepare_stream(self, dataset):
        """Checks the structure of a `tf.data.Dataset` and gives it the checks of its values."""
        raise NotImplementedError

    def adapt(self, condition):
        """Learns the scale of the condition from training data, before the first step."""

    def train_step(self, data):
        batch = Batch.of(data)
        seed = step_seed(self.seed, self.optimizer.iterations)
        with tf.GradientTape() as tape:
            terms = self.terms(batch.x, batch.condition, seed=seed, training=True)
            means = _means(terms, batch)
            loss = self.optimizer.scale_loss(means["loss"])
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._track(means, batch)

    def test_step(self, data):
        batch = Batch.of(data)
        # The number of examples seen so far tells the batches of one evaluation apart, and starts again with the next.
        seed = step_seed(self.seed ^ _EVALUATION, self.trackers[0].count)
        terms = self.terms(batch.x, batch.condition, seed=seed, training=False)
        return self._track(_means(terms, batch), batch)

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
        elif x is not None and not self.built:
            x = self._build_from_first_batch(x)
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
                callbacks=with_epoch(callbacks, x),
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

    def _adapt_to_stream(self, dataset, num=8192):
        if isinstance(tf.nest.flatten(dataset.element_spec[1])[0], tf.TensorSpec):  # and not of `None`
            rows = list(dataset.map(lambda *batch: batch[1]).unbatch().take(num).as_numpy_iterator())
            self.adapt(tf.nest.map_structure(lambda *values: np.stack(values), *rows))

    def _build_from_first_batch(self, source):
        """Builds the model from a generator or a `PyDataset`; returns the source, with nothing of it lost."""
        if isinstance(source, keras.utils.PyDataset):
            first = source[0]
        else:
            first = next(source)
            source = chain(first, source)
        self.prepare(*keras.utils.unpack_x_y_sample_weight(first))
        return source

    def _validation_dataset(self, data, batch_size, per_call):
        """Validation data as a dataset, and how many steps it has, where that must be said."""
        if isinstance(data, tf.data.Dataset):
            return self.prepare_stream(data), None
        if not in_memory(data):
            return data, None
        arrays = self.prepare(*keras.utils.unpack_x_y_sample_weight(data))
        steps = -(-len(arrays[0]) // batch_size) if per_call else None
        return as_dataset(*arrays, batch_size, steps=per_call or 1), steps

    def _track(self, means, batch):
        for tracker in self.trackers:
            tracker.update_state(means[tracker.name], sample_weight=batch.count)
        return self.results()

    def results(self):
        return {tracker.name: tracker.result() for tracker in self.trackers}


def _means(terms, batch):
    """Each term's sum over the batch of weight * value, over the number of examples, as Keras reduces a loss."""
    if batch.weight is None:
        return {name: tf.reduce_mean(values) for name, values in terms.items()}
    weight = tf.reshape(tf.cast(batch.weight, tf.float32), [-1])
    count = tf.cast(batch.count, tf.float32)
    return {name: tf.reduce_sum(weight * values) / count for name, values in terms.items()}
