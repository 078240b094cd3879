"""Exports are for the TensorFlow Serving that the files in exports/serving run."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import keras_ae as kae
from keras_ae.export.saved_model import check_serving_version
from keras_ae.export.verification import serving_version
from keras_ae.serving.model_server import IMAGE


class Doubles(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def double(self, x):
        return {"y": 2.0 * x}


@pytest.fixture
def exported(tmp_path):
    module = Doubles()
    tf.saved_model.save(module, str(tmp_path), signatures=module.double)
    return tmp_path


def change(folder, function):
    """Changes the graph in a SavedModel."""
    content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    function(content.meta_graphs[0].graph_def)
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())


def test_the_gate_is_for_the_image_that_is_served():
    assert f":{serving_version.OLDEST}." in IMAGE
    assert serving_version.GRAPH_DEF_VERSION <= tf.version.GRAPH_DEF_VERSION


def test_a_graph_that_old_servers_read_passes(exported):
    check_serving_version(exported)
    content = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    graph = content.meta_graphs[0].graph_def
    # A server takes a newer producer: what counts is the consumer that it asks for.
    assert graph.versions.producer == tf.version.GRAPH_DEF_VERSION
    assert graph.versions.min_consumer <= serving_version.GRAPH_DEF_VERSION
    assert content.meta_graphs[0].meta_info_def.stripped_default_attrs


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda graph: setattr(graph.versions, "min_consumer", 2130),
            "GraphDef version 2130 and later, and it reads 2129",
        ),
        (lambda graph: graph.versions.bad_consumers.append(2129), "GraphDef version"),
        (lambda graph: setattr(graph.node.add(), "op", "DecodeWebP"), "operations that it lacks: DecodeWebP"),
        (
            lambda graph: setattr(graph.library.function[0].node_def.add(), "op", "DecodeJxl"),
            "operations that it lacks: DecodeJxl",
        ),
        (
            lambda graph: graph.node.add(op="TensorListGetItem").attr["Tshape"].CopyFrom(graph.node[0].attr["_"]),
            "TensorListGetItem with Tshape",
        ),
    ],
)
def test_what_the_server_cannot_load_is_refused(exported, function, words):
    change(exported, function)
    with pytest.raises(RuntimeError, match=rf"TensorFlow Serving 2\.19 could not load the export: .*{words}"):
        check_serving_version(exported)


def test_the_gate_is_asked_by_the_export(tmp_path, monkeypatch):
    model = kae.models.AE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.build((None, 4, 4, 1))
    monkeypatch.setattr(serving_version, "GRAPH_DEF_VERSION", 1)
    with pytest.raises(RuntimeError, match=r"TensorFlow Serving 2\.19 could not load the export"):
        kae.export.saved_model(model, tmp_path / "ae" / "1")
    assert not list(tmp_path.iterdir())
