"""The composition: how the parts are built, called and trained as one model."""

import inspect

import keras
import tensorflow as tf

from keras_ae import conditions, latents, likelihoods, networks, objectives
from keras_ae.checks import check_array, check_size, check_weights
from keras_ae.guards import guard
from keras_ae.training import Trainer


class Composition(Trainer):
    """Network x posterior x prior x likelihood x objective x condition, built and trained as one Keras model.

    The arguments are those of `Autoencoder`, which adds what a user does with the model.

    Class attributes:
        fixed: the parts that a published model decides itself: they are no arguments of its, and not in its config.
    """

    fixed = ()

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
        **kwargs,
    ):
        objective = objectives.get(objective)
        super().__init__(objective.terms, seed=seed, **kwargs)
        self.latent_dim = check_size("latent_dim", latent_dim)
        self.encoder = networks.get("encoder", encoder)
        self.decoder = networks.get("decoder", decoder)
        self.posterior_layer = latents.get_posterior(posterior)
        self.prior_layer = latents.get_prior(prior)
        self.likelihood_layer = likelihoods.get(likelihood)
        self.objective = objective
        self.condition = conditions.get(condition)
        self.sampler_layer = latents.get_prior(sampler)
        self.event_shape = None
        pointed = isinstance(self.posterior_layer, latents.Deterministic)
        if (objective.needs_prior and prior is None) or (objective.needs_density and pointed):
            needs = [name for name in ("prior", "density") if getattr(objective, f"needs_{name}")]
            needs = " and ".join({"prior": "a prior", "density": "a posterior with a density"}[name] for name in needs)
            raise ValueError(
                f"`objective` {type(objective).__name__} needs {needs}. "
                f"Received: prior={prior!r}, posterior={posterior!r}"
            )
        self._check_codes()

    def build(self, input_shape):
        if isinstance(input_shape[0], (list, tuple)):  # of (x, condition)
            input_shape = input_shape[0]
        self.event_shape = tuple(input_shape[1:])
        if not self.event_shape or None in self.event_shape:
            raise ValueError(f"Examples must have a fixed shape of one axis or more. Received: {self.event_shape}")
        if self.condition is not None:
            self._build_part(self.condition, (None,))
        features = self._build_network("encoder", (None, *self.event_shape), (self.latent_dim,))
        if self.prior_layer is not None:
            self.posterior_layer.bind(self.prior_layer)
        self._build_part(self.posterior_layer, features, (self.latent_dim,))
        if self.prior_layer is not None:
            self._build_prior()
        if self.sampler_layer is not None:
            self._build_part(self.sampler_layer, (self.latent_dim,))
        features = self._build_network("decoder", (None, self.latent_dim), self.event_shape)
        self._build_part(self.likelihood_layer, features, self.event_shape)
        shapes = {"x": (None, *self.event_shape), "code": (None, self.latent_dim)}
        self._build_part(self.objective, *(shapes[name] for name in self.objective.build_needs))

    def get_build_config(self):
        return {"input_shape": (None, *self.event_shape)} if self.built else None

    def build_from_config(self, config):
        self.build(tuple(config["input_shape"]))

    def terms(self, x, condition, *, seed, training, step=0, weight=None):
        context = None if self.condition is None else self.condition(condition)
        x = tf.cast(x, tf.float32)
        posterior = latents.Inference(
            lambda x: self.posterior_params(x, context, training=training),
            lambda params: self.posterior_layer.distribution(params, step),
        )

        def likelihood(z):  # [K, B, D]
            return self.likelihood_layer.distribution(self.likelihood_params(z, context, training=training))

        prior = None if self.prior_layer is None else self.prior_layer.distribution(context)
        told = {"training": training} if self.objective.adversarial else {}
        return self.objective(x, posterior, prior, likelihood, seed=seed, step=step, weight=weight, **told)

    def prepare(self, x, condition, sample_weight=None):
        x = check_array(x, "x", event_shape=self.event_shape, support=self.likelihood_layer.support)
        condition = self.checked_condition(condition, len(x))
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(x))
        if not self.built:
            self.build((None, *x.shape[1:]))
        return x, condition, sample_weight

    def prepare_stream(self, dataset):
        x, condition, weight = (_present(spec) for spec in keras.utils.unpack_x_y_sample_weight(dataset.element_spec))
        self._check_given(condition)
        if condition is not None:
            self.condition.check_spec(condition)
        if not self.built:
            self.build((None, *x.shape[1:]))
        if not x.dtype.is_floating or tuple(x.shape[1:]) != self.event_shape:
            raise ValueError(
                f"`x` must be batches of floats [B, {', '.join(map(str, self.event_shape))}]. "
                f"Received: a dataset of {x.dtype.name} {x.shape}"
            )

        def check(*batch):
            x, values, weights = keras.utils.unpack_x_y_sample_weight(batch if len(batch) > 1 else batch[0])
            x = guard(x, "x", support=self.likelihood_layer.support)
            values = None if condition is None else self.condition.guard(values)
            return x, values, None if weight is None else guard(weights, "sample_weight", support=(0.0, _LARGEST))

        checked = dataset.map(check, num_parallel_calls=2)
        if hasattr(dataset, "epoch"):
            checked.epoch = dataset.epoch
        return checked

    @property
    def prefers_xla(self):
        # On a CPU, XLA's convolutions are slower than TensorFlow's, and by far slower inside a loop.
        layers = (*_with_sublayers(self.encoder), *_with_sublayers(self.decoder))
        return not any(isinstance(layer, _CONVOLUTIONS) for layer in layers)

    @property
    def adversarial(self):
        return self.objective.adversarial

    @property
    def discriminator_variables(self):
        return self.objective.discriminator.trainable_variables if self.objective.adversarial else []

    @property
    def sampler(self):
        """What `sample` draws codes from: a sampler that was fitted to codes, or else the prior, or `None`."""
        return self.prior_layer if self.sampler_layer is None else self.sampler_layer

    @property
    def conditional(self):
        return self.condition is not None

    @property
    def needs_adapting(self):
        return self.condition is not None and self.condition.needs_adapting

    def adapt(self, condition):
        if self.condition is not None:
            self.condition.adapt(condition)

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, place)) for name, place in _PARTS.items()}
        config = {**super().get_config(), **parts, "latent_dim": self.latent_dim, "seed": self.seed}
        return {name: value for name, value in config.items() if name not in self.fixed}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    # The parts, called.

    def posterior_params(self, x, context=None, training=False):
        """The parameters of q(z|x) for tensors x [B, *event] and the features of the condition, context [B, F]."""
        features = self.encoder(x if context is None else [x, context], training=training)
        return self.posterior_layer(features, training=training)

    def likelihood_params(self, z, context=None, training=False):
        """The parameters of p(x|z) for codes [..., B, D]: a tensor [..., B, *event] or [..., B, *event, P]."""
        leading = tf.shape(z)[:-1]
        if context is not None:
            context = tf.broadcast_to(context, tf.concat([leading, [context.shape[-1]]], axis=0))
            context = tf.reshape(context, [-1, context.shape[-1]])
        z = tf.reshape(z, [-1, self.latent_dim])
        params = self.likelihood_layer(self.decoder(z if context is None else [z, context], training=training))
        return tf.reshape(params, tf.concat([leading, params.shape[1:]], axis=0))

    def _build_network(self, argument, shape, event_shape):
        """Builds the encoder or the decoder, and returns the shape of its features."""
        network = getattr(self, argument)
        inputs = keras.KerasTensor(shape)
        if self.condition is not None:
            inputs = [inputs, keras.KerasTensor((None, self.condition.size))]
        try:
            if not network.built:
                shapes = shape if self.condition is None else [shape, inputs[1].shape]
                takes_event = "event_shape" in inspect.signature(type(network).build).parameters
                network.build(shapes, event_shape) if takes_event else network.build(shapes)
            return tuple(network(inputs).shape)
        except (TypeError, ValueError) as error:
            wanted = shape if self.condition is None else f"[{shape}, {inputs[1].shape}]"
            raise ValueError(f"`{argument}` must take inputs of shape {wanted}: {error}") from error

    def _build_prior(self):
        shapes = {"x": (None, *self.event_shape), "context": None}
        if self.condition is not None:
            shapes["context"] = (None, self.condition.size)
        posterior = self.posterior_layer
        self.prior_layer.bind(self.posterior_params, posterior.distribution, posterior.draw)
        self._build_part(self.prior_layer, *(shapes[name] for name in self.prior_layer.build_needs), (self.latent_dim,))

    @staticmethod
    def _build_part(part, *shapes):
        if not part.built:
            part.build(*shapes)
        elif getattr(part, "event_shape", shapes[-1]) != shapes[-1]:
            raise ValueError(
                f"The same {type(part).__name__} must not serve two models of other sizes: give each its own. "
                f"Received: one that was built for {part.event_shape}, wanted for {shapes[-1]}"
            )

    def _check_codes(self):
        """Posterior and prior must be over the same codes, of a dimension that both can have."""
        posterior, prior = self.posterior_layer, self.prior_layer
        posterior.check_latent_dim(self.latent_dim)
        if self.objective.needs_codebook != posterior.has_codebook:
            raise ValueError(
                "`objective` and `posterior` must both be of a codebook, or neither. "
                f"Received: objective={type(self.objective).__name__}, posterior={type(posterior).__name__}"
            )
        if posterior.needs_layers and not (prior is not None and prior.has_layers):
            raise ValueError(
                f"`posterior` {type(posterior).__name__} needs a prior of codes in layers, such as HierarchicalNormal. "
                f"Received: prior={type(prior).__name__}"
            )
        if prior is None:
            return
        prior.check_latent_dim(self.latent_dim)
        names = [type(part).__name__ for part in (posterior, prior)]
        if None not in (posterior.space, prior.space) and posterior.space != prior.space:
            raise ValueError(
                "`prior` must be over the same codes as `posterior`. "
                f"Received: {names[0]} over {posterior.space} and {names[1]} over {prior.space}"
            )
        if prior.needs_draws and not posterior.has_draw:
            raise ValueError(f"`prior` {names[1]} needs a posterior to draw from. Received: posterior={names[0]}")
        if prior.needs_condition and self.condition is None:
            raise ValueError(f"`prior` {names[1]} needs a condition. Received: condition=None")

    # Values from outside, checked.

    def checked_condition(self, condition, num):
        """The values of a condition for `num` examples, checked; `None` where the model has none.

        Raises:
            ValueError: for a condition that is missing, not wanted or wrong.
        """
        self._check_given(condition)
        if condition is None or any(is_symbolic(part) for part in tf.nest.flatten(condition)):
            return condition
        return self.condition.check(condition, num)

    def _check_given(self, condition):
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


_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


def _with_sublayers(layer):
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _with_sublayers(part)


_LARGEST = float(tf.float32.max)

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


def _present(spec):
    """A spec, or `None` for the spec of `None`."""
    return spec if isinstance(spec, dict) or hasattr(spec, "shape") else None


def is_symbolic(value):
    return tf.is_tensor(value) and not hasattr(value, "numpy")
