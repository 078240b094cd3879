"""The same step on many devices and machines.

Every worker is given the same global batch, and each of its replicas takes its own rows of it: which example is seen
when does not depend on the number of replicas, and each is seen once an epoch. Gradients and terms are sums over rows
divided by the number of examples of the global batch, so that the sum over the replicas is what one device computes.
Each replica draws noise of its own. What needs the whole batch (batch normalization, codebooks) sees the rows of its
replica, and what it remembers of them is the mean of what the replicas would remember.
"""

import keras
import tensorflow as tf

from keras_ae.keras_internals import value_outside_of_scopes
from keras_ae.training.stacks import Batch


class WholeBatches(tf.data.Dataset, tf.distribute.DistributedDataset):
    """A dataset that Keras hands to a training function as it is, under every strategy.

    Keras would cut its elements into one part a replica. It also wants to know how often it may ask.

    Args:
        dataset: the `tf.data.Dataset`, or `Stacks`.
        per_call: batches in each of its elements.
        num_batches: batches an epoch, or `None` where that is not known or the dataset has no end.
        origin: what the dataset was made of, where that knows the number of the `epoch`.
    """

    def __init__(self, dataset, per_call, num_batches=None, origin=None):  # not Dataset's: this is one in name only
        self.dataset = dataset
        self.per_call = per_call
        self.num_batches = num_batches
        self.epoch = getattr(origin or dataset, "epoch", None)

    def __iter__(self):
        return iter(self.dataset)

    @property
    def element_spec(self):
        return getattr(self.dataset, "element_spec", None)

    def _inputs(self):
        return [self.dataset] if isinstance(self.dataset, tf.data.Dataset) else []

    def cardinality(self):
        return -2 if self.num_batches is None else self.num_batches


def rows_of(batch, replica, num_replicas):
    """The rows of a batch that are a replica's, filled up to the size of the others with rows of weight 0."""
    size = tf.shape(batch.weight)[0] if batch.weight.shape[0] is None else batch.weight.shape[0]
    share = -(-size // num_replicas)
    rows = replica * share + tf.range(share)
    present = tf.cast(rows < size, tf.float32)

    def take(values):
        return tf.nest.map_structure(lambda t: None if t is None else tf.gather(t, rows % size), values)

    return Batch(take(batch.x), take(batch.condition), take(batch.weight) * present, batch.count)


def train_on_replicas(model, *, jit_compile):
    """The training step of a model, on all of its replicas: a function of a batch."""
    gradients = _on_replicas(model, model.gradients, jit_compile)
    reconstruct = _reconstructing(model, jit_compile)

    def step(batch):
        means, parts = gradients(batch)
        model.compiled_metrics.update(batch, lambda x, condition: reconstruct(batch))
        model.distribute_strategy.run(model.apply, args=(parts,))  # not inside XLA: it adds the gradients up
        return model.track(means, batch.count)

    return step


def test_on_replicas(model, *, jit_compile):
    """The same of the step of `evaluate`."""
    means = _on_replicas(model, model.means, jit_compile)
    reconstruct = _reconstructing(model, jit_compile)

    def step(batch):
        model.compiled_metrics.update(batch, lambda x, condition: reconstruct(batch))
        return model.track(means(batch)[0], batch.count)

    return step


def _reconstructing(model, jit_compile):
    """A function of a batch to the reconstructions of all its rows, of which each replica makes its own.

    They are gathered outside of the replicas: there, the state of any metric can be assigned to, and AUC or a mean of
    means is computed from the whole batch as one device does.
    """
    strategy = model.distribute_strategy
    compiled = tf.function(model.mean_reconstruction, jit_compile=jit_compile, autograph=False)

    def on_one(batch):
        replica = tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group)
        rows = rows_of(batch, replica, strategy.num_replicas_in_sync)
        return compiled(rows.x, rows.condition)

    def run(batch):
        parts = strategy.gather(strategy.run(on_one, args=(batch,)), axis=0)
        return parts[: tf.shape(batch.weight)[0]]  # without the rows that fill the last replica

    return run


def _on_replicas(model, function, jit_compile):
    """Runs a function on each replica, and adds up the means that it gives.

    Args:
        model: the model, which knows its strategy.
        function: function of (batch, replica) to (dictionary of scalars, anything).
        jit_compile: whether XLA compiles it.

    Returns:
        A function of a batch to (dictionary of sums, what else `function` gives on each replica).
    """
    strategy = model.distribute_strategy

    def without_effects(batch, replica):
        with _Assigned() as assigned:
            means, others = function(batch, replica)
        remembered = {place: assigned.to(v) for place, v in enumerate(model.non_trainable_variables)}
        return means, others, {place: value for place, value in remembered.items() if value is not None}

    # A variable cannot be assigned to inside of a function that runs on one replica.
    compiled = tf.function(without_effects, jit_compile=jit_compile, autograph=False)

    def on_one(batch):
        replica = tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group)
        return compiled(rows_of(batch, replica, strategy.num_replicas_in_sync), replica)

    def run(batch):
        means, others, remembered = strategy.run(on_one, args=(batch,))
        for place, value in remembered.items():
            _remember(strategy, model.non_trainable_variables[place], value)
        return {name: strategy.reduce("SUM", mean, axis=None) for name, mean in means.items()}, others

    return run


class _Assigned(keras.StatelessScope):
    """Keeps what is assigned to variables, in place of assigning it."""

    def __init__(self):
        super().__init__(collect_losses=True)

    def to(self, variable):
        """What was assigned to a variable last, or `None`."""
        return super().get_current_value(variable)

    def get_current_value(self, variable):
        value = self.to(variable)
        return (
            value_outside_of_scopes(variable) if value is None else value
        )  # regularizers ask for those of all variables


def _remember(strategy, variable, value):
    """Gives a variable the mean of its values on the replicas; counters are the same on all of them."""
    if keras.backend.is_float_dtype(variable.dtype):
        variable.assign(strategy.reduce("MEAN", value, axis=None))
    else:
        variable.assign(strategy.experimental_local_results(value)[0])
