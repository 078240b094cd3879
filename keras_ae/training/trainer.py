import keras
import numpy as np
import tensorflow as tf

from keras_ae.random import check_seed, step_seed
from keras_ae.training.sources import as_dataset, chain, is_array, split, with_epoch

# Noise of evaluation is drawn from another seed than that of training.
_EVALUATION = 0x5EED


class Trainer(keras.Model):
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

    def compile(
        self, optimizer="adam", *, jit_compile="auto", run_eagerly=False, steps_per_execution=1, auto_scale_loss=True
    ):
        """Sets how the model is trained. There is no `loss`: the loss is the model's objective.

        Args:
            optimizer: a Keras optimizer or its name.
            jit_compile: whether XLA compiles the training step; `"auto"` lets the model choose the faster.
            run_eagerly: runs the step as plain Python, for debugging.
            steps_per_execution: steps in one call of the compiled function.
            auto_scale_loss: whether the loss is scaled under a float16 policy.
        """
        self._compile_arguments = {
            "optimizer": optimizer,
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "auto_scale_loss": auto_scale_loss,
        }
        if jit_compile == "auto":
            jit_compile = not run_eagerly and self.prefers_xla
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            auto_scale_loss=auto_scale_loss,
        )

    prefers_xla = True

    def get_compile_config(self):
        if not self.compiled:
            return None
        return {
            **self._compile_arguments,
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "trained": self.optimizer.built,
        }

    def compile_from_config(self, config):
        config = dict(config)
        optimizer = keras.saving.deserialize_keras_object(config.pop("optimizer"))
        trained = config.pop("trained")
        self.compile(optimizer, **config)
        if self.built and trained:  # the file has a state for each weight
            self.optimizer.build(self.trainable_variables)

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
        x, condition, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        seed = step_seed(self.seed, self.optimizer.iterations)
        with tf.GradientTape() as tape:
            terms = self.terms(x, condition, seed=seed, training=True)
            means = _means(terms, sample_weight)
            loss = self.optimizer.scale_loss(means["loss"])
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._track(means, x)

    def test_step(self, data):
        x, condition, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        # The number of examples seen so far tells the batches of one evaluation apart, and starts again with the next.
        seed = step_seed(self.seed ^ _EVALUATION, self.trackers[0].count)
        terms = self.terms(x, condition, seed=seed, training=False)
        return self._track(_means(terms, sample_weight), x)

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
        if is_array(x):
            x, y, sample_weight = self.prepare(x, y, sample_weight)
            if validation_split and validation_data is None:
                (x, y, sample_weight), validation_data = split(x, y, sample_weight, validation_split)
            self.adapt(y)
            x = as_dataset(x, y, sample_weight, batch_size, seed=self.seed, shuffle=shuffle)
            y = sample_weight = None
        elif isinstance(x, tf.data.Dataset):
            x = self.prepare_stream(x)
            self._adapt_to_stream(x)
        elif x is not None and not self.built:
            x = self._build_from_first_batch(x)
        if validation_data is not None:
            validation_data = self._validation_dataset(validation_data, validation_batch_size or batch_size)
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
        if not kwargs:  # fit hands its cached validation data on with a private argument
            if is_array(x):
                x = as_dataset(*self.prepare(x, y, sample_weight), batch_size, seed=0, shuffle=False)
                y = sample_weight = None
            elif isinstance(x, tf.data.Dataset):
                x = self.prepare_stream(x)
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

    def _validation_dataset(self, data, batch_size):
        if isinstance(data, tf.data.Dataset):
            return self.prepare_stream(data)
        if is_array(data) or (isinstance(data, (list, tuple)) and is_array(data[0])):
            arrays = keras.utils.unpack_x_y_sample_weight(data)
            return as_dataset(*self.prepare(*arrays), batch_size, seed=0, shuffle=False)
        return data

    def _track(self, means, x):
        num = tf.shape(x)[0]
        for tracker in self.trackers:
            tracker.update_state(means[tracker.name], sample_weight=num)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def _means(terms, sample_weight):
    """Each term's sum over the batch of weight * value, over the number of examples, as Keras reduces a loss."""
    if sample_weight is None:
        return {name: tf.reduce_mean(values) for name, values in terms.items()}
    weight = tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
    return {name: tf.reduce_mean(weight * values) for name, values in terms.items()}
