"""The autoencoder: independent parts as one Keras model. Nouns give distributions, verbs give tensors."""

import contextlib
import os

import keras
import tensorflow as tf

from keras_ae import conditions, input_checks, latents, likelihoods, networks, objectives
from keras_ae.compatibility import check_pairing, check_separate, check_source
from keras_ae.functional import FunctionalVerbs, is_keras_tensor
from keras_ae.input_checks import check_built, code_tensors, context_tensor, example_tensors
from keras_ae.keras_internals import restore_deferred, unlocked
from keras_ae.latents import samplers
from keras_ae.parts import (
    Checkpointed,
    build_once,
    handing_on,
    is_ours,
    name_part,
    set_trainable_flags,
    trainable_flags,
    variables_by_path,
    weights_from,
    without_shapes,
)
from keras_ae.random import check_seed
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.training import Trainer, checked_batches, is_stream
from keras_ae.training.data_adapter import EMPTY, Wanted
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_positive, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class Autoencoder(Checkpointed, Trainer):
    """An autoencoder composed of independent parts, each a short name or an instance.

        x (+ condition) -> encoder -> posterior q(z|x) -> z (+ condition) -> decoder -> likelihood p(x|z)
        loss = objective(q(z|x), p(z), p(x|z)), summed over event dimensions, averaged over examples, in nats

    Nouns (`posterior`, `prior`, `likelihood`) give TFP distributions, verbs (`encode`, `decode`, `reconstruct`,
    `sample`, `edit`) give tensors. Calling the model is `reconstruct`, without noise. Sizes follow the data at the
    first `fit`.

    Args:
        encoder: network from x to features: a name in `keras_ae.networks.ENCODERS`, such as `"mlp"` or `"conv"`, or a
            Keras layer or model of your own, which is called with x [B, *event], or with [x, context [B, F]] where
            there is a condition.
        decoder: network from z [B, D] to features, in the same way.
        latent_dim: dimension of the code, D.
        posterior: a name in `keras_ae.latents.POSTERIORS`, such as `"diagonal_normal"` or `"deterministic"`, or a
            `Posterior`.
        prior: a name in `keras_ae.latents.PRIORS`, such as `"standard_normal"` or `"real_nvp"`, a `Prior`, or `None`
            for a model that cannot generate. Posterior and prior must be over the same codes.
        likelihood: a name in `keras_ae.likelihoods.LIKELIHOODS`, such as `"bernoulli"`, `"normal"` or `"poisson"`, or a
            `Likelihood`.
        objective: a name in `keras_ae.objectives.OBJECTIVES`, such as `"elbo"`, or an `Objective`.
        condition: a `Categorical` or `Continuous` property, a dictionary of several by name, or `None`.
        sampler: what `sample` draws codes from in place of the prior, once `fit_sampler` has fitted it: a name in
            `keras_ae.latents.SAMPLERS`, such as `"gaussian_mixture"`, or a `Sampler`. It is not trained with the model.
        seed: integer; initial weights, noise and order of training are drawn from it: two models of one seed are
            equal. Networks of your own keep their initializers.

    Example:
        >>> import numpy as np
        >>> from keras_ae.networks import MLP
        >>> model = Autoencoder(MLP([8]), MLP([8]), latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)
        >>> model.sample(3, seed=1).shape
        TensorShape([3, 4, 4, 1])
    """

    # The parts that a published model decides itself: they are no arguments of its, and not in its config.
    fixed = ()
    # The arguments of its objective, posterior and prior that a published model takes in their place: they are in its
    # config, and those that may be assigned are so by it.
    settings = ()
    posterior_settings = ()
    prior_settings = ()
    # Whether the model must have a condition.
    needs_condition = False

    def __init__(
        self,
        encoder="mlp",
        decoder="mlp",
        *,
        latent_dim=16,
        posterior="diagonal_normal",
        prior="standard_normal",
        likelihood="bernoulli",
        objective="elbo",
        condition=None,
        sampler=None,
        seed=0,
        **kwargs,
    ):
        flags = kwargs.pop("trainable_layers", None)  # of the config: what is not as the layer around it
        objective, prior_layer = objectives.get(objective), latents.priors.get(prior)
        super().__init__(objective.terms_with(prior_layer), seed=seed, **kwargs)
        self.autocast = False  # examples and conditions are checked as they come; the networks cast what they get
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
        self._functional = FunctionalVerbs(self)

    def build(self, input_shape):
        if isinstance(input_shape[0], (list, tuple)):  # of (x, condition)
            input_shape = input_shape[0]
        self.event_shape = tuple(input_shape[1:])
        if not self.event_shape or None in self.event_shape:
            raise ValueError(f"Examples must have a fixed shape of one axis or more. Received: {self.event_shape}")
        with handing_on(self):
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
        self.posterior_layer(keras.KerasTensor(features))  # Keras then knows the shape that `summary` shows
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
        """A context in which the first weights of a part are drawn from the model's seed."""
        return weights_from(self.seed, name, part)

    def _set_flags(self):
        """Sets the flags `trainable` from the config; the flags of layers that do not exist yet wait."""
        if self._flags is not None:
            missing = set_trainable_flags(self, self._flags)
            self._flags = {path: self._flags[path] for path in missing} or None

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
            raise ValueError(f"`trainable_layers` must name layers of the model. Received: {', '.join(self._flags)}")

    def _build_network(self, argument, shape, event_shape, *, conditional=True):
        """Builds a network and returns the shape of its features. A `conditional` one receives the condition."""
        has_context = conditional and self.condition is not None
        shapes = [shape, (None, self.condition.size)] if has_context else shape
        network = getattr(self, argument)
        with self._weights_of(argument, network) if is_ours(network) else contextlib.nullcontext():
            return networks.build_network(argument, network, shapes, event_shape)

    def _decoder_kernels(self):
        """The trainable weights with two axes or more of the decoder and the likelihood."""
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
    def sampler(self):
        """What `sample` draws codes from: a sampler that was fitted to codes, or else the prior, or `None`."""
        fitted = self.sampler_layer is not None and self.sampler_layer.fitted
        return self.sampler_layer if fitted else self.prior_layer

    def _attach(self, sampler):
        """Puts a fitted sampler into the place of the one that was there."""
        with unlocked(self, self.sampler_layer):
            self.sampler_layer = sampler
            name_part(sampler, "sampler")

    # Nouns: distributions.

    def posterior(self, x, condition=None):
        """q(z|x): a `tfd.Distribution` with batch shape [B] and event shape [D].

        It can be sliced along its batch, `model.posterior(x)[0]`. `mean`, `stddev` and `mode` raise
        `NotImplementedError` without a closed form, as for flows, hierarchical codes and relaxed one-hot vectors;
        `encode` always returns a code.
        """
        x, context = example_tensors(self, x, condition)
        step_context = StepContext(step=self.optimizer.iterations if self.compiled else 0)
        return self.posterior_layer.distribution(self.posterior_params(x, context, step_context), step_context)

    def prior(self, condition=None):
        """p(z): a `tfd.Distribution` with event shape [D].

        Raises:
            ValueError: where the model has no prior.
        """
        self._check_prior()
        check_built(self, "prior")
        return self.prior_layer.distribution(
            None if condition is None else context_tensor(self, condition, input_checks.num_rows(condition))
        )

    def likelihood(self, z, condition=None):
        """p(x|z) for codes [B, D]: a `tfd.Distribution` with batch shape [B] and the event shape of the data."""
        z, context = code_tensors(self, z, condition)
        return self.likelihood_layer.distribution(self.likelihood_params(z, context))

    # Verbs: tensors.

    def encode(self, x, condition=None):
        """Returns the mean of q(z|x), or a typical code if the mean has no closed form: [B, D].

        Given a `keras.Input`, and one for each property of the condition, it returns a symbolic tensor:
        `keras.Model(inputs, model.encode(inputs))` is a functional Keras model that shares the weights of this model
        and can be trained with layers on top, saved, and loaded with `keras.saving.load_model`. `decode` and
        `reconstruct` work the same way.

        Args:
            x: anything that `fit` takes: examples [B, *event], or a stream of batches, which is read once and may hold
                the condition.
            condition: the conditions of the examples, for a conditional model.
        """
        if is_keras_tensor(x):
            return self._functional.encode(x, condition)
        return self._each(lambda *part: self.posterior_layer.mean(self.posterior_params(*part)), x, condition)

    def decode(self, z, condition=None):
        """Returns the mean of p(x|z), [B, *event], for codes [B, D] or a `keras.Input`, as in `encode`."""
        if is_keras_tensor(z):
            check_built(self, "decode")
            return self._functional.decode(z, condition)
        return in_chunks(
            lambda *part: self.likelihood_layer.mean(self.likelihood_params(*part)), *code_tensors(self, z, condition)
        )

    def reconstruct(self, x, condition=None):
        """Returns `decode(encode(x))`, [B, *event]; also for a `keras.Input`, as in `encode`."""
        if is_keras_tensor(x):
            return self.decode(self.encode(x, condition), condition)

        def reconstructed(x, context):
            z = self.posterior_layer.mean(self.posterior_params(x, context))
            return self.likelihood_layer.mean(self.likelihood_params(z, context))

        return self._each(reconstructed, x, condition)

    def sample(self, num=1, condition=None, *, seed=0, temperature=1.0):
        """Returns means of p(x|z) for codes drawn from the prior, or from the fitted sampler.

        Args:
            num: number of samples, at most 2**24.
            condition: one value for all samples or one per sample.
            seed: integer in [0, 2**31). The same seed gives the same samples here and in every export; sample i does
                not depend on `num`.
            temperature: a number > 0 that multiplies the noise of the codes and divides the logits of categorical
                codes. Below 1, samples are more typical and less diverse.

        Returns:
            float32 tensor [num, *event].
        """
        codes = self.sample_codes(num, condition, seed=seed, temperature=temperature)
        return self.decode(codes, self.checked_condition(condition, num))

    def sample_codes(self, num=1, condition=None, *, seed=0, temperature=1.0):
        """Returns the codes that `sample` decodes: [num, D]."""
        if self.sampler is None:
            self._check_prior()
        check_built(self, "sample")
        num, seed = check_size("num", num, high=MAX_ROWS), check_seed(seed)
        temperature = check_positive("temperature", temperature)

        def draw(rows, context):
            return self.sampler.sample(tf.fill([len(rows)], seed), rows, context, temperature)

        return in_chunks(draw, tf.range(num), context_tensor(self, condition, num))

    def fit_sampler(self, sampler, x, condition=None, *, seed=0, verbose=True):
        """Fits a density to the codes of examples, from which `sample` and every export draw codes from then on.

        Use it for a model without a prior, or if the codes do not match the prior. The codes are draws from q(z|x), one
        per example, as in training of the decoder. Use `"autoregressive"` for codes of a codebook; one-hot vectors and
        points on a sphere have priors but no samplers.

        Args:
            sampler: a name in `keras_ae.latents.samplers.SAMPLERS`, such as `"gaussian_mixture"`, or a `Sampler`.
            x: examples [N, *event], preferably the training examples.
            condition: the conditions of the examples, for a conditional model. Only `"autoregressive"` fits a density
                that depends on the condition.
            seed: integer seed of all random draws.
            verbose: whether to show a progress bar.

        Returns:
            The fitted `Sampler`, which is now `model.sampler`. Another fit replaces it.

        Raises:
            TypeError: for a sampler that cannot be fitted.
            ValueError: for a model that is not built, codes that do not suit the sampler, and too few examples.

        References:
            Ghosh et al. 2020, arXiv:1903.12436, section 4.
        """
        check_built(self, "fit_sampler")
        sampler = samplers.get(sampler)
        check_source(self, "sampler", sampler)
        x, context = example_tensors(self, x, condition)
        params = in_chunks(self.posterior_params, x, context)
        sampler = sampler.unfitted() if sampler.built else sampler
        sampler.fit_to(self.posterior_layer, params, context, seed=seed, verbose=verbose)
        self._attach(sampler)
        return sampler

    def decode_each(self, z, condition):
        """Decodes the same codes under every condition.

        Args:
            z: codes [N, D], from `sample_codes` or `encode`.
            condition: M values of the condition.

        Returns:
            float32 tensor [N, M, *event].
        """
        condition = self.checked_condition(condition, None)
        num = len(tf.nest.flatten(condition)[0])
        z = tf.convert_to_tensor(z, tf.float32)
        rows = tf.nest.map_structure(lambda values: tf.tile(values, [len(z)] + [1] * (values.ndim - 1)), condition)
        return tf.reshape(self.decode(tf.repeat(z, num, axis=0), rows), [len(z), num, *self.event_shape])

    def edit(self, x, condition, to):
        """Changes a property of examples: `decode(encode(x, condition), to)`.

        Args:
            x: examples [B, *event].
            condition: their condition.
            to: the new condition, one value for all or one per example; with several properties, only the changed ones.

        Returns:
            float32 tensor [B, *event].
        """
        x, condition, _ = self.prepare(x, condition)
        if isinstance(condition, dict) and isinstance(to, dict):
            to = {**condition, **to}
        return self.decode(self.encode(x, condition), self.checked_condition(to, len(x)))

    def call(self, inputs, condition=None, training=False):
        if condition is None and isinstance(inputs, (list, tuple)):
            inputs, condition = inputs
        return self.reconstruct(inputs, condition)

    # What Keras says of functional models.

    @property
    def input(self):
        """The inputs of `reconstruct` as symbolic tensors: x, or [x, each property of the condition].

        `keras.Model(model.input, model.output)` is the model as a functional one.
        """
        return self._functional.ends[0] if self.built else super().input

    @property
    def output(self):
        """What `reconstruct` gives for `input`, a symbolic tensor."""
        return self._functional.ends[1] if self.built else super().output

    @property
    def input_shape(self):
        """The shape of `input`, or a list of shapes."""
        return keras.tree.map_structure(lambda tensor: tuple(tensor.shape), self.input)

    @property
    def output_shape(self):
        """The shape of `output`: (None, *event)."""
        return tuple(self.output.shape)

    def compute_output_shape(self, input_shape):
        """Returns the shape of x. Takes the shape of x, or a pair: the shapes of x and of the condition."""
        shape = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return tuple(shape)

    def compute_output_spec(self, *args, **kwargs):
        # Traced as by default: that says what is wrong with inputs, and knows the dtype, which is always float32.
        return super(keras.layers.Layer, self).compute_output_spec(*args, **kwargs)

    def quantize(self, *args, **kwargs):
        """Keras' own quantization is not for models of parts; it is refused.

        Raises:
            NotImplementedError: always. `kae.export.litert` writes a file with weights in 8 bits, and verifies it.
        """
        raise NotImplementedError(
            "A keras_ae model is not quantized in memory: export it in 8 bits with "
            'keras_ae.export.litert(model, "model.tflite", quantize="int8").'
        )

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """`reconstruct` in batches, with the arguments and the result of `keras.Model.predict`.

        A conditional model takes a pair, `predict((x, condition))`, and of a dataset or generator the batches that
        `fit` takes. Values are checked as everywhere.
        """
        if isinstance(x, tf.data.Dataset):
            x = self.prepare_stream(x).map(self._as_inputs)
        elif is_stream(x):
            x = checked_batches(x, self.prepare, form=self._as_inputs)
        else:
            x, condition, _ = self.prepare(x, None)
            x = (x, condition) if self.conditional else x
        try:
            return super().predict(x, batch_size, verbose, steps, callbacks)
        except UnboundLocalError as error:  # what Keras has for a dataset that turns out to be empty
            if "batch_outputs" not in str(error):
                raise
            raise ValueError(EMPTY) from error

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: None = None,
        **kwargs,
    ):
        """`kae.export.saved_model`, `litert` or `onnx`, under the name of `keras.Model.export`.

        A SavedModel has all of the functions of the model by name, and `serve`, which reconstructs, as Keras calls it:
        `served = tf.saved_model.load(path)`, then `served.serve(x)`, or with the condition after x.

        Args:
            filepath: where to put it, a folder for `"tf_saved_model"`, else a file that ends in `.tflite` or `.onnx`.
            format: `"tf_saved_model"`, `"litert"` or `"onnx"`.
            verbose: whether a line is printed when it is done.
            input_signature: must be left out: the signatures follow from the model.
            **kwargs: arguments of the function in `kae.export`, such as `overwrite=True` or `quantize="fp16"`.

        Returns:
            The `Card` of the export.

        Raises:
            ValueError: for another format, and whatever the function in `kae.export` refuses.
        """
        check_choice("format", format, tuple(_EXPORTS))
        if input_signature is not None:
            raise ValueError(
                "`input_signature` must be left out: an export has a signature for each function of the model. "
                f"Received: input_signature={input_signature!r}"
            )
        import keras_ae  # `export` imports this file: it is looked up when it is called

        card = getattr(keras_ae.export, _EXPORTS[format])(self, filepath, **kwargs)
        if verbose:
            print(f"Saved the {format} to {filepath}.")
        return card

    def _as_inputs(self, x, condition, weight):
        """A batch as `call` takes it, in the form that Keras' `predict` unpacks."""
        return ((x, condition),) if self.conditional else (x,)

    def _each(self, function, x, condition):
        """A function of (tensor [B, *event], context [B, F] or `None`), applied to data batch by batch."""
        if not is_stream(x):
            return in_chunks(function, *example_tensors(self, x, condition))
        return tf.concat(
            [in_chunks(function, *example_tensors(self, *batch)) for batch in self.batches_of(x, condition)], axis=0
        )

    def _check_prior(self):
        if self.prior_layer is None:
            space = self.posterior_layer.space
            suited = [name for name in ("gaussian_mixture", "autoregressive") if samplers.get(name).covers(space)]
            fitted = f'a sampler is fitted to its codes: model.fit_sampler("{suited[0]}", x)' if suited else ""
            raise ValueError(
                f"{type(self).__name__} has no prior: it encodes and reconstructs, but cannot generate, unless "
                f"{fitted or f'it is made with a prior over {space}'}."
            )

    # What users give, checked.

    def prepare(self, x, condition, sample_weight=None, *, training=False):
        return input_checks.checked_arrays(self, x, condition, sample_weight, training=training)

    def prepare_stream(self, dataset, *, training=False):
        return input_checks.checked_stream(self, dataset, training=training)

    def checked_condition(self, condition, num, *, training=False):
        """The values of a condition for `num` examples, checked; `None` where the model has none.

        `training`: whether the examples are to be trained on or evaluated.

        Raises:
            ValueError: for a condition that is missing, not wanted or wrong.
        """
        return input_checks.checked_condition(self, condition, num, training=training)

    @property
    def wanted(self):
        names = () if self.condition is None else tuple(self.condition.specs())
        return Wanted(self.event_shape, names)

    @property
    def vocabulary(self):
        return getattr(self.condition, "vocabulary", None)

    def learn_names(self, condition):
        if self.condition is not None:
            self.condition.learn_names(condition)

    @property
    def training_condition(self):
        """What checks the conditions that `fit` and `evaluate` are given: a model may learn from unknown ones."""
        return self.condition

    @property
    def conditional(self):
        return self.condition is not None

    @property
    def needs_adapting(self):
        return self.condition is not None and self.condition.needs_adapting

    def count(self, num_examples):
        self.objective.count(num_examples)

    @property
    def schedules_end(self):
        return self.objective.warm_up

    def adapt(self, condition):
        if self.condition is not None:
            self.condition.adapt(condition)

    # The objective, and the parts that it calls.

    def terms(self, x, condition, step_context):
        context = None if self.condition is None else self.condition(condition)
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

    def mean_reconstruction(self, x, condition):
        context = None if self.condition is None else self.condition(condition)
        z = self.posterior_layer.mean(self.posterior_params(tf.cast(x, tf.float32), context))
        return self.likelihood_layer.mean(self.likelihood_params(z, context))

    def posterior_params(self, x, context=None, step_context: StepContext = INFERENCE):
        """The parameters of q(z|x) for tensors x [B, *event] and the features of the condition, context [B, F]."""
        training = step_context.training
        features = self.encoder(x if context is None else [x, context], training=training)
        return self.posterior_layer(features, step_context=step_context, training=training)

    def likelihood_params(self, z, context=None, training=False):
        """The parameters of p(x|z) for codes [..., B, D]: a tensor [..., B, *event] or [..., B, *event, P]."""
        leading = tf.shape(z)[:-1]
        if context is not None:
            context = tf.broadcast_to(context, tf.concat([leading, [context.shape[-1]]], axis=0))
            context = tf.reshape(context, [-1, context.shape[-1]])
        z = tf.reshape(z, [-1, self.latent_dim])
        params = self.likelihood_layer(self.decoder(z if context is None else [z, context], training=training))
        return tf.reshape(params, tf.concat([leading, params.shape[1:]], axis=0))

    @property
    def prefers_xla(self):
        # On a CPU, XLA's convolutions are slower than TensorFlow's, and by far slower inside a loop.
        return not any(networks.has_convolutions(network) for network in (self.encoder, self.decoder))

    @property
    def _adversary(self):
        return self.objective if isinstance(self.objective, objectives.AdversarialObjective) else None

    # Arguments after construction, and the config.

    def __getattr__(self, name):
        place = _place_of(type(self), name)
        if place is not None:
            return getattr(getattr(self, place), name)
        if hasattr(type(self), name):  # a property that raised: again, for its own sentence
            return super().__getattribute__(name)
        raise AttributeError(f"{type(self).__name__} has no attribute `{name}`.")

    def __setattr__(self, name, value):
        made = vars(self).get("_constructed")
        place = _place_of(type(self), name) if made else None
        if place is not None:
            setattr(getattr(self, place), name, value)
            return
        if made and name in ("posterior_layer", "prior_layer", "likelihood_layer"):
            name = name.removesuffix("_layer")  # as which it is refused
        super().__setattr__(name, value)

    def assignable(self):
        names = super().assignable()
        for settings, place in {**_SETTINGS, "": "likelihood_layer"}.items():
            own = getattr(self, settings, ())
            free = [] if getattr(self, place) is None else getattr(self, place).assignable()
            names += [name if name in own else f"{place}.{name}" for name in free]
        return sorted(names)

    def check_together(self):
        self.objective.check_parts(self.posterior_layer, self.prior_layer)

    def get_layer(self, name: str | None = None, index: int | None = None) -> keras.layers.Layer:
        """A layer by its name or its index, as `keras.Model.get_layer`.

        Args:
            name: a part, `"encoder"`, `"posterior"`, `"prior"`, `"decoder"`, `"likelihood"`, `"objective"`,
                `"condition"` or `"sampler"`, whatever the layer itself is called, or the name of a layer.
            index: its place in `layers`, in place of a name.
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


# Where the parts are kept: a noun such as `posterior` is the method that gives the distribution.
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
    """Where the part is whose argument a published model takes by this name, or `None`."""
    return next((place for names, place in _SETTINGS.items() if name in getattr(cls, names)), None)


# The formats of `keras.Model.export`, and the functions in `keras_ae.export` that write them.
_EXPORTS = {"tf_saved_model": "saved_model", "litert": "litert", "onnx": "onnx"}


def in_chunks(function, tensor, context, size=2048):
    """Applies a function of (tensor [B, ...], context [B, F] or `None`) to at most `size` rows at a time."""
    num = tensor.shape[0]
    if num is None or num <= size:
        return function(tensor, context)
    parts = [slice(start, start + size) for start in range(0, num, size)]
    return tf.concat([function(tensor[p], None if context is None else context[p]) for p in parts], axis=0)
