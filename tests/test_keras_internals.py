"""The private attributes of Keras and TensorFlow that keras_ae uses are there, and stand in one file."""

import ast
import inspect
import pathlib

import keras
import pytest
import tensorflow as tf

import keras_ae
from keras_ae.keras_internals import USES

PACKAGE = pathlib.Path(keras_ae.__file__).parent
# Overridden where they are needed, and so found there.
OVERRIDDEN = {("parts.py", "_trackable_children"), ("training/replication.py", "_inputs")}


def built_layer():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    return layer


def owners():
    """{attribute: the objects that must have it}"""
    layer, model = built_layer(), keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(tf.zeros([2, 3]), tf.zeros([2, 2]), validation_data=(tf.zeros([2, 3]), tf.zeros([2, 2])), verbose=0)
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    optimizer.build(layer.trainable_variables)
    return {
        "_flatten_layers": [layer, model],
        "_tracker": [layer, model],
        "_handle_deferred_dependencies": [layer, model],
        "_trackable_children": [layer, model],
        "_trainable_variables": [layer, optimizer],
        "_distribute_strategy": [model],
        "_initial_epoch": [model],
        "_iterations": [optimizer],
        "_all_reduce_sum_gradients": [optimizer],
        "_distributed_tf_update_step": [optimizer],
        "_learning_rate": [optimizer],
        "_value": [layer.kernel],
        "_tf_trackable": [keras.export.ExportArchive()],
        "_inputs": [tf.data.Dataset.range(3)],
    }


# Words of the source of Keras: an attribute while `fit` runs, and an argument.
IN_SOURCE = ("_eval_epoch_iterator", "_use_cached_eval_dataset", "_initial_epoch")


@pytest.fixture(scope="module")
def objects():
    return owners()


@pytest.mark.parametrize("name", USES)
def test_it_is_there(name, objects):
    missing = [type(each).__name__ for each in objects.get(name, []) if not hasattr(each, name)]
    if name in IN_SOURCE and name not in inspect.getsource(keras.Model.fit):
        missing.append("Model.fit")
    assert name in IN_SOURCE or name in objects, "this test must know where to look for it"
    versions = f"Keras {keras.__version__} and TensorFlow {tf.__version__}"
    assert not missing, f"`{name}` is gone from {missing} of {versions}. keras_ae uses it for: {USES[name]}"


def test_a_tracker_has_what_is_called():
    tracker = built_layer()._tracker
    assert all(callable(getattr(tracker, name)) for name in ("lock", "unlock", "untrack"))


def private_names(path):
    """Private attributes, methods and words in quotes of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ClassDef):
            yield from (each.name for each in node.body if isinstance(each, ast.FunctionDef))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_uses_one():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name != "keras_internals.py":
            found |= {(str(path.relative_to(PACKAGE)), name) for name in private_names(path) if name in USES}
    assert found == OVERRIDDEN


def test_no_other_private_attribute_of_another_object_is_used():
    """What a file reads from others than `self` is private to keras_ae: the functions that it defines itself."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    defined = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assigned = {
        node.attr
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    class_attributes = {
        target.id
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    foreign = {
        (path.name, node.attr)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if node.attr not in defined | assigned | class_attributes | {"_replace", "_asdict"}  # of named tuples
        if path.name != "keras_internals.py"
    }
    # PyOD asks subclasses of its base class to call these.
    assert foreign == {("pyod.py", "_process_decision_scores"), ("pyod.py", "_set_n_classes")}
