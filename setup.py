"""Puts the JavaScript libraries of the page into the wheel, if they are available; setup.cfg has the rest."""

import importlib.util
import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

PAGE = pathlib.Path("keras_ae/explore/page")


class BuildWithLibraries(build_py):
    """Builds the package, with the libraries that `KERAS_AE_NODE_MODULES` names or that are in the cache."""

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return
        path = pathlib.Path(__file__).parent / PAGE / "libraries.py"
        spec = importlib.util.spec_from_file_location("libraries", path)
        libraries = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(libraries)
        bundle = pathlib.Path(self.build_lib) / PAGE / libraries.BUNDLE.name
        shutil.rmtree(bundle, ignore_errors=True)  # of an earlier build
        try:
            libraries.copy(libraries.find(), bundle)
        except FileNotFoundError as error:
            self.warn(f"The package is built without the libraries of the page. {error}")


setup(cmdclass={"build_py": BuildWithLibraries})
