"""`encode` and `decode` of a `keras.Input`: functional Keras models that share the parts of an autoencoder."""

import functools

import keras
import tensorflow as tf

from keras_ae.input_checks import checked_condition, is_keras_tensor
from keras_ae.keras_internals import layers_in
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.parts import build_once
from keras_ae.validation.tensors import guard, require


class FunctionalVerbs:
    """`encode` and `decode` of an autoencoder as functional Keras models, made on first use.

        condition -> Context -> context [B, F]
        encoder: x (, context) -> encoder -> PosteriorMean -> z [B, D]
        decoder: z (, context) -> decoder -> LikelihoodMean -> x [B, *event]

    They contain only the parts that they need: a model built on `encode` is saved without decoder, objective and
    optimizer. In memory, they share the autoencoder's weights. The context is computed outside of both, because Keras
    cannot load a model with two inner models that share a layer.

    Args:
        model: the autoencoder.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self._made = {}

    def encode(self, x: keras.KerasTensor, condition: object = None) -> keras.KerasTensor:
        """Returns the code of x, [B, D], and builds the model for the shape of x if necessary."""
        if not self._model.built:
            self._model.build((None, *x.shape[1:]))
        return self._call("encoder", "x", x, self._model.event_shape, condition)

    def decode(self, z: keras.KerasTensor, condition: object = None) -> keras.KerasTensor:
        """Returns the mean of p(x|z), [B, *event]."""
        return self._call("decoder", "z", z, (self._model.latent_dim,), condition)

    @functools.cached_property
    def ends(self) -> tuple:
        """The inputs of the whole model, x or [x, each property of the condition], and their reconstruction."""
        x, layer = keras.Input(self._model.event_shape), self._model.condition
        if layer is None:
            return x, self._model.reconstruct(x)
        values = {name: keras.Input(shape, dtype=dtype) for name, (dtype, shape) in layer.specs().items()}
        return [x, *values.values()], self._model.reconstruct(x, layer.from_named(values))

    def _call(self, part, argument, tensor, shape, condition):
        if tuple(tensor.shape[1:]) != tuple(shape):
            raise ValueError(
                f"`{argument}` must have shape [B, {', '.join(map(str, shape))}]. Received: {list(tensor.shape)}"
            )
        condition = checked_condition(self._model, condition, None)
        if part not in self._made:
            self._made[part] = self._make(part, shape)
        return self._made[part](tensor if condition is None else [tensor, self._context(condition)])

    def _context(self, condition):
        """Returns the features of a condition, given as a symbolic tensor or a dictionary of them."""
        values = condition.values() if isinstance(condition, dict) else [condition]
        wrong = [type(value).__name__ for value in values if not is_keras_tensor(value)]
        if wrong:
            raise ValueError(f"`condition` must be a keras.Input if the other input is one. Received: {wrong[0]}")
        layer = self._model.condition
        if isinstance(condition, dict) and set(condition) != set(layer.specs()):
            raise ValueError(f"`condition` must have the properties {[*layer.specs()]}. Received: {[*condition]}")
        if "context" not in self._made:
            self._made["context"] = Context(layer)
        return self._made["context"](condition)

    def _make(self, part, shape):
        model = self._model
        inputs = keras.Input(shape, dtype="float32")
        if model.condition is not None:
            inputs = [inputs, keras.Input([model.condition.size], dtype="float32")]
        if part == "encoder":
            support = model.likelihood_layer.support
            examples = Examples(None if support is None else support[:2])
            seen = [examples(inputs[0]), inputs[1]] if isinstance(inputs, list) else examples(inputs)
            features = model.encoder(seen)
            posterior = model.posterior_layer
            prior = model.prior_layer if isinstance(posterior, HierarchicalPosterior) else None
            mean = PosteriorMean(posterior, prior=prior, name=posterior.name)
        else:
            features = model.decoder(inputs)
            mean = LikelihoodMean(model.likelihood_layer, name=model.likelihood_layer.name)
        return PartsModel(inputs, mean(features), name=f"{model.name}_{part}")


@keras.saving.register_keras_serializable(package="keras_ae")
class PartsModel(keras.Model):
    """A functional model of parts, whose config lists all frozen layers.

    Keras lists only the frozen parts themselves, and could not load the optimizer of a model with a partly frozen part.
    """

    def get_config(self):
        return {**super().get_config(), "trainable_layers": [layer.trainable for layer in self._inner()]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        flags = config.pop("trainable_layers")
        model = super().from_config(config, custom_objects)
        for layer, trainable in zip(model._inner(), flags, strict=True):  # outer layers first: they set inner ones
            layer.trainable = trainable
        return model

    def _inner(self):
        return layers_in(self, include_self=False)


@keras.saving.register_keras_serializable(package="keras_ae")
class Examples(keras.layers.Layer):
    """Passes examples through, and fails for values far outside of the training data, such as images in 0 ... 255.

    Augmentation may exceed the bounds, by at most their distance.

    Args:
        bounds: the smallest and the largest value of the data, or `None` for any.
    """

    def __init__(self, bounds=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.bounds = None if bounds is None else tuple(bounds)

    def call(self, x):
        if self.bounds is None:
            return guard(x, "x")
        low, high = self.bounds
        valid = tf.math.is_finite(x) & (x >= low - (high - low)) & (x <= high + (high - low))
        hint = " Divide 8-bit images by 255." if self.bounds == (0.0, 1.0) else ""
        return require(x, valid, f"`x` must be in [{low:g}, {high:g}].{hint}", x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "bounds": self.bounds}


@keras.saving.register_keras_serializable(package="keras_ae")
class Context(keras.layers.Layer):
    """Maps the values of a condition to the features for the networks, as a layer of functional Keras models.

    Args:
        condition: a `Condition`.
    """

    def __init__(self, condition, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.condition = condition

    def build(self, input_shape):
        build_once(self.condition, (None,))

    def call(self, values):
        return self.condition(values)

    def get_config(self):
        return {**super().get_config(), "condition": keras.saving.serialize_keras_object(self.condition)}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})


class _Mean(keras.layers.Layer):
    """Base class of layers that map a network's features to the mean of a distribution."""

    argument = None  # the name of the part

    def __init__(self, part, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the part casts its features itself
        setattr(self, self.argument, part)

    @property
    def part(self):
        return getattr(self, self.argument)

    def build(self, input_shape):
        build_once(self.part, tuple(input_shape))

    def get_config(self):
        return {**super().get_config(), self.argument: keras.saving.serialize_keras_object(self.part)}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})


