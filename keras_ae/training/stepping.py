"""How the steps of a model are run: one by one as Keras does, or many in one call."""

import contextlib

import keras

from keras_ae.training.engine import is_stacked, looped, steps_per_call


class Stepping(keras.Model):
    """A Keras model that runs many steps in one call on data in memory, and decides by itself what XLA compiles.

    A subclass gives `train_step` and `test_step`, which take a `Batch`, and `results`, the metrics after a step.
    """

    def compile(
        self,
        optimizer="adam",
        *,
        jit_compile="auto",
        run_eagerly=False,
        steps_per_execution="auto",
        auto_scale_loss=True,
    ):
        """Sets how the model is trained. There is no `loss`: the loss is the model's objective.

        Args:
            optimizer: a Keras optimizer or its name.
            jit_compile: whether XLA compiles the training step; `"auto"` lets the model choose the faster.
            run_eagerly: runs the step as plain Python, for debugging.
            steps_per_execution: steps in one call of the compiled function. `"auto"` is as many as fit 64 MiB for
                data in memory, and one for streams; callbacks see a batch, and the progress bar moves, once a call.
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
            steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
            auto_scale_loss=auto_scale_loss,
        )

    prefers_xla = True  # whether XLA is faster than TensorFlow's own kernels; where it is not, it must not see a loop

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

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            super().make_train_function(force)
            self.train_function = self._choosing(self.train_function, self.train_step)
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            super().make_test_function(force)
            self.test_function = self._choosing(self.test_function, self.test_step)
        return self.test_function

    def _choosing(self, one_by_one, step):
        """The engine's function for stacks, and Keras' own for everything else."""
        at_once = looped(step, self.results, jit_compile=bool(self.jit_compile))
        return lambda iterator: at_once(next(iterator)) if is_stacked(iterator) else one_by_one(iterator)

    def steps_at_once(self, x, batch_size):
        """How many steps to run in one call, and how many there are; (None, None) where Keras runs them one by one."""
        steps = self._compile_arguments["steps_per_execution"]
        if self.jit_compile and not self.prefers_xla:
            return None, None
        if self.run_eagerly or self.distribute_strategy.num_replicas_in_sync > 1:
            return None, None
        if steps == "auto":
            steps = steps_per_call(len(x), x[0].nbytes, batch_size)
        return (steps, -(-len(x) // batch_size)) if steps > 1 else (None, None)

    @contextlib.contextmanager
    def running(self, per_call):
        """Tells Keras' loops how many steps a call takes, for as long as they run."""
        before = self.steps_per_execution
        self.steps_per_execution = per_call or before
        if per_call:
            self.optimizer.build(self.trainable_variables)
        try:
            yield
        finally:
            self.steps_per_execution = before
