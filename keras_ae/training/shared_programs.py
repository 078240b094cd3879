"""Compiled programs that models share: in a sweep, models of equal shapes are compiled once.

XLA compiles each `tf.function` separately, even if two have equal graphs, and keeps the programs of deleted models.
Here, the first of several equal graphs is compiled, and called with the variables of each model. Seeds, learning rates
and hyperparameters are variables too. Written for TensorFlow 2.21: `set_external_captures` and `function_captures` are
not documented.
"""

import collections
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Names, and what depends on names: not part of what a graph computes.
_IGNORED = ("_class", "_gradient_op_type")
_MOST = 16


class SharedProgram:
    """A function that runs on its own variables, but with the program of an earlier function if their graphs are equal.

    Args:
        function: a `tf.function` of nested tensors or `None`. It is traced for each shape of its arguments, once.
    """

    def __init__(self, function: Callable):
        self.function = function
        self.bound = {}  # signature: (program, variables)

    def __call__(self, *args: Any) -> Any:
        if not tf.executing_eagerly() or tf.config.functions_run_eagerly():
            return self.function(*args)
        leaves = tf.nest.flatten(args)
        signature = tuple(None if leaf is None else (leaf.dtype, tuple(leaf.shape)) for leaf in leaves)
        if signature not in self.bound:
            self.bound[signature] = _PROGRAMS.bind(self.function.get_concrete_function(*args))
        program, captures = self.bound[signature]
        return program(captures, *args)


class _Program:
    """A traced function without the variables of the model that it was traced for."""

    def __init__(self, concrete):
        self.concrete = concrete
        self.lock = threading.Lock()
        concrete.graph.variables = ()
        concrete.graph.function_captures.reset_captures([], [])  # would keep the weights of a deleted model
        concrete.set_external_captures([])

    def __call__(self, captures, *args):
        with self.lock:
            self.concrete.set_external_captures(captures)
            try:
                return self.concrete(*args)
            finally:
                self.concrete.set_external_captures([])


class _Programs:
    """The programs of this process, by the hash of their graphs; the least recently used ones are forgotten."""

    def __init__(self):
        self.programs = collections.OrderedDict()
        self.lock = threading.Lock()

    def bind(self, concrete):
        """Returns (program, captures) for a concrete function."""
        if concrete.graph.deferred_external_captures:  # determined at each call: cannot be replaced
            return lambda _, *args: concrete(*args), None
        captures, key = list(concrete.captured_inputs), fingerprint(concrete)
        with self.lock:
            if key not in self.programs:
                self.programs[key] = _Program(concrete)
            self.programs.move_to_end(key)
            while len(self.programs) > _MOST:
                self.programs.popitem(last=False)
            return self.programs[key], captures


_PROGRAMS = _Programs()


def fingerprint(concrete: Any) -> bytes:
    """Returns a hash of what the graph of a concrete function computes, whatever the names of its operations.

    Two functions with equal hashes have inputs and outputs of equal structures (also names in dictionaries), types and
    shapes, and equal operations, attributes, constants and edges, in the functions that they call too.
    """
    library = {each.signature.name: each for each in concrete.graph.as_graph_def().library.function}
    hashes = {}

    def of_function(name):
        if name not in hashes:
            hashes[name] = _hash(library[name], of_function)
        return hashes[name]

    structures = concrete.inputs, concrete.structured_input_signature, concrete.structured_outputs
    outside = tf.nest.map_structure(
        lambda each: (str(each.shape), each.dtype) if hasattr(each, "dtype") else each, structures
    )
    return hashlib.sha256(repr(outside).encode() + _hash(concrete.function_def, of_function)).digest()


def _hash(function, of_function):
    """Returns the hash of a FunctionDef, given a function from the name of another one to its hash."""
    places = {argument.name: f"argument {i}" for i, argument in enumerate(function.signature.input_arg)}
    places |= {node.name: f"node {i}" for i, node in enumerate(function.node_def)}
    total = hashlib.sha256()

    def add(*values):
        for value in values:
            total.update(repr(value).encode() + b"\0")

    def edge(text):  # "node" or "node:output:0"
        name, *output = text.split(":")
        return (places[name], *output)

    def edges(inputs):  # "^node" is one that has to run before, listed in the order of the names
        before = sorted(places[text.removeprefix("^")] for text in inputs if text.startswith("^"))
        return [edge(text) for text in inputs if not text.startswith("^")], before

    def add_attributes(attributes):
        for name in sorted(set(attributes) - set(_IGNORED)):
            value = attributes[name]
            functions = [value.func] if value.HasField("func") else value.list.func
            for called in functions:
                add(name, of_function(called.name))
                add_attributes(called.attr)
            if not functions:
                add(name, value.SerializeToString(deterministic=True))

    for argument in function.signature.input_arg:
        add(argument.type)
    for i, node in enumerate(function.node_def):
        add(i, node.op, node.device, edges(node.input))
        add_attributes(node.attr)
    add_attributes(function.attr)
    for argument in function.signature.output_arg:
        add(argument.type, edge(function.ret[argument.name]))
    add(sorted(places[name] for name in function.control_ret.values()))
    return total.digest()