@keras.saving.register_keras_serializable(package="keras_ae")
class PosteriorMean(_Mean):
    """Maps the features of an encoder to the code of `encode`, as a layer of functional Keras models.

    Args:
        posterior: a `Posterior`.
        prior: the prior, if the posterior shares its networks, else `None`.
    """

    argument = "posterior"

    def __init__(self, posterior, *, prior=None, **kwargs):
        super().__init__(posterior, **kwargs)
        self.prior = prior

    def build(self, input_shape):
        if self.prior is not None:
            self.posterior.bind(self.prior)
            built = self.prior.get_build_config() or {}  # with the condition, as in the model
            build_once(self.prior, built.get("input_shape") or (None, self.posterior.latent_dim))
        super().build(input_shape)

    def call(self, features):
        return self.posterior.code(self.posterior(features))

    def get_config(self):
        return {**super().get_config(), "prior": keras.saving.serialize_keras_object(self.prior)}


@keras.saving.register_keras_serializable(package="keras_ae")
class LikelihoodMean(_Mean):
    """Maps the features of a decoder to the mean of p(x|z), as a layer of functional Keras models.

    Args:
        likelihood: a `Likelihood`.
    """

    argument = "likelihood"

    def __init__(self, likelihood, **kwargs):
        super().__init__(likelihood, **kwargs)

    def call(self, features):
        return self.likelihood.mean(self.likelihood(features))
