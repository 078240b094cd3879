"""The autoencoder: independent parts as one Keras model. Nouns return distributions, verbs return tensors."""

import contextlib
import functools
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from keras_ae import conditions, latents, likelihoods, networks, objectives
from keras_ae.compatibility import check_pairing, check_separate, check_source
from keras_ae.compiled_verbs import CompiledVerbs, in_chunks
from keras_ae.conditions import Condition
from keras_ae.functional import FunctionalVerbs
from keras_ae.input_checks import (
    batches_of,
    check_built,
    checked_arrays,
    checked_condition,
    checked_dataset,
    code_tensors,
    condition_tensors,
    context_tensor,
    example_tensors,
    is_keras_tensor,
    num_rows,
)
from keras_ae.keras_internals import restore_deferred, unlocked
from keras_ae.latents import Posterior, Prior, Sampler, samplers
from keras_ae.likelihoods import Likelihood
from keras_ae.networks import Network
from keras_ae.objectives import AdversarialObjective, Objective
from keras_ae.parts import (
    Checkpointed,
    build_once,
    handing_on,
    is_ours,
    layers_by_path,
    name_part,
    set_trainable_flags,
    trainable_flags,
    variables_by_path,
    weights_from,
    without_shapes,
)
from keras_ae.random import check_seed
from keras_ae.registry import provided
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.training import Trainer, is_stream
from keras_ae.training.data_adapter import EMPTY
from keras_ae.training.streams import checked_batches
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_positive, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class Autoencoder(Checkpointed, Trainer):
    """An autoencoder of independent parts, each given as a short name or an instance.

        x (+ condition) -> encoder -> posterior q(z|x) -> z (+ condition) -> decoder -> likelihood p(x|z)
        loss = objective(q(z|x), p(z), p(x|z)), summed over event dimensions, averaged over examples, in nats

    Nouns (`posterior`, `prior`, `likelihood`) return TFP distributions, verbs (`encode`, `decode`, `reconstruct`,
    `sample`, `edit`) return tensors. `model(x)` is `model.reconstruct(x)`, without noise. The first `fit` sets the
    sizes from the data.

    Args:
        encoder: network from x to features: a name in `keras_ae.networks.ENCODERS`, such as `"mlp"` or `"conv"`, or a
            custom Keras layer or model, which is called with x [B, *event], or with [x, context [B, F]] in a
            conditional model.
        decoder: network from z [B, D] to features, like the encoder.
        latent_dim: dimension of the code, D.
        posterior: a name in `keras_ae.latents.POSTERIORS`, such as `"diagonal_normal"` or `"deterministic"`, or a
            `Posterior`.
        prior: a name in `keras_ae.latents.PRIORS`, such as `"standard_normal"` or `"real_nvp"`, a `Prior`, or `None`
            for a model that cannot generate. Posterior and prior must have the same code space.
        likelihood: a name in `keras_ae.likelihoods.LIKELIHOODS`, such as `"bernoulli"`, `"normal"` or `"poisson"`, or a
            `Likelihood`.
        objective: a name in `keras_ae.objectives.OBJECTIVES`, such as `"elbo"`, or an `Objective`.
        condition: a `Categorical` or `Continuous` property, a dictionary of several by name, or `None`.
        sampler: density of the codes from which `sample` draws instead of the prior, after `fit_sampler` has fitted it:
            a name in `keras_ae.latents.SAMPLERS`, such as `"gaussian_mixture"`, or a `Sampler`.
        seed: integer seed of the initial weights, the noise and the order of training; two models with the same seed
            are equal. Custom networks keep their initializers.

    Example:
        >>> import numpy as np
        >>> from keras_ae.networks import MLP
        >>> model = Autoencoder(MLP([8]), MLP([8]), latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)
        >>> model.sample(3, seed=1).shape
        TensorShape([3, 4, 4, 1])
    """

    # Class attributes of a published model: the parts that it fixes, which are neither arguments nor in its config.
    fixed: tuple[str, ...] = ()
    # Arguments of these parts that are arguments of the model, in its config and, if the part allows it, assignable.
    settings: tuple[str, ...] = ()  # of the objective
    posterior_settings: tuple[str, ...] = ()
    prior_settings: tuple[str, ...] = ()
    # Whether `condition` is required.
    needs_condition = False

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 16,
        posterior: str | Posterior = "diagonal_normal",
        prior: str | Prior | None = "standard_normal",
        likelihood: str | Likelihood = "bernoulli",
        objective: str | Objective = "elbo",
        condition: Condition | dict[str, Condition] | None = None,
        sampler: str | Sampler | None = None,
        seed: int = 0,
        **kwargs: Any,
    ):
        flags = kwargs.pop("trainable_layers", None)  # from a config: flags that differ from the layer around them
        objective, prior_layer = objectives.get(objective), latents.priors.get(prior)
        super().__init__(objective.terms_with(prior_layer), seed=seed, **kwargs)
        self.autocast = False  # examples and conditions are checked in their own dtype; the networks cast their inputs
        self.latent_dim = check_size("latent_dim", latent_dim)
        self.encoder = networks.get("encoder", encoder)
        self.decoder = networks.get("decoder", decoder)
        self.posterior_layer = latents.posteriors.get(posterior)
        self.prior_layer = prior_layer
        self.likelihood_layer = likelihoods.get(likelihood)
        self.objective = objective
        self.condition = conditions.get(condition)
        self.sampler_layer = samplers.get(sampler, optional=True)
        self.event_shape = None
        self._flags = flags
        check_separate(encoder=self.encoder, decoder=self.decoder)
        check_pairing(self, given={"prior": prior, "posterior": posterior})
        for name, place in _PARTS.items():
            name_part(getattr(self, place), name)
        self._set_flags()
        self._flagged = frozenset(id(layer) for layer, _ in layers_by_path(self).values())  # subclasses create more
        self._functional, self._verbs = FunctionalVerbs(self), CompiledVerbs(self)

    def build(self, input_shape):
        if isinstance(input_shape[0], (list, tuple)):  # the shapes of (x, condition)
            input_shape = input_shape[0]
        self.event_shape = tuple(input_shape[1:])
        if not self.event_shape or None in self.event_shape:
            raise ValueError(f"Examples must have a fixed shape with at least one axis. Received: {self.event_shape}")
        with handing_on(self, self._flagged):
            self._build_parts()
        self._set_flags()
        restore_deferred(self, variables_by_path(self))

    def _build_parts(self):
        if self.condition is not None:
            with self._weights_of("condition", self.condition):
                build_once(self.condition, (None,))
        features = self._build_network("encoder", (None, *self.event_shape), (self.latent_dim,))
        if self.prior_layer is not None:
            self.posterior_layer.bind(self.prior_layer)
        self.posterior_layer.set_latent_dim(self.latent_dim)
        with self._weights_of("posterior", self.posterior_layer):
            build_once(self.posterior_layer, features)
        self.posterior_layer(keras.KerasTensor(features))  # for the output shape in `summary`
        if self.prior_layer is not None:
            with self._weights_of("prior", self.prior_layer):
                self._build_prior()
        if self.sampler_layer is not None and self.sampler_layer.fitted:
            build_once(self.sampler_layer, (None, self.latent_dim))
        features = self._build_network("decoder", (None, self.latent_dim), self.event_shape)
        self.likelihood_layer.set_event_shape(self.event_shape)
        with self._weights_of("likelihood", self.likelihood_layer):
            build_once(self.likelihood_layer, features)
        self.likelihood_layer(keras.KerasTensor(features))
        self.objective.bind(self._decoder_kernels)
        with self._weights_of("objective", self.objective):
            build_once(self.objective, [(None, *self.event_shape), (None, self.latent_dim)])

    def _weights_of(self, name, part):
        """Context in which the initial weights of a part are drawn from the model's seed."""
        return weights_from(self.seed, name, part)

    def _set_flags(self):
        """Sets the `trainable` flags from the config; called again when layers exist that are still missing."""
        if self._flags is not None:
            self._missing = set_trainable_flags(self, self._flags)
            self._flags = self._flags if self._missing else None

    def get_build_config(self):
        if not self.built:
            return None
        counted = self.objective.counted_examples
        return {"input_shape": (None, *self.event_shape)} | ({} if counted is None else {"num_examples": counted})

    def build_from_config(self, config):
        self.build(tuple(config["input_shape"]))
        if "num_examples" in config:
            self.objective.count(lambda: config["num_examples"])
        if self._flags:
            raise ValueError(f"`trainable_layers` must name layers of the model. Received: {', '.join(self._missing)}")

    def _build_network(self, argument, shape, event_shape, *, conditional=True):
        """Builds a network, which receives the condition if it is `conditional`; returns the shape of its features."""
        has_context = conditional and self.condition is not None
        shapes = [shape, (None, self.condition.size)] if has_context else shape
        network = getattr(self, argument)
        with self._weights_of(argument, network) if is_ours(network) else contextlib.nullcontext():
            return networks.build_network(argument, network, shapes, event_shape)

    def _decoder_kernels(self):
        """Returns the trainable weights with at least two axes of the decoder and the likelihood."""
        weights = [*self.decoder.trainable_variables, *self.likelihood_layer.trainable_variables]
        return [tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in weights if len(weight.shape) > 1]

    def _build_prior(self):
        posterior, prior, codes = self.posterior_layer, self.prior_layer, (None, self.latent_dim)
        encoder = latents.SharedEncoder(self.posterior_params, posterior.distribution, posterior.draw, self.event_shape)
        prior.bind_encoder(encoder)
        if isinstance(posterior, latents.VectorQuantizer):
            prior.bind_codebooks(posterior.get_codebooks)
        build_once(prior, codes if self.condition is None else [codes, (None, self.condition.size)])

    @property
    def sampler(self) -> Sampler | Prior | None:
        """The source of the codes of `sample`: a fitted sampler, or the prior, or `None`."""
        fitted = self.sampler_layer is not None and self.sampler_layer.fitted
        return self.sampler_layer if fitted else self.prior_layer

    # Nouns: distributions.

    def posterior(self, x: Any, condition: Any = None) -> tfd.Distribution:
        """Returns q(z|x), with batch shape [B] and event shape [D].

        It can be sliced along its batch, `model.posterior(x)[0]`. Without a closed form, `mean`, `stddev` and `mode`
        raise `NotImplementedError`, as for flows, hierarchical codes and relaxed one-hot vectors; `encode` always
        returns a code.
        """
        x, condition = example_tensors(self, x, condition)
        step_context = StepContext(step=self.optimizer.iterations if self.compiled else 0)
        params = self.posterior_params(x, self.context(condition), step_context)
        return self.posterior_layer.distribution(params, step_context)

    def prior(self, condition: Any = None) -> tfd.Distribution:
        """Returns p(z), with event shape [D].

        Raises:
            ValueError: if the model has no prior.
        """
        self._check_prior()
        check_built(self, "prior")
        context = None if condition is None else context_tensor(self, condition, num_rows(condition))
        return self.prior_layer.distribution(context)

    def likelihood(self, z: Any, condition: Any = None) -> tfd.Distribution:
        """Returns p(x|z) for codes [B, D], with batch shape [B] and the event shape of the data."""
        z, condition = code_tensors(self, z, condition)
        return self.likelihood_layer.distribution(self.likelihood_params(z, self.context(condition)))

    # Verbs: tensors.

    def encode(self, x: Any, condition: Any = None) -> tf.Tensor:
        """Returns the mean of q(z|x), or a typical code if the mean has no closed form: [B, D].

        Given a `keras.Input`, and one for each property of the condition, it returns a symbolic tensor:
        `keras.Model(inputs, model.encode(inputs))` is a functional Keras model that shares the weights of this model.
        It can be trained with layers on top, saved, and loaded with `keras.saving.load_model`. `decode` and
        `reconstruct` work the same way.

        Args:
            x: anything that `fit` takes: examples [B, *event], or a finite stream of batches, which may hold the
                condition.
            condition: the conditions of the examples, for a conditional model.
        """
        if is_keras_tensor(x):
            return self._functional.encode(x, condition)
        return self._each("encode", self._encoded, x, condition)

    def decode(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Returns the mean of p(x|z), [B, *event], for codes [B, D] or a `keras.Input`, as in `encode`."""
        if is_keras_tensor(z):
            check_built(self, "decode")
            return self._functional.decode(z, condition)
        return self._verbs("decode", self._decoded, *code_tensors(self, z, condition))

    def reconstruct(self, x: Any, condition: Any = None) -> tf.Tensor:
        """Returns `decode(encode(x))`, [B, *event]. Takes the same inputs as `encode`."""
        if is_keras_tensor(x):
            return self.decode(self.encode(x, condition), condition)
        return self._each("reconstruct", self._reconstructed, x, condition)

    def sample(self, num: int = 1, condition: Any = None, *, seed: int = 0, temperature: float = 1.0) -> tf.Tensor:
        """Returns means of p(x|z) for codes drawn from the prior, or from the fitted sampler.

        Args:
            num: number of samples, at most 2**24.
            condition: one value for all samples or one per sample.
            seed: integer in [0, 2**31). The same seed gives the same samples in Keras and in every export; sample i
                does not depend on `num`.
            temperature: a number > 0 that multiplies the noise of the codes and divides the logits of categorical
                codes. Below 1, samples are more typical and less diverse.

        Returns:
            float32 tensor [num, *event].
        """
        codes = self.sample_codes(num, condition, seed=seed, temperature=temperature)
        return self.decode(codes, checked_condition(self, condition, num))

    def sample_codes(
        self, num: int = 1, condition: Any = None, *, seed: int = 0, temperature: float = 1.0
    ) -> tf.Tensor:
        """Returns the codes that `sample` decodes, [num, D]. Arguments are as in `sample`."""
        if self.sampler is None:
            self._check_prior()
        check_built(self, "sample")
        num, seed = check_size("num", num, high=MAX_ROWS), check_seed(seed)
        scalars = tf.constant(seed), tf.constant(check_positive("temperature", temperature), tf.float32)
        condition = condition_tensors(self, condition, num)
        return self._verbs("sample_codes", self._drawn, tf.range(num), condition, *scalars)

    def fit_sampler(
        self, sampler: str | Sampler, x: Any, condition: Any = None, *, seed: int = 0, verbose: bool = True
    ) -> Sampler:
        """Fits a density to the codes of examples; `sample` and every export then draw codes from it.

        Use it for a model without a prior, or if the codes do not match the prior. The codes are draws from q(z|x), one
        per example, as in training of the decoder. Use `"autoregressive"` for codes of a codebook; one-hot vectors and
        points on a sphere have priors but no samplers.

        Args:
            sampler: a name in `keras_ae.latents.samplers.SAMPLERS`, such as `"gaussian_mixture"`, or a `Sampler`.
            x: examples [N, *event], preferably the training examples.
            condition: the conditions of the examples, for a conditional model. `"gaussian_mixture"` and
                `"autoregressive"` fit a density that depends on the condition.
            seed: integer seed of all random draws.
            verbose: whether to show a progress bar.

        Returns:
            The fitted `Sampler`, which is now `model.sampler`. Another fit replaces it.

        Raises:
            TypeError: if `sampler` is not a sampler.
            ValueError: for a model that is not built, codes outside the sampler's space, and too few examples.

        References:
            Ghosh et al. 2020, arXiv:1903.12436, section 4.
        """
        check_built(self, "fit_sampler")
        sampler = samplers.get(sampler)
        check_source(self, "sampler", sampler)
        x, condition = example_tensors(self, x, condition)
        context = self.context(condition)
        params = in_chunks(self.posterior_params, x, context)
        sampler = sampler.unfitted() if sampler.built else sampler
        sampler.fit_to(self.posterior_layer, params, context, seed=seed, verbose=verbose)
        with unlocked(self, self.sampler_layer):
            self.sampler_layer = sampler
            name_part(sampler, "sampler")
        return sampler

    def decode_each(self, z: Any, condition: Any) -> tf.Tensor:
        """Decodes each code under every condition.

        Args:
            z: codes [N, D], from `sample_codes` or `encode`.
            condition: M values of the condition.

        Returns:
            float32 tensor [N, M, *event].
        """
        condition = checked_condition(self, condition, None)
        num = len(tf.nest.flatten(condition)[0])
        z = tf.convert_to_tensor(z, tf.float32)
        rows = tf.nest.map_structure(lambda values: tf.tile(values, [len(z)] + [1] * (values.ndim - 1)), condition)
        return tf.reshape(self.decode(tf.repeat(z, num, axis=0), rows), [len(z), num, *self.event_shape])

    def edit(self, x: Any, condition: Any, to: Any) -> tf.Tensor:
        """Changes the condition of examples: `decode(encode(x, condition), to)`.

        Args:
            x: examples [B, *event].
            condition: their condition.
            to: the new condition, one value for all or one per example; with several properties, only the changed ones.

        Returns:
            float32 tensor [B, *event].
        """
        x, condition, _ = checked_arrays(self, x, condition)
        if isinstance(condition, dict) and isinstance(to, dict):
            to = {**condition, **to}
        return self.decode(self.encode(x, condition), checked_condition(self, to, len(x)))

    def call(self, inputs: Any, condition: Any = None, training: bool = False) -> tf.Tensor:
        if condition is None and isinstance(inputs, (list, tuple)):
            inputs, condition = inputs
        return self.reconstruct(inputs, condition)

    # Methods of `keras.Model`.

    @property
    def input(self) -> keras.KerasTensor | list[keras.KerasTensor]:
        """The inputs of `reconstruct` as symbolic tensors: x, or [x, each property of the condition].

        `keras.Model(model.input, model.output)` is a functional Keras model of `reconstruct`.
        """
        return self._functional.ends[0] if self.built else super().input

    @property
    def output(self) -> keras.KerasTensor:
        """The symbolic tensor that `reconstruct` returns for `input`."""
        return self._functional.ends[1] if self.built else super().output

    @property
    def input_shape(self) -> tuple | list[tuple]:
        """The shape of `input`, or a list of shapes."""
        return keras.tree.map_structure(lambda tensor: tuple(tensor.shape), self.input)

    @property
    def output_shape(self) -> tuple:
        """The shape of `output`: (None, *event)."""
        return tuple(self.output.shape)

    def compute_output_shape(self, input_shape):
        """Returns the shape of x, given this shape or the shapes of (x, condition)."""
        shape = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return tuple(shape)

    def compute_output_spec(self, *args, **kwargs):
        # Trace `call`, as layers do by default, for its errors about inputs and its dtype, which is always float32.
        return super(keras.layers.Layer, self).compute_output_spec(*args, **kwargs)

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Keras' quantization in memory is not supported.

        Raises:
            NotImplementedError: always. `kae.export.litert` writes a verified file with 8-bit weights.
        """
        raise NotImplementedError(
            "A keras_ae model is not quantized in memory: export it in 8 bits with "
            'keras_ae.export.litert(model, "model.tflite", quantize="int8").'
        )

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: list | None = None,
    ) -> np.ndarray:
        """Returns `reconstruct` of all batches, with the arguments and the result of `keras.Model.predict`.

        A conditional model takes a pair, `predict((x, condition))`, or a stream with the batches that `fit` takes.
        """
        if isinstance(x, tf.data.Dataset):
            x = checked_dataset(self, x).map(self._as_inputs)
        elif is_stream(x):
            x = checked_batches(x, functools.partial(checked_arrays, self), form=self._as_inputs)
        else:
            x, condition, _ = checked_arrays(self, x, None)
            x = x if condition is None else (x, condition)
        try:
            return super().predict(x, batch_size, verbose, steps, callbacks)
        except UnboundLocalError as error:  # raised by Keras if a dataset has no batches
            if "batch_outputs" not in str(error):
                raise
            raise ValueError(EMPTY) from error

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: None = None,
        **kwargs: Any,
    ) -> "keras_ae.export.Card":  # noqa: F821 - a name for readers, imported when it is needed
        """Exports the model with `kae.export.saved_model`, `litert` or `onnx`.

        A SavedModel has a signature for each function of the model, and the function `serve` of Keras' exports, which
        reconstructs: `served = tf.saved_model.load(path)`, then `served.serve(x)`, or `served.serve(x, condition)`.

        Args:
            filepath: a folder for `"tf_saved_model"`, or a file that ends in `.tflite` or `.onnx`.
            format: `"tf_saved_model"`, `"litert"` or `"onnx"`.
            verbose: whether to print a line at the end.
            input_signature: must be left out: the signatures follow from the model.
            **kwargs: arguments of the function in `kae.export`, such as `overwrite=True` or `quantize="fp16"`.

        Returns:
            The `Card` of the export.

        Raises:
            ValueError: for another format, and as the function in `kae.export`.
        """
        check_choice("format", format, tuple(_EXPORTS))
        if input_signature is not None:
            raise ValueError(
                "`input_signature` must be left out: an export has a signature for each function of the model. "
                f"Received: input_signature={input_signature!r}"
            )
        card = provided(_EXPORTS[format])(self, filepath, **kwargs)
        if verbose:
            print(f"Saved the {format} to {filepath}.")
        return card

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike,
        x: Any = None,
        condition: Any = None,
        *,
        float16: bool = False,
        license: str | None = None,
    ) -> None:
        """Writes the model as a preset, for `kae.from_preset(preset_dir)`: config, weights, card and reference outputs.

        Args:
            preset_dir: the folder to write; an older preset in it is replaced.
            x: held-out examples, of which the first 64 are stored to verify the likelihood; by default, examples that
                the model decodes.
            condition: the conditions of the examples, for a conditional model.
            float16: whether to store the weights in half the size. They are rounded to about 3 digits.
            license: license of the weights, for the card.

        Raises:
            FileExistsError: if the folder holds anything but a preset.
            ValueError: for a model that is not built, and for examples that do not fit.

        Example:
            >>> import tempfile, keras_ae as kae
            >>> model = kae.models.VAE(latent_dim=2)
            >>> model.build((None, 4, 4, 1))
            >>> folder = tempfile.mkdtemp()
            >>> model.save_to_preset(folder)
            >>> kae.from_preset(folder, verify=True).latent_dim
            2
        """
        provided("save_to_preset")(self, preset_dir, x, condition, float16=float16, license=license)

    def _as_inputs(self, x, condition, weight):
        """Returns a batch as the inputs of `call`, in the form that Keras' `predict` unpacks."""
        return (x,) if condition is None else ((x, condition),)

    def _each(self, name, function, x, condition):
        """Applies the function of a verb to data, batch by batch."""
        if not is_stream(x):
            return self._verbs(name, function, *example_tensors(self, x, condition))
        batches = batches_of(self, x, condition)
        return tf.concat([self._verbs(name, function, *example_tensors(self, *batch)) for batch in batches], axis=0)

    # Functions of tensors for the verbs.

    def _encoded(self, x, condition):
        return self.posterior_layer.mean(self.posterior_params(x, self.context(condition)))

    def _decoded(self, z, condition):
        return self.likelihood_layer.mean(self.likelihood_params(z, self.context(condition)))

    def _reconstructed(self, x, condition):
        return self._decoded(self._encoded(x, condition), condition)

    def _drawn(self, rows, condition, seed, temperature):
        return self.sampler.sample(tf.fill([tf.size(rows)], seed), rows, self.context(condition), temperature)

    def _check_prior(self):
        if self.prior_layer is None:
            space = self.posterior_layer.space
            suited = [name for name in ("gaussian_mixture", "autoregressive") if samplers.get(name).covers(space)]
            fitted = f'a sampler is fitted to its codes: model.fit_sampler("{suited[0]}", x)' if suited else ""
            raise ValueError(
                f"{type(self).__name__} has no prior: it encodes and reconstructs, but cannot generate, unless "
                f"{fitted or f'it is made with a prior over {space}'}."
            )

    # Training.

    def _check_arrays(self, x, condition, sample_weight):
        return checked_arrays(self, x, condition, sample_weight, training=True)

    def _check_dataset(self, dataset):
        return checked_dataset(self, dataset, training=True)

    @property
    def _training_condition(self):
        """The `Condition` that checks the conditions of `fit` and `evaluate`, which may include unknown labels."""
        return self.condition

    @property
    def _adversary(self):
        return self.objective if isinstance(self.objective, AdversarialObjective) else None

    @property
    def _prefers_xla(self):
        # On a CPU, XLA's convolutions are slower than TensorFlow's, and far slower inside a loop.
        return not any(networks.has_convolutions(network) for network in (self.encoder, self.decoder))

    def terms(self, x: tf.Tensor, condition: Any, step_context: StepContext) -> dict[str, tf.Tensor]:
        """Returns the terms of the objective for each example.

        Args:
            x: tensor [B, *event].
            condition: tensors of the condition, as the layer `condition` takes them, or `None`.
            step_context: seed, number, weights and mode of the step.

        Returns:
            Dictionary of float32 tensors [B] in nats, with `"loss"`.
        """
        context = self.context(condition)
        x = tf.cast(x, tf.float32)
        posterior = latents.Inference(
            lambda x: self.posterior_params(x, context, step_context),
            lambda params: self.posterior_layer.distribution(params, step_context),
        )

        def likelihood(z):  # [K, B, D]
            params = self.likelihood_params(z, context, training=step_context.training)
            return self.likelihood_layer.distribution(params)

        prior = None if self.prior_layer is None else self.prior_layer.distribution(context)
        return self.objective.call(x, posterior, prior, likelihood, step_context)

    def _mean_reconstruction(self, x, condition):
        return self._reconstructed(tf.cast(x, tf.float32), condition)

    def context(self, condition: Any) -> tf.Tensor | None:
        """Returns the features [B, F] of tensors of the condition; `None` without a condition."""
        return None if condition is None else self.condition(condition)

    def posterior_params(
        self, x: tf.Tensor, context: tf.Tensor | None = None, step_context: StepContext = INFERENCE
    ) -> tf.Tensor:
        """Returns the parameters of q(z|x), given tensors x [B, *event] and the condition's features [B, F]."""
        training = step_context.training
        features = self.encoder(x if context is None else [x, context], training=training)
        return self.posterior_layer(features, step_context=step_context, training=training)

    def likelihood_params(self, z: tf.Tensor, context: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """Returns the parameters of p(x|z) for codes [..., B, D]: [..., B, *event] or [..., B, *event, P]."""
        leading = tf.shape(z)[:-1]
        if context is not None:
            context = tf.broadcast_to(context, tf.concat([leading, [context.shape[-1]]], axis=0))
            context = tf.reshape(context, [-1, context.shape[-1]])
        z = tf.reshape(z, [-1, self.latent_dim])
        params = self.likelihood_layer(self.decoder(z if context is None else [z, context], training=training))
        return tf.reshape(params, tf.concat([leading, params.shape[1:]], axis=0))

    # Arguments after construction, and the config.

    def __getattr__(self, name):
        place = _place_of(type(self), name)
        if place is not None:
            return getattr(getattr(self, place), name)
        if hasattr(type(self), name):  # a property raised an AttributeError: raise it again
            return super().__getattribute__(name)
        raise AttributeError(f"{type(self).__name__} has no attribute `{name}`.")

    def __setattr__(self, name, value):
        made = vars(self).get("_constructed")
        place = _place_of(type(self), name) if made else None
        if place is not None:
            setattr(getattr(self, place), name, value)
            return
        if made and name in ("posterior_layer", "prior_layer", "likelihood_layer"):
            name = name.removesuffix("_layer")  # the name of the argument, for the error
        super().__setattr__(name, value)

    def assignable(self) -> list[str]:
        """Returns the names of the attributes that may be assigned, of the model and its parts: `"objective.beta"`."""
        names = super().assignable()
        settings = {place: getattr(self, names) for names, place in _SETTINGS.items()}
        for place in (*settings, "likelihood_layer"):
            part = getattr(self, place)
            for name in [] if part is None else part.assignable():
                names.append(name if name in settings.get(place, ()) else f"{place}.{name}")
        return sorted(names)

    def check_together(self):
        self.objective.check_parts(self.posterior_layer, self.prior_layer)

    def get_layer(self, name: str | None = None, index: int | None = None) -> keras.layers.Layer:
        """Returns a layer, as `keras.Model.get_layer`.

        Args:
            name: a part (`"encoder"`, `"posterior"`, `"prior"`, `"decoder"`, `"likelihood"`, `"objective"`,
                `"condition"` or `"sampler"`), or the name of any other layer.
            index: index in `layers`, instead of a name.
        """
        part = getattr(self, _PARTS[name]) if name in _PARTS else None
        return super().get_layer(name, index) if part is None or index is not None else part

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, place)) for name, place in _PARTS.items()}
        config = {**super().get_config(), **parts, "latent_dim": self.latent_dim, "seed": self.seed}
        flags = {**(self._flags or {}), **trainable_flags(self)}
        if flags or not self.trainable:
            config["trainable_layers"] = flags
        config = {name: value for name, value in config.items() if name not in self.fixed}
        for names, place in _SETTINGS.items():
            of_part = getattr(self, place).get_config() if getattr(self, names) else {}
            config |= {name: of_part[name] for name in getattr(self, names)}
        return without_shapes(config)

    @classmethod
    def from_config(cls, config):
        config = {name: keras.saving.deserialize_keras_object(without_shapes(value)) for name, value in config.items()}
        return cls(**config)


# The attributes of the parts: `posterior` and other nouns are methods.
_PARTS = {
    "encoder": "encoder",
    "decoder": "decoder",
    "posterior": "posterior_layer",
    "prior": "prior_layer",
    "likelihood": "likelihood_layer",
    "objective": "objective",
    "condition": "condition",
    "sampler": "sampler_layer",
}

_SETTINGS = {"settings": "objective", "posterior_settings": "posterior_layer", "prior_settings": "prior_layer"}


def _place_of(cls, name):
    """Returns the attribute of the part that has a setting of a published model, or `None`."""
    return next((place for names, place in _SETTINGS.items() if name in getattr(cls, names)), None)


# The formats of `keras.Model.export`, and the functions in `keras_ae.export`.
_EXPORTS = {"tf_saved_model": "saved_model", "litert": "litert", "onnx": "onnx"}
