"""Whether TensorFlow Serving can load a SavedModel: it needs the GraphDef version and the operations of the graph."""

import itertools
import pathlib

from tensorflow.core.protobuf import saved_model_pb2

# The release in exports/serving, and the GraphDef version of its TensorFlow.
OLDEST = "2.19"
GRAPH_DEF_VERSION = 2129  # tf.version.GRAPH_DEF_VERSION of TensorFlow 2.19.1
# Operations, and (operation, attribute), of TensorFlow 2.20 and 2.21 that 2.19.1 lacks, from `TF_GetAllOpList`. No
# export can have operations of TPUs or with underscored names, so these are omitted.
NEWER_OPERATIONS = frozenset({"DecodeJxl", "DecodeWebP"})
NEWER_ATTRIBUTES = frozenset({("TensorListGetItem", "Tshape"), ("XlaCallModule", "use_shardy_partitioner")})


def check_serving_version(directory: pathlib.Path) -> None:
    """Raises a `RuntimeError` for a SavedModel that TensorFlow Serving 2.19 cannot load.

    A server loads a graph if `min_consumer` is at most the server's GraphDef version, and if it has all operations and
    attributes of the graph. Attributes with default values are not stored in the file.
    """
    content = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    for graph in (each.graph_def for each in content.meta_graphs):
        needed = graph.versions.min_consumer
        if needed > GRAPH_DEF_VERSION or GRAPH_DEF_VERSION in graph.versions.bad_consumers:
            raise _refused(f"a graph for GraphDef version {needed} and later, and it reads {GRAPH_DEF_VERSION}")
        nodes = list(itertools.chain(graph.node, *(function.node_def for function in graph.library.function)))
        newer = sorted({node.op for node in nodes} & NEWER_OPERATIONS)
        newer += sorted(f"{op} with {name}" for op, name in NEWER_ATTRIBUTES if any(_has(n, op, name) for n in nodes))
        if newer:
            raise _refused(f"operations that it lacks: {', '.join(newer)}")


def _has(node, operation, attribute):
    return node.op == operation and attribute in node.attr


def _refused(reason):
    return RuntimeError(
        f"TensorFlow Serving {OLDEST} could not load the export: `model` has {reason}. Use other layers."
    )
