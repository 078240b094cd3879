"""How the steps of a model are run: one by one as Keras does, or many in one call."""

import contextlib
import functools
import inspect
import io
import os
import pathlib
import warnings

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.io.writing import replacing
from keras_ae.parts import variables_by_path
from keras_ae.training.compiled_metrics import CompiledMetrics
from keras_ae.training.nan_guard import Copy, all_finite, last_good, not_finite
from keras_ae.training.optimizers import calls, like, variables_of
from keras_ae.training.replication import test_on_replicas, train_on_replicas
from keras_ae.training.stacks import is_stacked, looped


def default_jit(model):
    """Whether XLA compiles the steps of a model that `compile` is not told of."""
    return model.prefers_xla


def as_autoencoder(cls):
    """For the bases of `Autoencoder`: errors of Python about a call name the class that users know."""
    for value in vars(cls).values():
        if inspect.isfunction(value):
            value.__qualname__ = f"Autoencoder.{value.__name__}"
    return cls


@as_autoencoder
class Stepping(ArgumentGuard, keras.Model):
    """A Keras model that runs many steps in one call on data in memory, and decides by itself what XLA compiles.

    A subclass gives `train_step` and `test_step`, which take a `Batch`, and `results`, the metrics after a step.
    """

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
            jit_compile: whether XLA compiles the training step; `"auto"` lets the model choose the faster.
            auto_scale_loss: whether the loss is scaled under a float16 policy.
        The weights that are trained are those whose layers have `trainable` set when training begins after it; call it
        again where that has changed.

            discriminator_optimizer: an optimizer for the discriminator of an adversarial objective; one like
                `optimizer` unless given, with the learning rate that the objective's `discriminator_pace` says.

        Raises:
            ValueError: for a loss, for metrics that are none, and for a discriminator's optimizer without one.
            NotImplementedError: for metrics under a strategy of tf.distribute.

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
        compiled = CompiledMetrics(metrics, weighted_metrics, taken=taken)
        if compiled.all and self.replicated:
            raise NotImplementedError(
                "`metrics` are not computed under a strategy of tf.distribute: leave them out, and evaluate the saved "
                "model with them on one device."
            )
        self.compiled_metrics = compiled
        self._compile_arguments = {
            "optimizer": optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "auto_scale_loss": auto_scale_loss,
        }
        if jit_compile == "auto":
            jit_compile = not run_eagerly and default_jit(self)
        with self.distribute_strategy.scope():
            optimizer = self._own(optimizer)
            if self.adversarial:
                theirs = self._own(discriminator_optimizer or like(optimizer, self.discriminator_pace))
                self.discriminator_optimizer = self._scaling(theirs) if auto_scale_loss else theirs
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

    def _scaling(self, optimizer):
        """An optimizer that scales its loss under a float16 policy, as Keras makes one of the first optimizer."""
        kind = keras.optimizers.LossScaleOptimizer
        if self.dtype_policy.name != "mixed_float16" or isinstance(optimizer, kind):
            return optimizer
        return kind(optimizer)

    discriminator_optimizer = None
    adversarial = False  # whether a second optimizer trains a discriminator
    discriminator_pace = 1.0
    discriminator_variables = ()
    prefers_xla = True  # whether XLA is faster than TensorFlow's own kernels; where it is not, it must not see a loop

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
            "trained": self._trained(),
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
        """Makes the state of the optimizers, one part for each weight that is trained.

        Args:
            paths: dictionary of "optimizer" and "discriminator_optimizer" to the paths of the weights, as
                `variables_by_path` gives them, or `None` for no state; those that are trainable now unless given.
        """
        found = self._optimizers()
        if paths is not None:
            known = variables_by_path(self)
            found = {
                name: (found[name][0], [known[path] for path in each])
                for name, each in paths.items()
                if each is not None
            }
        for optimizer, variables in found.values():
            if not optimizer.built:
                optimizer.build(variables)

    def _optimizers(self):
        """Each optimizer by its name, with the variables that are trainable and its own to train."""
        theirs = {id(variable) for variable in self.discriminator_variables}
        found = {"optimizer": [variable for variable in self.trainable_variables if id(variable) not in theirs]}
        if self.discriminator_optimizer is not None:
            found["discriminator_optimizer"] = [each for each in self.trainable_variables if id(each) in theirs]
        return {name: (getattr(self, name), variables) for name, variables in found.items()}

    def _trained(self):
        """Whether the optimizers have a state: `True` for that of the weights that are trainable, else their paths."""
        if not self.optimizer.built:
            return False
        found = self._optimizers()
        if all(_ids(variables_of(optimizer)) == _ids(variables) for optimizer, variables in found.values()):
            return True
        paths = {id(variable): path for path, variable in variables_by_path(self).items()}
        return {
            name: [paths[id(each)] for each in variables_of(optimizer)] if optimizer.built else None
            for name, (optimizer, _) in found.items()
        }

    @property
    def trained_variables(self):
        """The weights that a step changes: those that were trainable when the training function was made."""
        if self._traced is None:
            return self.trainable_variables
        return [variable for variable in self.variables if id(variable) in self._traced]

    def check_flags(self):
        """Warns where layers were frozen or unfrozen since the training function was made, which does not see it."""
        now = frozenset(id(variable) for variable in self.trainable_variables)
        if self.train_function is not None and self._traced not in (None, now):
            warnings.warn(
                f"`trainable` of layers of this {type(self).__name__} has changed since `compile`, and has no effect "
                "on training before `compile` is called again.",
                stacklevel=3,
            )

    @property
    def optimizer_variables(self):
        """The state of all optimizers: a list of Keras variables."""
        others = () if self.discriminator_optimizer is None else self.discriminator_optimizer.variables
        return [*self.optimizer.variables, *others]

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
        if not _ends(filepath, ".keras") or zipped is False:
            received = f"filepath={filepath!r}" + (", zipped=False" if zipped is False else "")
            raise ValueError(
                "`filepath` must be a path that ends in .keras, the one format that keeps the whole model: "
                f'model.save("model.keras"). Received: {received}'
            )
        with _replacing(filepath, overwrite) as place:
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
        if not _ends(filepath, ".weights.h5") or max_shard_size is not None:
            raise ValueError(
                "`filepath` must be a path that ends in .weights.h5, and `max_shard_size` must be None. Received: "
                f"filepath={filepath!r}, max_shard_size={max_shard_size!r}"
            )
        with _replacing(filepath, overwrite) as place:
            if isinstance(place, str):
                super().save_weights(place)
                return
            weights = _WeightsFile()
            super().save_weights(weights)
            place.write_bytes(weights.getbuffer())

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self._check_known()
            self._traced = frozenset(id(variable) for variable in self.trainable_variables)
            self.train_function = self.current.following(self._make_train_function)
        return self.train_function

    def _make_train_function(self):
        one_by_one = self._keras_function("train")
        return self._halting(one_by_one, self._at_once(self.train_step, train_on_replicas))

    def _keras_function(self, kind):
        """Keras' own function of an iterator, to `"train"` or to `"test"`, made anew."""
        name = f"{kind}_function"
        before = getattr(self, name)
        getattr(super(), f"make_{name}")(force=True)
        made = getattr(self, name)
        setattr(self, name, before)
        return made

    def _check_known(self):
        """Raises a `ValueError` where a weight is to be trained of which the optimizer has no state."""
        for optimizer, variables in self._optimizers().values():
            known = {id(variable) for variable in variables_of(optimizer)}
            new = [variable.path for variable in variables if id(variable) not in known]
            if optimizer.built and new:
                raise ValueError(
                    f"Call `compile` again: the optimizer was made before {len(new)} of the weights were unfrozen, "
                    f"such as {new[0]}."
                )

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = self.current.following(self._make_test_function)
        return self.test_function

    def _make_test_function(self):
        one_by_one, at_once = self._keras_function("test"), self._at_once(self.test_step, test_on_replicas)
        return lambda it: at_once(next(it))[0] if is_stacked(it) else one_by_one(it)

    @property
    def replicated(self):
        """Whether the model was made under a strategy of `tf.distribute`."""
        return self._distribute_strategy is not None

    def _at_once(self, step, on_replicas):
        """The engine's function of a stack to (metrics, whether everything is finite)."""
        xla = bool(self.jit_compile)
        if self.replicated:
            step = on_replicas(self, jit_compile=xla)
        return looped(step, self.results, self._must_be_finite, jit_compile=xla and not self.replicated)

    def _halting(self, one_by_one, at_once):
        """A training function that stops with an error, and the last good weights, where something is not finite."""
        finite = tf.function(lambda: all_finite(self._must_be_finite()), autograph=False)
        state = functools.cache(self._state)  # the optimizer has its variables before the first call

        def run(iterator):
            before = Copy(state())
            if is_stacked(iterator):
                stack = next(iterator)
                logs, fine = at_once(stack)
            else:
                logs = one_by_one(iterator)
                fine = finite()
            if not fine:
                if is_stacked(iterator):
                    logs = last_good(at_once, stack, before)
                else:
                    before.restore()
                raise not_finite(
                    {tracker.name: logs[tracker.name] for tracker in self.trackers},
                    int(keras.ops.convert_to_numpy(calls(self.optimizer))) + 1,
                    getattr(self._epochs, "epoch", None),
                )
            return logs

        return run

    def _must_be_finite(self):
        """The terms of the loss, the weights, and what layers remember, such as means of batches and codebooks."""
        terms = [tracker.result() for tracker in self.trackers]
        return [*terms, *(v.value for v in self.variables if keras.backend.is_float_dtype(v.dtype))]

    def _state(self):
        """Everything that a training step changes."""
        variables = (*self.variables, *self.optimizer_variables, *self.metrics_variables)
        return list({id(variable): variable.value for variable in variables}.values())

    def stacked_steps(self, feed):
        """How many steps of a feed to stack for one call, or `None` where Keras runs them one by one."""
        wanted = self._compile_arguments["steps_per_execution"]
        if self.replicated:
            if not feed.has_length or self.run_eagerly:
                raise ValueError(
                    "Under a strategy of tf.distribute, `x` must be arrays, or a tf.data.Dataset of known length or "
                    "with `steps_per_epoch`, and `run_eagerly` must be off."
                )
            return 1
        if self.run_eagerly or not feed.stackable:
            return None
        if self.jit_compile:  # a stack has batches of one size: XLA compiles once
            return feed.steps_per_call(wanted if self.prefers_xla else 1)
        one_by_one = wanted == 1 and feed.has_length  # without a known end, Keras' own loop counts one too many
        return None if one_by_one else feed.steps_per_call(wanted)

    @contextlib.contextmanager
    def running(self, per_call):
        """Tells Keras' loops how many steps a call takes, for as long as they run.

        Its own loop takes one: of several it would not be known which of them was wrong.
        """
        before = self.steps_per_execution
        self.steps_per_execution = per_call or 1
        try:
            yield
        finally:
            self.steps_per_execution = before


def _ids(variables):
    return [id(variable) for variable in variables]


def _ends(filepath, suffix):
    return isinstance(filepath, (str, os.PathLike)) and os.fspath(filepath).endswith(suffix)


class _WeightsFile(io.BytesIO):
    """A file in memory that Keras takes for one of weights: HDF5 itself crashes the process on a full disk."""

    def __str__(self):
        return ".weights.h5"


@contextlib.contextmanager
def _replacing(filepath, overwrite):
    """Gives a temporary path beside a file, or beside what a link leads to, and moves what is written into place.

    Of another machine, such as gs://bucket/model.keras, it gives the address: Keras writes there in one piece.
    """
    filepath = os.fspath(filepath)
    if "://" in filepath:
        yield filepath
        return
    path = pathlib.Path(os.path.realpath(filepath))
    if not overwrite and path.exists():
        raise FileExistsError(f"There is a file {filepath} already: `overwrite=True` replaces it.")
    with replacing(path) as temporary:
        yield temporary
