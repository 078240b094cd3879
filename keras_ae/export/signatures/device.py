"""Signatures of a .tflite file, for a device, as chains of pieces."""

import tensorflow as tf

from keras_ae.export.signatures.signature import Signature, Signatures
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.latents.spaces import Formula

NAMES = ("decode", "generate", "encode", "reconstruct")
INTEGER = ("decode", "encode", "reconstruct")  # those that may take and give int8: the noise of `generate` is float32


class DeviceSignatures(Signatures):
    """Signatures of static shape with builtin operations only; wrong values give NaN, not an error.

    A signature is a chain of pieces: functions of named tensors, each of which is converted for itself. So the weights
    of two signatures are stored once, and only the networks are rounded: the noise of `generate`, and the formulas of
    condition, prior and likelihood, keep to float32.

        decode        context, check_codes, decoder, likelihood
        generate      context, sampler, check_codes, decoder, likelihood
        encode        context, check_examples, encoder, posterior
        reconstruct   context, check_examples, encoder, posterior, decoder, likelihood

    With `integer`, each is a single piece of the same name, so that nothing in it has to be float32; `encode` gives z
    alone. int8 has no NaN: nothing is checked.

    Args:
        model: a built `Autoencoder`.
        batch_size: the number of rows of one call.
        encoder: whether `encode` and `reconstruct` are among them.
        names: the signatures, a sequence of names; `None` for all that the model has, with `encoder` or without.
        integer: whether they are to take and give int8.

    Raises:
        ValueError: for other names, or those that the model does not have.
    """

    def __init__(self, model, batch_size, *, encoder=False, names=None, integer=False):
        super().__init__(model, rows=batch_size)
        self.has_context, self.integer = model.condition is not None, integer
        has = [name for name in NAMES if name != "generate" or model.sampler is not None]
        if names is None:
            names = [name for name in has if encoder or name not in ("encode", "reconstruct")]
            if integer and "generate" in names:
                names.remove("generate")
                self.omitted = {"generate": "Its noise is float32, and all of this file takes and gives int8."}
        else:
            names = _checked(names, has, encoder)
            self.omitted = {name: "`signatures` did not name it." for name in has if name not in names} | self.omitted
        if integer:
            _check_integer(names, model)
            if "encode" in names and Formula.STDDEV in model.posterior_layer.formulas:
                self.omitted["encode.scale"] = "Its formula needs float32, and all of this file takes and gives int8."
        self.names = names
        self.encoder = bool({"encode", "reconstruct"} & set(names))

    @property
    def chains(self):
        """{signature: (names of its pieces, names of its outputs)}, in the order of `NAMES`."""
        chains = self._chains()
        if self.integer:
            chains = {name: ([name], outputs[:1]) for name, (_, outputs) in chains.items()}
        return {name: chains[name] for name in self.names}

    def _chains(self):
        context = ["context"] if self.has_context else []
        seen, picture = [*context, "check_examples", "encoder", "posterior"], ["decoder", "likelihood"]
        scale = ["scale"] if Formula.STDDEV in self.model.posterior_layer.formulas else []
        return {
            "decode": ([*context, "check_codes", *picture], ["x"]),
            "generate": ([*context, "sampler", "check_codes", *picture], ["x"]),
            "encode": (seen, ["z", *scale]),
            "reconstruct": ([*seen, *picture], ["x"]),
        }

    def pieces(self):
        """{name: `Signature`} of the pieces of all chains."""
        if self.integer:
            return {name: Signature(name, *self._whole(name)) for name in self.names}
        z, x = self.batched("z", [self.model.latent_dim]), self.batched("x", self.model.event_shape)
        scalars = [tf.TensorSpec([1], tf.int32, name=name) for name in ("seed", "row")]
        context = [self.batched("context", [self.model.condition.size])] if self.has_context else []
        silence = self.batched("silence", [])
        inputs = {
            "context": (self.context, self.properties),
            "check_codes": (self.check, [z, *context]),
            "check_examples": (self.check, [x, *context]),
            "sampler": (self.sampler, [*scalars, *context]),
            "decoder": (self.decoder, [z, *context]),
            "encoder": (self.encode, [x, *context]),
        }
        needed = {name for names, _ in self.chains.values() for name in names}
        for name, head, network in (
            ("likelihood", self.likelihood, "decoder"),
            ("posterior", self.posterior, "encoder"),
        ):
            if name in needed:
                inputs[name] = (head, [self._params(*inputs[network]), silence])
        return {name: Signature(name, *inputs[name]) for name in inputs if name in needed}

    def _whole(self, name):
        """A signature as one function, and the specs of its inputs."""
        shape = [self.model.latent_dim] if name == "decode" else self.model.event_shape
        given = self.batched("z" if name == "decode" else "x", shape)
        silence = tf.zeros([self.rows])

        def function(values, *condition):
            context = self.context(*condition).values() if self.has_context else ()
            if name != "decode":
                values = self.posterior(**self.encode(values, *context), silence=silence)["z"]
                if name == "encode":
                    return {"z": values}
            return self.likelihood(**self.decoder(values, *context), silence=silence)

        return function, [given, *self.properties]

    # The pieces. Each gives tensors by the names that the next ones know them by.

    def context(self, *condition):
        return {"context": self.model.condition(self.values(condition))}

    def check(self, values, *context):
        """0 for a row of numbers; NaN for one with NaN or infinity in it, or of an unknown label.

        An int8 kernel turns NaN into numbers: the outputs have to say it again. t - t is 0 for a number, NaN for NaN
        and infinity, and costs nothing; comparing and selecting took 4 of 11 us.
        """
        inputs = tf.concat([tf.reshape(values, [self.rows, -1]), *context], axis=-1)
        return {"silence": tf.reduce_sum(inputs - inputs, axis=-1)}  # [B]

    def sampler(self, seed, row, *context):
        rows = row + tf.range(self.rows)
        return {"z": self.model.sampler.sample(tf.broadcast_to(seed, [self.rows]), rows, *context)}

    def decoder(self, z, *context):
        return {"params": self.model.likelihood_params(z, *context)}

    def likelihood(self, params, silence):
        return {"x": self._silenced(self.model.likelihood_layer.mean(params), silence)}

    def encode(self, x, *context):
        return {"params": self.model.posterior_params(x, *context)}

    def posterior(self, params, silence):
        posterior = self.model.posterior_layer
        outputs = {"z": posterior.mean(params)}
        if Formula.STDDEV in posterior.formulas:
            outputs["scale"] = posterior.exact(params).stddev()
        return {name: self._silenced(value, silence) for name, value in outputs.items()}

    def _silenced(self, values, silence):
        return values + tf.reshape(silence, [self.rows] + [1] * (len(values.shape) - 1))

    def _params(self, network, inputs):
        """The spec of what a network gives, found by calling it."""
        params = network(*(tf.zeros(spec.shape, spec.dtype) for spec in inputs))["params"]
        return self.batched("params", params.shape[1:])


def _check_integer(names, model):
    if "generate" in names:
        raise ValueError(
            f"`signatures` must be of {INTEGER} with inference_io='int8': noise is float32. Received: {names!r}"
        )
    if isinstance(model.posterior_layer, VectorQuantizer) and names != ["decode"]:
        raise ValueError(
            "`signatures` must be 'decode' with inference_io='int8' for a model with a codebook: in 8 bits, other "
            f"entries are the nearest. Received: {names!r}"
        )


def _checked(names, has, encoder):
    """The names that a user gave, in the order of `NAMES`."""
    if encoder:
        raise ValueError(
            "`encoder` must be left out where `signatures` says what is in the file. Received: encoder=True, "
            f"signatures={names!r}"
        )
    given = [names] if isinstance(names, str) else list(names) if isinstance(names, (list, tuple, set)) else []
    if not given or not all(name in NAMES for name in given):
        raise ValueError(f"`signatures` must be one or several of {NAMES}. Received: {names!r}")
    if "generate" in given and "generate" not in has:
        raise ValueError(
            f"`signatures` must be of {tuple(has)}: the model has no prior to draw from. Received: {names!r}"
        )
    return [name for name in NAMES if name in given]
