"""Applies exported models to any amount of data with Apache Beam: `pip install 'keras_ae[beam]'`.

    files.py           `process_files`: files in, shards out, exactly once; job.py: its pipeline
    transforms.py      `encode`, `reconstruct`, `score`, `outliers`, `generate` for your pipelines; run_inference.py
    reading.py         rows with keys from TFRecord, Parquet, CSV and image files
    shards.py          shards of Parquet or TFRecord, and files that are renamed when they are complete
    exported_model.py  a signature of a SavedModel as a function of rows, which returns the reasons of rejections

Only paths travel to the workers, never models. A worker process loads a SavedModel once, and all its threads share it.
"""

from keras_ae.beam.files import process_files
from keras_ae.beam.transforms import encode, generate, outliers, reconstruct, score

__all__ = ["encode", "generate", "outliers", "process_files", "reconstruct", "score"]
