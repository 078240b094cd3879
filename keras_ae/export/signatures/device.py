"""Signatures of a .tflite file, for a device, as chains of pieces."""

from collections.abc import Sequence

import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.signatures.signature import Signature, Signatures
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.latents.spaces import Formula

NAMES = ("decode", "generate", "encode", "reconstruct", "score")
_REASONS = {"generate": "the model has no prior to sample from", "score": "export a fitted detector for `score`"}
INTEGER = ("decode", "encode", "reconstruct")  # for int8 inputs and outputs: the noise of `generate` is float32


class DeviceSignatures(Signatures):
    """Signatures with static shapes and builtin operations; invalid values give NaN, not an error.

    A signature is a chain of pieces, which are functions of named tensors that are converted separately. So signatures
    share their weights, and only networks are quantized: the noise of `generate`, and the formulas of condition, prior
    and likelihood, stay float32.

        decode        context, check_codes, decoder, likelihood
        generate      context, sampler, check_codes, decoder, likelihood
        encode        context, check_examples, encoder, posterior
        reconstruct   context, check_examples, encoder, posterior, decoder, likelihood
        score         context, check_examples, score: with a detector

    With `integer`, a signature is a single piece of the same name, so that everything in it can be int8. `encode`
    returns only z, and nothing is checked, because int8 has no NaN.

    Args:
        model: a built model.
        batch_size: number of rows per call.
        encoder: whether to include `encode` and `reconstruct`.
        names: the signatures; `None` for all signatures of the model, with or without `encoder`.
        integer: whether inputs and outputs are int8.
        detector: the detector that `score` computes, or `None`.

    Raises:
        ValueError: for unknown names, or signatures that the model does not have.
    """

    def __init__(
        self,
        model: Autoencoder,
        batch_size: int,
        *,
        encoder: bool = False,
        names: str | Sequence[str] | None = None,
        integer: bool = False,
        detector: DetectorSignature | None = None,
    ):
        super().__init__(model, rows=batch_size)
        self.has_context, self.integer, self.detector = model.condition is not None, integer, detector
        missing = {"generate": model.sampler is None, "score": detector is None}
        has = [name for name in NAMES if not missing.get(name)]
        if names is None:
            names = [name for name in has if encoder or name not in ("encode", "reconstruct")]
            if integer and "generate" in names:
                names.remove("generate")
                self.omitted = {"generate": "Its noise is float32, but inputs and outputs of this file are int8."}
        else:
            names = _checked(names, has, encoder)
            self.omitted = {name: "`signatures` omits it." for name in has if name not in names} | self.omitted
        if integer:
            _check_integer(names, model)
            if "encode" in names and Formula.STDDEV in model.posterior_layer.formulas:
                self.omitted["encode.scale"] = "Its formula needs float32, but the outputs of this file are int8."
        self.names = names
        self.encoder = bool({"encode", "reconstruct"} & set(names))

    @property
    def chains(self) -> dict[str, tuple[list[str], list[str]]]:
        """The pieces and the outputs of each signature: {signature: (names of pieces, names of outputs)}."""
        chains = self._chains()
        if self.integer:
            chains = {name: ([name], outputs[:1]) for name, (_, outputs) in chains.items()}
        return {name: chains[name] for name in self.names}

    def _chains(self):
        context = ["context"] if self.has_context else []
        encode, decode = [*context, "check_examples", "encoder", "posterior"], ["decoder", "likelihood"]
        scale = ["scale"] if Formula.STDDEV in self.model.posterior_layer.formulas else []
        return {
            "decode": ([*context, "check_codes", *decode], ["x"]),
            "generate": ([*context, "sampler", "check_codes", *decode], ["x"]),
            "encode": (encode, ["z", *scale]),
            "reconstruct": ([*encode, *decode], ["x"]),
            "score": ([*context, "check_examples", "score"], ["score", "p_value", "outlier"]),
        }

    def pieces(self) -> dict[str, Signature]:
        """Returns the pieces of all chains by name."""
        if self.integer:
            return {name: Signature(name, *self._whole(name)) for name in self.names}
        z, x = self.batched("z", [self.model.latent_dim]), self.batched("x", self.model.event_shape)
        scalars = [tf.TensorSpec([1], tf.int32, name=name) for name in ("seed", "row")]
        context = [self.batched("context", [self.model.condition.size])] if self.has_context else []
        zero_or_nan = self.batched("zero_or_nan", [])
        inputs = {
            "context": (self.context, self.properties),
            "check_codes": (self.check, [z, *context]),
            "check_examples": (self.check, [x, *context]),
            "sampler": (self.sampler, [*scalars, *context]),
            "decoder": (self.decoder, [z, *context]),
            "encoder": (self.encode, [x, *context]),
            "score": (self.score, [x, zero_or_nan, *context]),
        }
        needed = {name for names, _ in self.chains.values() for name in names}
        for name, head, network in (
            ("likelihood", self.likelihood, "decoder"),
            ("posterior", self.posterior, "encoder"),
        ):
            if name in needed:
                inputs[name] = (head, [self._params(*inputs[network]), zero_or_nan])
        return {name: Signature(name, *inputs[name]) for name in inputs if name in needed}

    def _whole(self, name):
        """Returns a signature as one function, and the specs of its inputs."""
        shape = [self.model.latent_dim] if name == "decode" else self.model.event_shape
        given = self.batched("z" if name == "decode" else "x", shape)
        zero_or_nan = tf.zeros([self.rows])

        def function(values, *condition):
            context = self.context(*condition).values() if self.has_context else ()
            if name != "decode":
                values = self.posterior(**self.encode(values, *context), zero_or_nan=zero_or_nan)["z"]
                if name == "encode":
                    return {"z": values}
            return self.likelihood(**self.decoder(values, *context), zero_or_nan=zero_or_nan)

        return function, [given, *self.properties]

    # The pieces. The outputs of each are inputs of the next ones, by name.

    def context(self, *condition):
        return {"context": self.model.condition(self.values(condition))}

    def check(self, values, *context):
        """Returns 0 per row, or NaN for a row with NaN, infinity or an unknown label; it is added to the outputs.

        An int8 kernel turns NaN into numbers. t - t is 0 for a number, NaN for NaN and infinity, and takes no
        measurable time; comparing and selecting took 4 of 11 us.
        """
        inputs = tf.concat([tf.reshape(values, [self.rows, -1]), *context], axis=-1)
        return {"zero_or_nan": tf.reduce_sum(inputs - inputs, axis=-1)}  # [B]

    def sampler(self, seed, row, *context):
        rows = row + tf.range(self.rows)
        return {"z": self.model.sampler.sample(tf.broadcast_to(seed, [self.rows]), rows, *context)}

    def decoder(self, z, *context):
        return {"params": self.model.likelihood_params(z, *context)}

    def likelihood(self, params, zero_or_nan):
        return {"x": self._with_nan(self.model.likelihood_layer.mean(params), zero_or_nan)}

    def encode(self, x, *context):
        return {"params": self.model.posterior_params(x, *context)}

    def posterior(self, params, zero_or_nan):
        posterior = self.model.posterior_layer
        outputs = {"z": posterior.mean(params)}
        if Formula.STDDEV in posterior.formulas:
            outputs["scale"] = posterior.exact(params).stddev()
        return {name: self._with_nan(value, zero_or_nan) for name, value in outputs.items()}

    def score(self, x, zero_or_nan, *context):
        return self.detector(x, *context, zero_or_nan=zero_or_nan)

    def _with_nan(self, values, zero_or_nan):
        return values + tf.reshape(zero_or_nan, [self.rows] + [1] * (len(values.shape) - 1))

    def _params(self, network, inputs):
        """Returns the spec of the output of a network, by calling it."""
        params = network(*(tf.zeros(spec.shape, spec.dtype) for spec in inputs))["params"]
        return self.batched("params", params.shape[1:])


def _check_integer(names, model):
    if "generate" in names:
        raise ValueError(
            f"`signatures` must be some of {INTEGER} with inference_io='int8': noise is float32. Received: {names!r}"
        )
    if isinstance(model.posterior_layer, VectorQuantizer) and names != ["decode"]:
        raise ValueError(
            "`signatures` must be 'decode' with inference_io='int8' for a model with a codebook, whose nearest entries "
            f"differ in 8 bits. Received: {names!r}"
        )


def _checked(names, has, encoder):
    """Validates the names of signatures, and returns them in the order of `NAMES`."""
    if encoder:
        raise ValueError(f"`encoder` must be omitted with `signatures`. Received: encoder=True, signatures={names!r}")
    given = [names] if isinstance(names, str) else list(names) if isinstance(names, (list, tuple, set)) else []
    if not given or not all(name in NAMES for name in given):
        raise ValueError(f"`signatures` must be some of {NAMES}. Received: {names!r}")
    for name, reason in _REASONS.items():
        if name in given and name not in has:
            raise ValueError(f"`signatures` must be some of {tuple(has)}: {reason}. Received: {names!r}")
    return [name for name in NAMES if name in given]
