"""TensorFlow Serving: a client for REST and gRPC, and a launcher of the model server for exported models."""

from keras_ae.serving.client import Client
from keras_ae.serving.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ServingError,
    UnavailableError,
)
from keras_ae.serving.model_server import container_command, find_container_engine, find_server, serve, write_config

__all__ = [
    "Client",
    "DeadlineExceededError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ServingError",
    "UnavailableError",
    "container_command",
    "find_container_engine",
    "find_server",
    "serve",
    "write_config",
]
