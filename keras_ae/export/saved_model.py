import dataclasses
import math
import os
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.evaluate.score import reference_quantiles
from keras_ae.export.card.artifact_files import size
from keras_ae.export.card.card import Card, check_details, make_card, seal, versions, weight_bytes
from keras_ae.export.signatures.detector import model_and_detector
from keras_ae.export.signatures.server import ServerSignatures, most_rows
from keras_ae.export.signatures.signature import check_model, write
from keras_ae.export.signatures.warm_up import write_warm_up
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.verification.probes import server_probes
from keras_ae.export.verification.serving_version import OLDEST, check_serving_version
from keras_ae.io.paths import check_path
from keras_ae.io.writing import publish_folder, publish_version, recover, staging
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_size

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector

_OVERHEAD = 100_000  # bytes for the names of the variables: 2,000 to 6,000 in the models of the zoo


def saved_model(
    model: "Autoencoder | OutlierDetector",
    directory: str | os.PathLike,
    *,
    version: str | None = None,
    reference: Any = None,
    png: bool = False,
    max_num: int | None = None,
    overwrite: bool = False,
    details: dict[str, dict[str, Any]] | None = None,
    license: str | None = None,
) -> Card:
    """Exports a model as a SavedModel, for TensorFlow Serving and every language with a TensorFlow library.

        decode(z[, condition]) -> x                              the mean of p(x|z)
        sample(seed[, condition]) -> x                           row i: `model.sample(1, condition_i, seed=seed_i)`
        generate(seed, num, temperature[, condition]) -> x       `model.sample(num, condition, seed=seed, ...)`
        encode(x[, condition]) -> z, scale                       mean and standard deviation of q(z|x)
        reconstruct(x[, condition]) -> x                         decode(encode(x))
        score(x[, condition]) -> elbo, kl, reconstruction, ...     `evaluate.score(model, x, condition, reference=...)`

    With a fitted `OutlierDetector` in place of a model, `score` is the detector's, with x as in `fit`:

        score(x[, condition]) -> score, p_value, outlier     minus `score_samples`; `p_values`; 1 where `predict` is -1

    The batch size is dynamic. A condition with several properties has one input for each, under its name. As in exports
    of Keras, `tf.saved_model.load(directory).serve(x[, condition])` is a call of the model: it is `reconstruct`.

    The graph rejects invalid values with INVALID_ARGUMENT and a message. Before the export is published, two loaders
    verify in a separate process that it reproduces the model's outputs. The card is in its `assets.extra`: `card.json`,
    and `card.md` for people.

    Args:
        model: a built keras_ae model, or a fitted `OutlierDetector`. `fit` and `load` build models.
        directory: the folder to write, such as `"exports/models/cvae/1"`. Missing parents are created.
        version: `"next"` to write a new numbered folder in `directory`, such as `"exports/models/cvae"`. Concurrent
            exports get different numbers.
        reference: examples for the `outlier_score` of `score`, preferably held-out ones: x, or a pair (x, condition).
            The export stores at most 1,000 quantiles of their ELBO.
        png: whether signatures also return PNG files, in the output `png_bytes`, for gray or RGB images in [0, 1]. REST
            encodes them in base64.
        max_num: maximum `num` of `generate` and maximum number of rows of a batch, which bounds the memory of a server.
            `None` for 4096, or fewer if the examples would take more than 256 MiB.
        overwrite: whether to replace an existing SavedModel. It stays until the new one is verified, and is missing for
            a moment while they are exchanged: if a server reads the directory, use `version="next"`.
        details: data, training and metrics for the card: see `keras_ae.run.Run.details`.
        license: license of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is neither a keras_ae model nor a detector.
        ValueError: for an invalid argument, a model that is not built or gives NaN, a property with the name of another
            input, or `png` for data that are not images.
        FileExistsError: if the directory exists, unless it is a SavedModel and `overwrite` is true.
        OSError: if the files cannot be written, for example on a full disk. Nothing is changed then.
        RuntimeError: if the export does not reproduce the model's outputs. Nothing is changed then.
    """
    version, fields = check_choice("version", version, ("next", None)), check_details(details, license)
    directory = check_path("directory", directory)
    model, detector = model_and_detector(model)
    check_model(model)
    if detector is not None and reference is not None:
        raise ValueError("`reference` must be omitted for a detector, which is calibrated. Received: a reference")
    max_num = most_rows(model) if max_num is None else check_size("max_num", max_num, high=MAX_ROWS)
    if version is None:
        _check_free(directory, overwrite=overwrite)
    else:
        _check_holds_versions(directory)
    quantiles = None if reference is None else reference_quantiles(model, reference)
    signatures = ServerSignatures(model, max_num, png=png, quantiles=quantiles, detector=detector)
    probes = server_probes(model, most_rows=max_num, png=png, quantiles=quantiles, detector=detector)
    with staging(directory / "next" if version else directory) as stage:
        artifact = stage / "saved_model"
        write(artifact, signatures.all())
        _check_stored_once(artifact, model)
        check_serving_version(artifact)
        write_warm_up(artifact, probes)
        report = compare("saved_model", artifact, probes, stage)
        card = make_card(
            model,
            directory,
            report,
            format="saved_model",
            quantize="none",
            omitted=signatures.omitted,
            bytes={"total": size(artifact), "weights": weight_bytes(model)},
            versions=versions("tensorflow", "keras", "numpy"),
            limits=_limits(max_num, len(probes)),
            detector=detector,
            **fields,
        )

        if version is not None:

            def prepare(place):
                return seal(dataclasses.replace(card, path=place), artifact, probes)

            return publish_version(artifact, directory, prepare)
        card = seal(card, artifact, probes)
        _check_free(directory, overwrite=overwrite)  # again, because time has passed
        publish_folder(artifact, directory)
    return card


