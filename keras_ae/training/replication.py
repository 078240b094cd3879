"""Training steps on several devices and machines.

Every worker receives the same global batch, and each replica takes its rows, so the order of examples does not depend
on the number of replicas. Gradients and terms are sums over rows, divided by the number of examples in the global
batch: the sum over replicas equals the result of one device. Each replica draws its own noise. Layers that need a whole
batch (batch normalization, codebooks) see the rows of one replica; their new state is the mean over replicas.
"""

import contextlib

import keras
import tensorflow as tf

from keras_ae.io.closing import ClosedLater
from keras_ae.keras_internals import inner, updated_at_once, value_outside_of_scopes
from keras_ae.training.optimizers import optimizers_of
from keras_ae.training.stacks import Batch
from keras_ae.training.step import apply, evaluated, gradients, track


class WholeBatches(tf.data.Dataset, tf.distribute.DistributedDataset):
    """A dataset that Keras passes to a training function unchanged, under every strategy.

    Keras would split the elements of any other dataset into one part per replica.

    Args:
        dataset: a `tf.data.Dataset`, or `Stacks`.
        per_call: number of batches in each element.
        num_batches: number of batches per epoch, or `None` if it is unknown or infinite.
        origin: the dataset from which `dataset` was made, which may have the attribute `epoch`.
    """

    def __init__(self, dataset, per_call, num_batches=None, origin=None):  # without a call of Dataset's constructor
        self.dataset = dataset
        self.per_call = per_call
        self.num_batches = num_batches
        self.epoch = getattr(origin or dataset, "epoch", None)

    def __iter__(self):
        iterator = iter(self.dataset)
        return ClosedLater(iterator, self.element_spec) if isinstance(self.dataset, tf.data.Dataset) else iterator

    @property
    def element_spec(self):
        return getattr(self.dataset, "element_spec", None)

    def _inputs(self):
        return [self.dataset] if isinstance(self.dataset, tf.data.Dataset) else []

    def cardinality(self):
        return -2 if self.num_batches is None else self.num_batches


def rows_of(batch, replica, num_replicas):
    """Returns the rows of a batch for one replica, filled with rows of weight 0 to equal sizes."""
    size = tf.shape(batch.weight)[0] if batch.weight.shape[0] is None else batch.weight.shape[0]
    share = -(-size // num_replicas)
    rows = replica * share + tf.range(share)
    present = tf.cast(rows < size, tf.float32)

    def take(values):
        return tf.nest.map_structure(lambda t: None if t is None else tf.gather(t, rows % size), values)

    return Batch(take(batch.x), take(batch.condition), take(batch.weight) * present, batch.count)


def train_on_replicas(model, *, jit_compile):
    """Returns the training step on all replicas: a function of a batch."""
    on_replicas = _on_replicas(model, gradients, jit_compile, model.gradient_compression)
    reconstruct, strategy = _reconstructing(model, jit_compile), model.distribute_strategy

    def step(batch):
        means, summed = on_replicas(batch)
        model.compiled_metrics.update(batch, lambda x, condition: reconstruct(batch))
        with contextlib.ExitStack() as contexts:
            for optimizer, _ in optimizers_of(model).values():
                contexts.enter_context(updated_at_once(inner(optimizer), strategy, jit_compile=jit_compile))
            apply(model, summed)
        return track(model, means, batch.count)

    return step


def test_on_replicas(model, *, jit_compile):
    """Returns the evaluation step on all replicas: a function of a batch."""
    on_replicas, reconstruct = _on_replicas(model, evaluated, jit_compile), _reconstructing(model, jit_compile)

    def step(batch):
        model.compiled_metrics.update(batch, lambda x, condition: reconstruct(batch))
        return track(model, on_replicas(batch)[0], batch.count)

    return step


def _reconstructing(model, jit_compile):
    """Returns a function of a batch that reconstructs all rows, each replica its own.

    They are gathered outside of the replicas, where metrics can be updated with the whole batch, as on one device.
    """
    strategy = model.distribute_strategy
    compiled = tf.function(model._mean_reconstruction, jit_compile=jit_compile, autograph=False)

    def on_one(batch):
        replica = tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group)
        rows = rows_of(batch, replica, strategy.num_replicas_in_sync)
        return compiled(rows.x, rows.condition)

    def run(batch):
        parts = strategy.gather(strategy.run(on_one, args=(batch,)), axis=0)
        return parts[: tf.shape(batch.weight)[0]]  # without the rows that fill the last replica

    return run


