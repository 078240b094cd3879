"""The structure that the documentation promises, held by tests."""

import ast
import configparser
import graphlib
import importlib
import pathlib
import re
import runpy
import subprocess
import sys

import keras_ae

PACKAGE = pathlib.Path(keras_ae.__file__).parent
# A module may import from its own layer's name and from the layers before it.
LAYERS = [
    {"keras_internals"},
    {"environment", "hyperparameters", "io", "random", "registry", "step_context", "validation"},
    {"devices", "distribution", "drawing", "parts", "schedules"},
    {"networks", "conditions", "likelihoods", "training", "serving"},
    {"latents", "datasets", "input_checks"},
    {"objectives", "functional", "compiled_verbs"},
    {"compatibility", "callbacks"},
    {"autoencoder"},
    {"models"},
    {"loading", "evaluate"},
    {"outliers"},
    {"export"},
    {"explore", "beam"},
    {"released"},
    {"run", "quickstart"},
    {"recipes"},
    {"cli"},
    {"__main__"},
]


def imported_modules(path):
    """The modules that a file imports, at its top or in a function, by a statement, an attribute or a string."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "keras_ae":
            yield from (f"keras_ae.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom):
            yield from (module_of(f"{node.module}.{alias.name}") or node.module for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "keras_ae":
            yield from (f"keras_ae.{name}" for name in [node.attr] if not name.startswith("__"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def module_of(name):
    """The name, if a file of the package has it."""
    return name if name in FILES else None


def modules():
    """{name of a module: its file}, of the whole package."""
    for path in PACKAGE.rglob("*.py"):
        yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"), path


FILES = dict(modules())


def room(module):
    return module.split(".")[1]


def test_imports_go_one_way():
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    backwards = []
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for module in imported_modules(path):
            if module.startswith("keras_ae.") and room(module) != own and level[room(module)] > level[own]:
                backwards.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not backwards


def test_files_do_not_import_each_other_in_a_circle():
    imports = {name: set(imported_modules(path)) & FILES.keys() - {name, "keras_ae"} for name, path in FILES.items()}
    list(graphlib.TopologicalSorter(imports).static_order())  # raises a CycleError, which names them


def test_imports_are_found_wherever_they_stand(tmp_path):
    path = tmp_path / "file.py"
    for code in (
        "import keras_ae.export",
        "from keras_ae import export",
        "from keras_ae.export import onnx",
        "def f():\n    from keras_ae.export.onnx import onnx",
        "import keras_ae\ndef f():\n    return keras_ae.export.onnx",
        "def f():\n    return importlib.import_module('keras_ae.export')",
    ):
        path.write_text(code)
        assert "export" in {room(name) for name in imported_modules(path) if "." in name}, code


def test_folders_of_exports_import_one_way():
    order = ["signatures", "card", "verification", "litert"]
    folder, backwards = PACKAGE / "export", []
    assert {path.name for path in folder.iterdir() if path.is_dir()} - {"__pycache__"} == set(order)
    for path in folder.glob("*/*.py"):
        allowed = order[: order.index(path.parent.name) + 1]
        for module in imported_modules(path):
            if module.startswith("keras_ae.export.") and module.split(".")[2] not in allowed:
                backwards.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not backwards


def test_estimators_know_nothing_of_objectives():
    for path in (PACKAGE / "objectives" / "estimators").glob("*.py"):
        others = [module for module in imported_modules(path) if module.startswith("keras_ae.objectives.")]
        assert all(module.startswith("keras_ae.objectives.estimators.") for module in others), path.name


def test_the_map_of_exports_names_every_file():
    folder = PACKAGE / "export"
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    files = {path.name for path in folder.rglob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"\w+\.py\b", text)) == files


def test_models_derive_from_autoencoder_and_import_no_other_model():
    for path in (PACKAGE / "models").glob("*.py"):
        if path.name != "__init__.py":
            assert not [m for m in imported_modules(path) if m.startswith("keras_ae.models.")], path.name
    assert {cls.__bases__ for cls in keras_ae.models.MODELS.values()} == {(keras_ae.Autoencoder,)}


def test_importing_the_package_loads_neither_tensorflow_nor_numpy():
    code = "import sys, keras_ae; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"


def test_where_keras_is_loaded_its_files_find_the_models(monkeypatch):
    """So that `keras.saving.load_model` works after `import keras, keras_ae`."""
    asked = []
    monkeypatch.setattr(importlib, "import_module", asked.append)
    for name, expected in (("keras", ["keras_ae.models"]), ("other", [])):
        monkeypatch.setattr(sys, "modules", {name: None, "keras_ae": keras_ae})
        runpy.run_path(keras_ae.__file__)
        assert asked == expected
        asked.clear()


def test_what_tfds_imports_and_does_not_declare_is_declared_here():
    config = configparser.ConfigParser()
    config.read_string((pathlib.Path(__file__).parents[1] / "setup.cfg").read_text())
    names = [line.split()[0] for line in config["options"]["install_requires"].split("\n") if line]
    assert "tensorflow-datasets" in names and "importlib_resources" in names


def test_every_public_name_can_be_reached():
    for name in keras_ae.__all__:
        assert getattr(keras_ae, name) is not None
