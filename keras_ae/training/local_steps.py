"""Local SGD: each worker takes several steps alone, then all workers average their weights.

A call of the training function runs a stack of steps on the variables of this process, in the same program as on one
device, and one collective operation after it averages the weights, the state of the optimizers, and the means of the
epoch. Between calls, all workers have equal values, so backups, callbacks and the guard against NaN need nothing else.

Gradients are sums over the rows of this worker, divided by the number of examples of the global batch, times the number
of workers. With one local step and plain SGD, the average of the weights is thus the step of one device.

Stich 2019, "Local SGD converges fast and communicates little", arXiv:1805.09767.
"""

import contextlib

import tensorflow as tf

from keras_ae.keras_internals import inner, is_replicated, updated_directly, with_values
from keras_ae.training.nan_guard import all_finite
from keras_ae.training.optimizers import optimizers_of
from keras_ae.training.replication import packed, rows_of, unpacked
from keras_ae.training.stacks import looped
from keras_ae.training.step import apply, gradients, track


def takes_local_steps(model):
    """Returns whether workers take steps alone. Raises a `ValueError` if one of them has several devices."""
    if model.local_steps is None or not is_replicated(model) or model.distribute_strategy.num_replicas_in_sync == 1:
        return False
    local = len(model.distribute_strategy.experimental_local_results(model.trackers[0].count.value))
    if local > 1:
        raise ValueError(
            f"`local_steps` must be None with several devices in one process: it is for workers with one device each. "
            f"Received: local_steps={model.local_steps} with {local} devices"
        )
    return True


def train_locally(model, *, jit_compile):
    """Returns a function of a stack that runs its steps on this worker alone, and then averages over the workers.

    It returns (metrics, whether everything is finite), as `looped`.
    """
    strategy = model.distribute_strategy
    num = strategy.num_replicas_in_sync
    replica = strategy.cluster_resolver.task_id

    def step(batch):
        rows = rows_of(batch, replica, num)
        size = tf.shape(rows.weight)[0]
        present = tf.clip_by_value(batch.count - replica * size, 0, size)
        share = tf.cast(batch.count, tf.float32) / num  # a worker may have none of the rows of a small last batch
        means, found = gradients(model, rows._replace(count=share), replica)
        model.compiled_metrics.update(rows._replace(count=present), model._mean_reconstruction)
        apply(model, found)
        track(model, means, share)

    steps = looped(step, dict, list, jit_compile=jit_compile)

    @tf.function(autograph=False)
    def together():
        _average([part for _, part in _local_parts(model)], strategy)
        return model.get_metrics_result(), all_finite(model._must_be_finite())

    def run(stack):
        with contextlib.ExitStack() as contexts:
            contexts.enter_context(with_values(_local_parts(model)))
            for optimizer, _ in optimizers_of(model).values():
                contexts.enter_context(updated_directly(inner(optimizer)))
            steps(stack)
        return together()

    return run


def _local_parts(model):
    """Returns each Keras variable that a step may change, with its TensorFlow variable in this process."""
    variables = (*model.variables, *model.optimizer_variables, *model.metrics_variables)
    strategy = model.distribute_strategy
    unique = {id(variable): variable for variable in variables}.values()
    return [(variable, strategy.experimental_local_results(variable.value)[0]) for variable in unique]


def _average(parts, strategy):
    """Averages float variables over the workers. Integers, such as the number of steps, are equal on all workers.

    Metrics of `compile` stay as they are: their variables are summed over the workers when they are read.
    """
    parts = [v for v in parts if v.dtype.is_floating and v.synchronization != tf.VariableSynchronization.ON_READ]
    vector = strategy.run(lambda: packed([tf.convert_to_tensor(part) for part in parts]))
    mean = strategy.reduce("MEAN", vector, axis=None)
    for part, value in zip(parts, unpacked(mean, [tf.TensorSpec(v.shape, v.dtype) for v in parts]), strict=True):
        part.assign(value)
