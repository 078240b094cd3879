"""One step of training or evaluation: terms, their means, gradients and the updates of the optimizers."""

import warnings

import keras
import tensorflow as tf

from keras_ae.keras_internals import calls
from keras_ae.random import step_seed
from keras_ae.step_context import StepContext
from keras_ae.training.optimizers import split, trained_variables
from keras_ae.training.stacks import Batch

_EVALUATION = 0x5EED  # changes the seed, so that training and evaluation draw different noise


class Tracker(keras.metrics.Mean):
    """The mean of a term over an epoch.

    It is updated and read outside of the replicas, so its variables have equal values there. Those of Keras' metrics
    are sums over the replicas, which takes a collective of all workers whenever they are read.
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        options = {"aggregation": "only_first_replica", "synchronization": "on_write", "trainable": False}
        with keras.name_scope(self.name, caller=self):
            return keras.Variable(keras.initializers.get(initializer), shape, dtype, name=name, **options)


def gradients(model: keras.Model, batch: Batch, replica: int | tf.Tensor = 0) -> tuple[dict, list]:
    """Returns the means of the terms of a training batch, and the gradients for `trained_variables`."""
    seed = step_seed(model.current.seed, calls(counting_optimizer(model)), replica)
    with tf.GradientTape() as tape:
        means = _means(model, batch, seed, replica, training=True)
        loss = model.optimizer.scale_loss(means["loss"])
        if model._adversary is not None:  # neither loss has gradients for the variables of the other
            loss += model.discriminator_optimizer.scale_loss(means["discriminator"])
    return means, tape.gradient(loss, trained_variables(model))


def apply(model: keras.Model, gradients: list) -> None:
    """Updates the weights with the optimizer, and a discriminator's weights with the second optimizer."""
    variables = trained_variables(model)
    found = {id(variable): gradient for variable, gradient in zip(variables, gradients, strict=True)}
    for optimizer, part in zip((model.optimizer, model.discriminator_optimizer), split(model, variables), strict=True):
        if part:
            optimizer.apply_gradients([(found[id(variable)], variable) for variable in part])
    if not variables:
        warnings.warn("The model does not have any trainable weights.", stacklevel=2)  # the words of Keras


def evaluated(model: keras.Model, batch: Batch, replica: int | tf.Tensor = 0) -> tuple[dict, tuple]:
    """Returns the means of the terms of a batch in evaluation, and (), in place of gradients."""
    # The number of examples seen so far distinguishes the batches of one evaluation, and starts from 0 in the next.
    seed = step_seed(model.current.seed ^ _EVALUATION, model.trackers[0].count, replica)
    return _means(model, batch, seed, replica, training=False), ()


def counting_optimizer(model: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer whose calls are the steps: the discriminator's if nothing else is trained."""
    first, others = split(model, trained_variables(model))
    return model.discriminator_optimizer if others and not first else model.optimizer


def track(model: keras.Model, means: dict, count: tf.Tensor) -> dict:
    """Adds the means of a batch to the means of the epoch, and returns all metrics."""
    for tracker in model.trackers:
        tracker.update_state(means[tracker.name], sample_weight=count)
    return model.get_metrics_result()


def _means(model, batch, seed, replica, *, training):
    """Returns each term's weighted sum over the batch, divided by the number of examples, as Keras reduces a loss.

    Losses that layers add, such as regularizers of a custom network, are part of the loss only. The first replica
    counts them.
    """
    weight = None if batch.weight is None else tf.reshape(tf.cast(batch.weight, tf.float32), [-1])
    with model.current.in_step():
        step_context = StepContext(seed, model.optimizer.iterations, weight, training)
        terms = model.terms(batch.x, batch.condition, step_context)
    if weight is None:
        means = {name: tf.reduce_mean(values) for name, values in terms.items()}
    else:
        count = tf.cast(batch.count, tf.float32)
        means = {name: tf.reduce_sum(weight * values) / count for name, values in terms.items()}
    if model.losses:
        first = tf.cast(tf.equal(replica, 0), tf.float32)
        means["loss"] += first * tf.add_n([tf.cast(loss, tf.float32) for loss in model.losses])
    return means
