import dataclasses
import itertools
import math

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_ae.evaluate.score import reference_quantiles
from keras_ae.export.card.artifact_files import size
from keras_ae.export.card.card import check_details, make_card, versions, weight_bytes
from keras_ae.export.signatures.server import ServerSignatures, most_rows
from keras_ae.export.signatures.signature import check_model, write
from keras_ae.export.signatures.warm_up import write_warm_up
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.verification.probes import server_probes
from keras_ae.export.verification.serving_version import OLDEST, check_serving_version
from keras_ae.io.paths import check_path
from keras_ae.io.writing import publish_folder, publish_version, recover, staging
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_size

_ROOM = 100_000  # bytes of files, for the names of the variables: 2,000 to 6,000 in the models of the zoo


def saved_model(
    model,
    directory,
    *,
    version=None,
    reference=None,
    png=False,
    max_num=None,
    overwrite=False,
    details=None,
    license=None,
):
    """Exports a model as a SavedModel, for TensorFlow Serving and every language with a TensorFlow library.

        decode(z[, condition]) -> x                              the mean of p(x|z)
        sample(seed[, condition]) -> x                           row i: `model.sample(1, condition_i, seed=seed_i)`
        generate(seed, num, temperature[, condition]) -> x       `model.sample(num, condition, seed=seed, ...)`
        encode(x[, condition]) -> z, scale                       mean and standard deviation of q(z|x)
        reconstruct(x[, condition]) -> x                         decode(encode(x))
        score(x[, condition]) -> elbo, kl, reconstruction, ...     `evaluate.score(model, x, condition, reference=...)`

    The batch is dynamic. Inputs and outputs have these names; several properties are an input each, by their names.
    In Python, `served = tf.saved_model.load(directory)` has `served.serve(x[, condition])`, as exports of Keras: it is
    `reconstruct`.
    Values out of range are refused in the graph with INVALID_ARGUMENT and a sentence. The export is verified in another
    process, by two loaders, before it is renamed into its place. Its card lies in its `assets.extra`: `card.json`, and
    `card.md` for people.

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        directory: where to put it, such as `"exports/models/cvae/1"`. Missing parents are made.
        version: `"next"` to put it into a new folder in `directory`, such as `"exports/models/cvae"`, whose name is the
            next free number; exports at the same time get a number each.
        reference: examples that `score` compares with to give `outlier_score`, best held-out ones: x, or a pair
            (x, condition). Their elbo is stored, 1,000 quantiles of it at most.
        png: whether pictures are also given as PNG files, in an output `png_bytes`, for models of gray or RGB images in
            [0, 1]. Over REST it is base64.
        max_num: the largest `num` of `generate`, and the most rows of any batch: a server should not be asked for more
            memory than it has. `None` for 4096, and fewer of examples so large that they would take more than 256 MiB.
        overwrite: whether an existing SavedModel is replaced. It stays until the new one is verified. For a moment
            neither is there: where a server reads the directory, take `version="next"`.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        license: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is not a model of keras_ae.
        ValueError: for a model that is not built or gives NaN, a property with the name of another input, `png` for
            data that are no pictures, and a bad reference.
        FileExistsError: if the directory exists and `overwrite` is false, or if it holds something else.
        OSError: if the place cannot be written, or the disk is full. Nothing is changed then.
        RuntimeError: if another process computes other outputs than the model. Nothing is changed then.
    """
    version, fields = check_choice("version", version, ("next", None)), check_details(details, license)
    directory = check_path("directory", directory)
    check_model(model)
    max_num = most_rows(model) if max_num is None else check_size("max_num", max_num, high=MAX_ROWS)
    if version is None:
        _check_free(directory, overwrite=overwrite)
    else:
        _check_holds_versions(directory)
    quantiles = None if reference is None else reference_quantiles(model, reference)
    signatures = ServerSignatures(model, max_num, png=png, quantiles=quantiles)
    probes = server_probes(model, most_rows=max_num, png=png, quantiles=quantiles)
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
            **fields,
        )

        def seal(place):
            return dataclasses.replace(card, path=place).seal(artifact, probes)

        if version is not None:
            return publish_version(artifact, directory, seal)
        sealed = seal(directory)
        _check_free(directory, overwrite=overwrite)  # again: seconds have passed
        publish_folder(artifact, directory)
    return sealed


def _check_free(target, *, overwrite):
    """Raises a `FileExistsError` where something is at `target` that must not be replaced."""
    recover(target)
    if target.is_symlink() and not target.exists():
        raise FileExistsError(f"`directory` must not be a link that leads nowhere. Received: {target}")
    if not target.exists():
        return
    if not overwrite:
        raise FileExistsError(
            "`directory` must not exist yet: a server may be reading it. Choose the next version, or give "
            f"overwrite=True. Received: {target}"
        )
    if not (target / "saved_model.pb").is_file():
        raise FileExistsError(f"`directory` must hold a SavedModel to be replaced. Received: {target}")


def _check_holds_versions(directory):
    """Raises a `ValueError` where a directory is not one of versions, but looks like a version itself."""
    if directory.name.isdecimal() or (directory / "saved_model.pb").exists():
        raise ValueError(
            '`directory` must be the folder of all versions, such as "exports/models/cvae", for version="next". '
            f"Received: {directory}"
        )


def _limits(max_num, calls):
    return (
        "A label out of range, NaN, infinity and `x` out of range are refused with INVALID_ARGUMENT and a sentence.",
        f"`num`, and the number of rows of a call, is {max_num} at most.",
        f"Compared with the model in {calls} calls: differences up to {FLOAT_TOLERANCE:g} of the largest value would "
        "have been accepted. Another processor or version of TensorFlow can round in other places.",
        f"Its graph has nothing that TensorFlow Serving {OLDEST} lacks. It was run by TensorFlow, not by a server.",
    )


def _check_stored_once(artifact, model):
    """Raises a `RuntimeError` where weights are stored twice: among the variables, or as constants of the graph."""
    weights, variables = weight_bytes(model), artifact / "variables"
    reader = tf.train.load_checkpoint(str(variables / "variables"))
    types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    numbers = sum(math.prod(shape) * types[name].size for name, shape in shapes.items() if types[name] != tf.string)
    stored = sum(path.stat().st_size for path in variables.iterdir())
    if numbers > weights or stored > weights + _ROOM:
        stored = max(numbers, stored)
        raise RuntimeError(f"The export is wrong: it stores {stored:,} bytes, its model has {weights:,} of weights.")
    names = {weight.numpy().tobytes(): weight.path for weight in model.weights}
    for constant in _constants(artifact):
        # A value that is repeated may well be equal to a weight that was never trained.
        if constant.size > 1 and np.ptp(constant) > 0 and constant.tobytes() in names:
            raise RuntimeError(
                f"The export is wrong: its graph holds {names[constant.tobytes()]} as a constant of "
                f"{constant.nbytes:,} bytes, beside the variable."
            )


def _constants(artifact):
    """The arrays of floats that the graph and its functions hold."""
    graph = saved_model_pb2.SavedModel.FromString((artifact / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    nodes = itertools.chain(graph.node, *(function.node_def for function in graph.library.function))
    arrays = (tf.make_ndarray(node.attr["value"].tensor) for node in nodes if node.op == "Const")
    return (array for array in arrays if array.dtype.kind == "f")
