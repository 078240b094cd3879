"""The composition: how the parts are built, called and trained as one model."""

import contextlib

import keras
import tensorflow as tf

from keras_ae import conditions, latents, likelihoods, networks, objectives
from keras_ae.compatibility import check_pairing, check_separate
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
from keras_ae.step_context import StepContext
from keras_ae.training import Trainer
from keras_ae.training.data_adapter import Wanted, is_stream, joined, opened, parts_of
from keras_ae.training.train_function import as_autoencoder
from keras_ae.validation.arguments import check_array, check_size, check_weights
from keras_ae.validation.tensors import guard


@as_autoencoder
class Composition(Checkpointed, Trainer):
    """Network x posterior x prior x likelihood x objective x condition, built and trained as one Keras model.

    The arguments are those of `Autoencoder`, which adds what a user does with the model.

    Class attributes:
        fixed: the parts that a published model decides itself: they are no arguments of its, and not in its config.
        settings, posterior_settings, prior_settings: the arguments of its objective, posterior and prior that a
            published model takes in their place: they are in its config, and those that may be assigned are so by it.
        needs_condition: whether the model must have a condition.
    """

    fixed = ()
    settings = ()
    posterior_settings = ()
    prior_settings = ()
    needs_condition = False

    def __init__(
        self,
        encoder,
        decoder,
        *,
        latent_dim,
        posterior,
        prior,
        likelihood,
        objective,
        condition,
        seed,
        sampler=None,
        trainable_layers=None,
        **kwargs,
    ):
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
        self._flags = trainable_layers  # of the config: what is not as the layer around it
        check_separate(encoder=self.encoder, decoder=self.decoder)
        check_pairing(self, given={"prior": prior, "posterior": posterior})
        for name, place in _PARTS.items():
            name_part(getattr(self, place), name)
        self._set_flags()

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

    def build(self, input_shape):
        if isinstance(input_shape[0], (list, tuple)):  # of (x, condition)
            input_shape = input_shape[0]
        self.event_shape = tuple(input_shape[1:])
        if not self.event_shape or None in self.event_shape:
            raise ValueError(f"Examples must have a fixed shape of one axis or more. Received: {self.event_shape}")
        with handing_on(self):
            self._build_parts()
        self._set_flags()
        for name, variable in variables_by_path(self).items():  # a checkpoint that was restored before it was built
            self._handle_deferred_dependencies(name, variable)

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
        """Sets the flags `trainable` that the config tells of; those of layers that are still to be made stay there."""
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

    def terms(self, x, condition, *, seed, training, step=0, weight=None, copies=1):
        context = None if self.condition is None else self.condition(condition)
        x = tf.cast(x, tf.float32)
        posterior = latents.Inference(
            lambda x: self.posterior_params(x, context, weight, training=training),
            lambda params: self.posterior_layer.distribution(params, step),
        )

        def likelihood(z):  # [K, B, D]
            return self.likelihood_layer.distribution(self.likelihood_params(z, context, training=training))

        prior = None if self.prior_layer is None else self.prior_layer.distribution(context)
        told = {"training": training} if self.objective.adversarial else {}
        told |= {"copies": copies} if self.objective.compares_examples else {}
        return self.objective(x, posterior, prior, likelihood, seed=seed, step=step, weight=weight, **told)

    def mean_reconstruction(self, x, condition):
        context = None if self.condition is None else self.condition(condition)
        z = self.posterior_layer.mean(self.posterior_params(tf.cast(x, tf.float32), context))
        return self.likelihood_layer.mean(self.likelihood_params(z, context))

    def prepare(self, x, condition, sample_weight=None, *, training=False):
        if is_stream(x):
            return *joined(self.batches_of(x, condition)), None
        x, condition, sample_weight = parts_of(x, condition, sample_weight, self.wanted)
        x = self._checked_x(x)
        condition = self.checked_condition(condition, len(x), training=training)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(x))
        if not self.built:
            self.build((None, *x.shape[1:]))
        return x, condition, sample_weight

    def prepare_stream(self, dataset, *, training=False):
        dataset = opened(dataset, self.wanted, None if self.likelihood_layer.support is None else self._checked_x)
        x, condition, weight = map(_present, dataset.element_spec)
        door = self._door(condition, training)
        if condition is not None:
            door.check_spec(condition)
        if not self.built:
            self.build((None, *x.shape[1:]))

        def check(x, values, weights):
            values = None if condition is None else door.guard(values)
            weights = None if weight is None else guard(weights, "sample_weight", support=(0.0, _LARGEST))
            return self._checked_x(x), values, weights

        checked = dataset.map(check, num_parallel_calls=2)
        if hasattr(dataset, "epoch"):
            checked.epoch = dataset.epoch
        return checked

    def _checked_x(self, x):
        """Examples as a float32 array, or as a tensor that is checked when it runs where they are one of a graph."""
        support = self.likelihood_layer.support
        if not is_symbolic(x):
            return check_array(x, "x", event_shape=self.event_shape, support=support, advice=_OTHER_DATA)
        if self.event_shape is not None and not x.shape[1:].is_compatible_with(self.event_shape):
            single = x.shape.rank == len(self.event_shape)
            raise ValueError(
                f"`x` must have shape [N, {', '.join(map(str, self.event_shape))}]"
                f"{': call .batch(128) on a dataset of single examples' if single else ''}. Received: {x.shape}"
            )
        return guard(tf.cast(x, tf.float32), "x", support=support, advice=_OTHER_DATA)

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
    def prefers_xla(self):
        # On a CPU, XLA's convolutions are slower than TensorFlow's, and by far slower inside a loop.
        return not any(networks.has_convolutions(network) for network in (self.encoder, self.decoder))

    adversarial = property(lambda self: self.objective.adversarial)
    discriminator_pace = property(lambda self: self.objective.discriminator_pace)

    @property
    def discriminator_variables(self):
        return self.objective.discriminator.variables if self.objective.adversarial else []

    @property
    def sampler(self):
        """What `sample` draws codes from: a sampler that was fitted to codes, or else the prior, or `None`."""
        fitted = self.sampler_layer is not None and self.sampler_layer.fitted
        return self.sampler_layer if fitted else self.prior_layer

    def _attach(self, sampler):
        """Puts a fitted sampler into the place of the one that was there."""
        self._tracker.unlock()  # Keras locks what is built: it gets no other layers by an assignment alone
        try:
            self._tracker.untrack(self.sampler_layer)
            self.sampler_layer = sampler
            name_part(sampler, "sampler")
        finally:
            self._tracker.lock()

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

    def get_layer(self, name: str | None = None, index: int | None = None) -> keras.layers.Layer:
        """A layer by its name or its index, as `keras.Model.get_layer`.

        Args:
            name: that of a part, `"encoder"`, `"posterior"`, `"prior"`, `"decoder"`, `"likelihood"`, `"objective"`,
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

    # The parts, called.

    def posterior_params(self, x, context=None, weight=None, training=False):
        """The parameters of q(z|x) for tensors x [B, *event] and the features of the condition, context [B, F].

        `weight` [B]: how much each example counts where the posterior itself learns from a batch, as a codebook does.
        """
        features = self.encoder(x if context is None else [x, context], training=training)
        step_context = StepContext(seed=None, weight=weight, training=training)
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

    def _build_network(self, argument, shape, event_shape, *, told=True):
        """Builds a network, and returns the shape of its features. `told`: whether it is told the condition."""
        has_context = told and self.condition is not None
        shapes = [shape, (None, self.condition.size)] if has_context else shape
        network = getattr(self, argument)
        with self._weights_of(argument, network) if is_ours(network) else contextlib.nullcontext():
            return networks.build_network(argument, network, shapes, event_shape)

    def _decoder_kernels(self):
        """The trainable weights of the decoder with two axes or more, and those of the likelihood."""
        weights = [*self.decoder.trainable_variables, *self.likelihood_layer.trainable_variables]
        return [tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in weights if len(weight.shape) > 1]

    def _build_prior(self):
        posterior, prior, codes = self.posterior_layer, self.prior_layer, (None, self.latent_dim)
        encoder = latents.SharedEncoder(self.posterior_params, posterior.distribution, posterior.draw, self.event_shape)
        prior.bind_encoder(encoder)
        if isinstance(posterior, latents.VectorQuantizer):
            prior.bind_codebooks(posterior.get_codebooks)
        build_once(prior, codes if self.condition is None else [codes, (None, self.condition.size)])

    # Values from outside, checked.

    def checked_condition(self, condition, num, *, training=False):
        """The values of a condition for `num` examples, checked; `None` where the model has none.

        `training`: whether the examples are to be trained on or evaluated.

        Raises:
            ValueError: for a condition that is missing, not wanted or wrong.
        """
        door = self._door(condition, training)
        if condition is None:
            return None
        values = tf.nest.flatten(condition)
        if any(isinstance(value, keras.KerasTensor) for value in values):
            return condition
        if any(map(is_symbolic, values)):
            condition = tf.nest.map_structure(tf.convert_to_tensor, condition)
            door.check_spec(tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), condition))
            return door.guard(condition)
        return door.check(condition, num)

    def _door(self, condition, training):
        """What checks the values of a condition, or the spec of them; they must be there where the model has one."""
        name = type(self).__name__
        if self.condition is None and condition is not None:
            raise ValueError(
                f"This {name} has no condition, but a condition (`y`) was given. Leave it out (`fit(x)`), or make the "
                "model conditional: condition=keras_ae.Categorical(10)."
            )
        if self.condition is not None and condition is None:
            raise ValueError(
                f"This {name} needs the condition of each example: {self.condition.specs()}. Received: None"
            )
        return self.training_condition if training else self.condition


_LARGEST = float(tf.float32.max)
_OTHER_DATA = 'Other data, such as tables, take likelihood="normal" and are scaled to mean 0 and variance 1.'

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


def _present(spec):
    """A spec, or `None` for the spec of `None`."""
    return spec if isinstance(spec, dict) or hasattr(spec, "shape") else None


def is_symbolic(value):
    """Whether a value is a tensor of a graph that is being made, of TensorFlow or of Keras."""
    return isinstance(value, keras.KerasTensor) or (isinstance(value, tf.Tensor) and not hasattr(value, "numpy"))
