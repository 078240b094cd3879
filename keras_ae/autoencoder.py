"""The autoencoder, as a user holds it: nouns give distributions, verbs give tensors."""

import os

import keras
import numpy as np
import tensorflow as tf

from keras_ae.compatibility import check_source
from keras_ae.composition import Composition, is_symbolic
from keras_ae.functional import FunctionalVerbs, check_is_no_keras_tensor, is_keras_tensor
from keras_ae.latents import samplers
from keras_ae.random import check_seed
from keras_ae.training import checked_batches, is_stream
from keras_ae.training.data_adapter import EMPTY
from keras_ae.validation.arguments import MAX_ROWS, check_array, check_choice, check_positive, check_size
from keras_ae.validation.tensors import guard


@keras.saving.register_keras_serializable(package="keras_ae")
class Autoencoder(Composition):
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
        super().__init__(
            encoder,
            decoder,
            latent_dim=latent_dim,
            posterior=posterior,
            prior=prior,
            likelihood=likelihood,
            objective=objective,
            condition=condition,
            sampler=sampler,
            seed=seed,
            **kwargs,
        )
        self._functional = FunctionalVerbs(self)

    # Nouns: distributions.

    def posterior(self, x, condition=None):
        """q(z|x): a `tfd.Distribution` with batch shape [B] and event shape [D].

        It can be cut along its batch, `model.posterior(x)[0]`. `mean`, `stddev` and `mode` raise `NotImplementedError`
        where they have no formula, as those of flows, of codes in layers and of relaxed one-hot vectors have none;
        `encode` always gives a code.
        """
        x, context = self._open(x, condition)
        step = self.optimizer.iterations if self.compiled else 0
        return self.posterior_layer.distribution(self.posterior_params(x, context), step)

    def prior(self, condition=None):
        """p(z): a `tfd.Distribution` with event shape [D].

        Raises:
            ValueError: where the model has no prior.
        """
        self._check_prior()
        self._check_built("prior")
        return self.prior_layer.distribution(
            None if condition is None else self._context(condition, self._rows(condition))
        )

    def likelihood(self, z, condition=None):
        """p(x|z) for codes [B, D]: a `tfd.Distribution` with batch shape [B] and the event shape of the data."""
        z, context = self._open_codes(z, condition)
        return self.likelihood_layer.distribution(self.likelihood_params(z, context))

    # Verbs: tensors.

    def encode(self, x, condition=None):
        """The mean of q(z|x), or a code in its middle where that has no formula: [B, D].

        Of a `keras.Input`, with one for each property of the condition, it is a symbolic tensor, and
        `keras.Model(inputs, model.encode(inputs))` a functional Keras model that shares the weights of this one: to be
        trained further with layers on top, saved, and loaded with `keras.saving.load_model`. So are `decode` and
        `reconstruct`.

        Args:
            x: anything that `fit` takes: examples [B, *event], or a stream of batches, which is read once and may hold
                the condition.
            condition: the condition of each example, where the model has one.
        """
        if is_keras_tensor(x):
            return self._functional.encode(x, condition)
        return self._each(lambda *part: self.posterior_layer.mean(self.posterior_params(*part)), x, condition)

    def decode(self, z, condition=None):
        """The mean of p(x|z) for codes [B, D]: [B, *event]; also of a `keras.Input`, as `encode`."""
        if is_keras_tensor(z):
            self._check_built("decode")
            return self._functional.decode(z, condition)
        return in_chunks(
            lambda *part: self.likelihood_layer.mean(self.likelihood_params(*part)), *self._open_codes(z, condition)
        )

    def reconstruct(self, x, condition=None):
        """`decode(encode(x))`: [B, *event]; also of a `keras.Input`, as `encode`."""
        if is_keras_tensor(x):
            return self.decode(self.encode(x, condition), condition)

        def reconstructed(x, context):
            z = self.posterior_layer.mean(self.posterior_params(x, context))
            return self.likelihood_layer.mean(self.likelihood_params(z, context))

        return self._each(reconstructed, x, condition)

    def sample(self, num=1, condition=None, *, seed=0, temperature=1.0):
        """Means of p(x|z) for codes drawn from the prior, or from the sampler that took its place.

        Args:
            num: how many, 2**24 at most.
            condition: one value for all of them or one a sample.
            seed: integer in [0, 2**31). One seed gives one picture, here and in every export; sample i does not
                depend on `num`.
            temperature: a number > 0 that the noise of the codes is multiplied by, and logits of categorical ones are
                divided by. Below 1, samples are more typical and less varied.

        Returns:
            float32 tensor [num, *event].
        """
        codes = self.sample_codes(num, condition, seed=seed, temperature=temperature)
        return self.decode(codes, self.checked_condition(condition, num))

    def sample_codes(self, num=1, condition=None, *, seed=0, temperature=1.0):
        """The codes that `sample` decodes: [num, D]."""
        if self.sampler is None:
            self._check_prior()
        self._check_built("sample")
        num, seed = check_size("num", num, high=MAX_ROWS), check_seed(seed)
        temperature = check_positive("temperature", temperature)

        def draw(rows, context):
            return self.sampler.sample(tf.fill([len(rows)], seed), rows, context, temperature)

        return in_chunks(draw, tf.range(num), self._context(condition, num))

    def fit_sampler(self, sampler, x, condition=None, *, seed=0, verbose=True):
        """Fits a density to the codes of examples; `sample`, and every export, draws codes from it from then on.

        It makes a model generate, also one without a prior, and one whose codes do not follow its prior. The codes are
        draws of q(z|x), one an example, as the decoder was trained on. Codes of a codebook take `"autoregressive"`; for
        one-hot vectors, and for points on a sphere, there are priors and no samplers.

        Args:
            sampler: a name in `keras_ae.latents.samplers.SAMPLERS`, such as `"gaussian_mixture"`, or a `Sampler`.
            x: examples [N, *event], best those that the model was trained on.
            condition: their condition, where the model has one. The density is the same for every condition, but for
                that of `"autoregressive"`.
            seed: integer; all that is drawn here is drawn from it.
            verbose: whether a fit by gradients shows its progress.

        Returns:
            The fitted `Sampler`, which is `model.sampler` now. Another fit puts another in its place.

        Raises:
            TypeError: for a sampler that cannot be fitted.
            ValueError: for a model that was not built, codes that the sampler is not for, and too few examples.

        References:
            Ghosh et al. 2020, arXiv:1903.12436, section 4.
        """
        self._check_built("fit_sampler")
        sampler = samplers.get(sampler)
        check_source(self, "sampler", sampler)
        x, context = self._open(x, condition)
        params = in_chunks(self.posterior_params, x, context)
        sampler = sampler.unfitted() if sampler.built else sampler
        sampler.fit_to(self.posterior_layer, params, context, seed=seed, verbose=verbose)
        self._attach(sampler)
        return sampler

    def decode_each(self, z, condition):
        """The same codes under every condition.

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
        """The same examples with another property: `decode(encode(x, condition), to)`.

        Args:
            x: examples [B, *event].
            condition: their condition.
            to: the condition to give them, one value for all or one an example; of several properties,
                those that change.

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
        """That of x, for the shape of x or a pair with that of the condition."""
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
            x = self.prepare_stream(x).map(self._inputs)
        elif is_stream(x):
            x = checked_batches(x, self.prepare, form=self._inputs)
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
        import keras_ae  # `export` is above this file, which does not need it before it is asked for

        card = getattr(keras_ae.export, _EXPORTS[format])(self, filepath, **kwargs)
        if verbose:
            print(f"Saved the {format} to {filepath}.")
        return card

    # Values from outside, as checked tensors.

    def _inputs(self, x, condition, weight):
        """A batch as `call` takes it, in the form that Keras' `predict` unpacks."""
        return ((x, condition),) if self.conditional else (x,)

    def _open(self, x, condition):
        check_is_no_keras_tensor("x", x)
        if is_symbolic(x):
            self._check_built("encode")
            x = self._checked_x(x)
        else:
            x, condition, _ = self.prepare(x, condition)
        return tf.cast(x, tf.float32), self._context(condition, None)

    def _each(self, function, x, condition):
        """A function of (tensor [B, *event], context [B, F] or `None`), applied to data batch by batch."""
        if not is_stream(x):
            return in_chunks(function, *self._open(x, condition))
        return tf.concat([in_chunks(function, *self._open(*batch)) for batch in self.batches_of(x, condition)], axis=0)

    def _open_codes(self, z, condition):
        self._check_built("decode")
        check_is_no_keras_tensor("z", z)
        if is_symbolic(z):
            if not z.shape.is_compatible_with([None, self.latent_dim]):
                raise ValueError(f"`z` must have shape [N, {self.latent_dim}]. Received: {z.shape}")
            z = guard(tf.cast(z, tf.float32), "z")
        else:
            z = check_array(z, "z", event_shape=(self.latent_dim,))
        return tf.convert_to_tensor(z, tf.float32), self._context(condition, z.shape[0])

    def _rows(self, condition):
        """1 for a single value of the condition, `None` for one a row."""
        first = tf.nest.flatten(condition)[0]
        return 1 if np.ndim(first) == 0 and not isinstance(condition, (list, tuple)) else None

    def _context(self, condition, num):
        for value in tf.nest.flatten(condition):
            check_is_no_keras_tensor("condition", value)
        condition = self.checked_condition(condition, num)
        return None if condition is None else self.condition(tf.nest.map_structure(tf.convert_to_tensor, condition))

    def _check_prior(self):
        if self.prior_layer is None:
            space = self.posterior_layer.space
            suited = [name for name in ("gaussian_mixture", "autoregressive") if samplers.get(name).covers(space)]
            fitted = f'a sampler is fitted to its codes: model.fit_sampler("{suited[0]}", x)' if suited else ""
            raise ValueError(
                f"{type(self).__name__} has no prior: it encodes and reconstructs, but cannot generate, unless "
                f"{fitted or f'it is made with a prior over {space}'}."
            )

    def _check_built(self, verb):
        if not self.built:
            raise ValueError(
                f"This {type(self).__name__} does not know the shape of its data yet: call `fit` before `{verb}`."
            )


# The formats of `keras.Model.export`, and the functions in `keras_ae.export` that write them.
_EXPORTS = {"tf_saved_model": "saved_model", "litert": "litert", "onnx": "onnx"}


def in_chunks(function, tensor, context, size=2048):
    """Applies a function of (tensor [B, ...], context [B, F] or `None`) to at most `size` rows at a time."""
    num = tensor.shape[0]
    if num is None or num <= size:
        return function(tensor, context)
    parts = [slice(start, start + size) for start in range(0, num, size)]
    return tf.concat([function(tensor[p], None if context is None else context[p]) for p in parts], axis=0)
