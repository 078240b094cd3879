"""Many draws from q(z|x) of each example, reduced to a few numbers of each example in one compiled program."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from rich.progress import Progress

from keras_ae import random
from keras_ae.input_checks import batches_of
from keras_ae.training import is_stream
from keras_ae.training.shared_programs import SharedProgram
from keras_ae.training.streams import rebatched

_ROWS = 6_400  # draws of all examples in one step of the loop: as large as matrix products need it
_VALUES = 2**23  # values of the likelihood's parameters in one step, 32 MiB


class Draws:
    """Draws from q(z|x): C of each of B examples.

    Args:
        model: the model.
        x: examples [B, *event].
        context: features of the condition [B, F], or `None`.
        prior: p(z), or `None`.
        z: codes [C, B, D].
        log_posterior: log q(z|x) [C, B].
        numbers: number of each draw within its example: int32 [C].
        num_samples: number of draws per example, K. Draws with larger numbers do not count.
    """

    def __init__(self, model, x, context, prior, z, log_posterior, numbers, num_samples):
        self._model, self._x, self._context, self._prior = model, x, context, prior
        self.z, self._log_posterior, self.numbers = z, log_posterior, numbers
        self.counts = (numbers < num_samples)[:, tf.newaxis]  # [C, 1]

    def log_likelihood(self) -> tf.Tensor:
        """Returns log p(x|z): [C, B], in nats."""
        params = self._model.likelihood_params(self.z, self._context)
        return self._model.likelihood_layer.distribution(params).log_prob(self._x)

    def log_ratio(self) -> tf.Tensor:
        """Returns log p(z) - log q(z|x): [C, B], in nats."""
        return self._prior.log_prob(self.z) - self._log_posterior


class Reduction:
    """Base class of what is computed from the draws of each example, draw by draw, so that memory stays flat."""

    def start(self, posterior, prior, num: int) -> tuple:
        """Returns the state before the first draw: tensors [..., B].

        Args:
            posterior: q(z|x) with batch shape [B].
            prior: p(z), or `None`.
            num: B.
        """
        raise NotImplementedError

    def add(self, state: tuple, draws: Draws) -> tuple:
        """Returns the state after C more draws."""
        raise NotImplementedError


def reduce_draws(
    model: Any,
    batches: Iterable[tuple],
    make: Callable[[int], Reduction],
    num_samples: int,
    *,
    seed: int,
    batch_size: int,
) -> tuple[np.ndarray, ...]:
    """Reduces `num_samples` draws from q(z|x) of each example.

    Draw k of example i depends on the seed, i and k alone: neither on the batches nor on the number of draws.

    Args:
        model: a built `Autoencoder`.
        batches: checked batches (x, condition).
        make: function of the number of draws in a step, a power of two, to a `Reduction`.
        num_samples: draws per example, K.
        seed: integer seed.
        batch_size: examples in one call of the program.

    Returns:
        The final state, float64 arrays [..., N].
    """
    parts, program, largest, start = [], None, 0, 0
    for x, condition in rebatched(batches, batch_size):
        num = len(x)
        if program is None:
            largest, per_step = num, draws_per_step(model, num, num_samples)
            run = _loop(model, make(per_step), num_samples, per_step)
            program = as_program(model, run)
        # The last batch is filled up to the size of the others: another size would be compiled again.
        rows = np.minimum(np.arange(largest), num - 1)
        state = program(x[rows], _each(lambda values, rows=rows: values[rows], condition), rows + start, seed)
        parts.append([values.numpy().astype(np.float64)[..., :num] for values in state])
        start += num
    return tuple(np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True))


def as_program(model: Any, function: Callable) -> Callable:
    """Returns a function of nested arrays or `None` as one program, which models of equal shapes share.

    It is compiled for each shape of the arguments. Integers are int32.
    """
    program = SharedProgram(tf.function(function, jit_compile=model.uses_xla, autograph=False))
    return lambda *given: program(*_tensors(given))


def _tensors(arguments):
    def tensor(values):
        values = np.asarray(values)
        return tf.constant(values, tf.int32 if values.dtype.kind == "i" else None)

    return [_each(tensor, each) for each in arguments]


def _each(function, values):
    return None if values is None else tf.nest.map_structure(function, values)


def draws_per_step(model: Any, num: int, num_samples: int) -> int:
    """Returns how many draws of each of `num` examples one step of the loop takes: a power of two.

    It is the largest that fits, and of whose last step at most a sixteenth of all draws is not needed.
    """
    likelihood = model.likelihood_layer
    widest = max(model.posterior_layer.output_size(), np.prod(model.event_shape) * likelihood.parameters_per_value)
    fit = max(min(_ROWS, _VALUES // int(widest)) // num, 1)
    size = 2 ** (fit.bit_length() - 1)
    while -(-num_samples // size) * size > num_samples * 17 / 16:
        size //= 2
    return size


def _loop(model, reduction, num_samples, per_step):
    posterior = model.posterior_layer

    def run(x, condition, rows, seed):
        num = x.shape[0]
        context = None if model.condition is None else model.condition(condition)
        params = model.posterior_params(x, context)
        prior = None if model.prior_layer is None else model.prior_layer.distribution(context)

        def step(first, state):
            numbers = first + tf.range(per_step)
            z, log_posterior = posterior.draw_many(params, random.fork(seed, numbers), rows)
            draws = Draws(model, x, context, prior, z, log_posterior, numbers, num_samples)
            return first + per_step, reduction.add(state, draws)

        state = reduction.start(posterior.exact(params), prior, num)
        return tf.while_loop(lambda first, _: first < num_samples, step, (tf.constant(0), state))[1]

    return run


def checked_batches(
    model: Any, x: Any, condition: Any, *, batch_size: int, verbose: int, description: str
) -> Iterable[tuple]:
    """Yields the checked batches (x, condition) of anything that `fit` takes, with a progress bar if `verbose`."""
    total = None if is_stream(x) or not hasattr(x, "shape") else len(x)
    with Progress(disable=not verbose, transient=True) as progress:
        task = progress.add_task(description, total=total)
        for batch in rebatched(batches_of(model, x, condition), batch_size):
            yield batch
            progress.advance(task, len(batch[0]))


def check_finite(values: np.ndarray, what: str) -> np.ndarray:
    """Returns values [N], or raises a `ValueError` if one of them is not finite."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"`model` must give a finite {what} for every example: its weights may not be finite, or the example is "
            f"impossible under it. Received: {values[row]} at row {row}, {wrong.sum()} of {len(values)} examples"
        )
    return values