def _check_free(target, *, overwrite):
    """Raises a `FileExistsError` if `target` exists and must not be replaced."""
    recover(target)
    if target.is_symlink() and not target.exists():
        raise FileExistsError(f"`directory` must not be a broken link. Received: {target}")
    if not target.exists():
        return
    if not overwrite:
        raise FileExistsError(
            "`directory` must not exist, because a server may be reading it: choose the next version, or pass "
            f"overwrite=True. Received: {target}"
        )
    if not (target / "saved_model.pb").is_file():
        raise FileExistsError(f"`directory` must hold a SavedModel to be replaced. Received: {target}")


def _check_holds_versions(directory):
    """Raises a `ValueError` if a directory is itself a version instead of the folder of all versions."""
    if directory.name.isdecimal() or (directory / "saved_model.pb").exists():
        raise ValueError(
            '`directory` must be the folder of all versions, such as "exports/models/cvae", for version="next". '
            f"Received: {directory}"
        )


def _limits(max_num, calls):
    return (
        "Unknown labels, NaN, infinity and `x` out of range are rejected with INVALID_ARGUMENT and a message.",
        f"`num` and the number of rows of a call are at most {max_num}.",
        f"Compared with the model in {calls} calls, with a tolerance of {FLOAT_TOLERANCE:g} of the largest value. "
        "Another processor or version of TensorFlow may round differently.",
        f"TensorFlow Serving {OLDEST} has all operations of the graph. TensorFlow ran the export, not a server.",
    )


def _check_stored_once(artifact, model):
    """Raises a `RuntimeError` if the variables of an export hold more than the model's weights (keras#23553)."""
    weights, variables = weight_bytes(model), artifact / "variables"
    reader = tf.train.load_checkpoint(str(variables / "variables"))
    types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    arrays = sum(math.prod(shape) * types[name].size for name, shape in shapes.items() if types[name] != tf.string)
    files = sum(path.stat().st_size for path in variables.iterdir())
    if arrays > weights or files > weights + _OVERHEAD:
        raise RuntimeError(
            f"The export stores {max(arrays, files):,} bytes, but the weights of its model have {weights:,} bytes."
        )