def _on_replicas(model, function, jit_compile, compression=None):
    """Runs a function on each replica, and sums what it returns.

    Args:
        model: the model.
        function: function of (model, batch, replica) that returns (dictionary of scalars, list of tensors or `None`).
        jit_compile: whether XLA compiles it.
        compression: type in which the list is summed; `None` for its own.

    Returns:
        Function of a batch that returns the sums over the replicas: (dictionary, list).
    """
    strategy, structure = model.distribute_strategy, {}

    def without_effects(batch, replica):
        with _Assigned() as assigned:
            means, others = function(model, batch, replica)
        remembered = {place: assigned.to(v) for place, v in enumerate(model.non_trainable_variables)}
        floats, integers = {}, {}
        for place, value in remembered.items():
            if value is not None:
                is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(value.dtype))
                (floats if is_float else integers)[place] = value
        others = [None if each is None else tf.convert_to_tensor(each) for each in others]  # from rows of an embedding
        found = {"means": means, "others": others, "floats": floats}
        specs = tf.nest.map_structure(lambda t: None if t is None else tf.TensorSpec.from_tensor(t), found)
        structure["exact"] = [specs[name] for name in ("means", "floats", *(() if compression else ("others",)))]
        structure["others"] = specs["others"]
        if compression is None:
            return [packed([means, floats, others])], integers
        return [packed([means, floats]), tf.cast(packed(others), compression)], integers

    # A function that runs on one replica cannot assign to variables.
    compiled = tf.function(without_effects, jit_compile=jit_compile, autograph=False)

    def on_one(batch):
        replica = tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group)
        return compiled(rows_of(batch, replica, strategy.num_replicas_in_sync), replica)

    def run(batch):
        vectors, integers = strategy.run(on_one, args=(batch,))
        # One collective for all: a call of it costs more than most of its numbers.
        summed = [strategy.reduce("SUM", vector, axis=None) for vector in vectors]
        means, floats, *others = unpacked(summed[0], structure["exact"])
        others = unpacked(summed[1], structure["others"]) if compression else others[0]
        variables = model.non_trainable_variables
        for place, value in floats.items():
            variables[place].assign(value / tf.cast(strategy.num_replicas_in_sync, value.dtype))
        for place, value in integers.items():  # they are equal on all replicas
            variables[place].assign(strategy.experimental_local_results(value)[0])
        return means, others

    return run


def packed(nest):
    """Returns the values of all tensors of a nest as one vector, in the widest of their types."""
    tensors = [tensor for tensor in tf.nest.flatten(nest) if tensor is not None]
    dtype = max((tensor.dtype for tensor in tensors), key=lambda dtype: dtype.size)
    return tf.concat([tf.reshape(tf.cast(tensor, dtype), [-1]) for tensor in tensors], axis=0)


def unpacked(vector, specs):
    """Returns the nest from the vector of `packed`, given the shape and type of each tensor."""
    present = [spec for spec in tf.nest.flatten(specs) if spec is not None]
    parts = iter(tf.split(vector, [spec.shape.num_elements() for spec in present]))

    def take(spec):
        return None if spec is None else tf.cast(tf.reshape(next(parts), spec.shape), spec.dtype)

    return tf.nest.map_structure(take, specs)


class _Assigned(keras.StatelessScope):
    """Records assignments to variables, without assigning."""

    def __init__(self):
        super().__init__(collect_losses=True)

    def to(self, variable):
        """Returns the last value assigned to a variable, or `None`."""
        return super().get_current_value(variable)

    def get_current_value(self, variable):
        value = self.to(variable)
        return value_outside_of_scopes(variable) if value is None else value  # regularizers read all variables
