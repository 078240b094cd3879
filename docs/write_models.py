"""Writes a page for each model into docs/models, from its docstring, and an index of them. It imports no keras_ae:

python docs/write_models.py
"""

import ast
import inspect
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "models"
_SECTIONS = ("Args", "Class attributes", "Attributes", "Returns", "Raises", "Example", "References")
_NOTE = "<!-- Written by docs/write_models.py from the docstring: change it there. -->\n"


class Model(NamedTuple):
    """What is known of a model: its short name ("" for none), the file of its class, and the parsed class."""

    name: str
    path: Path
    node: ast.ClassDef

    @property
    def page(self):
        return f"{self.name or 'autoencoder'}.md"

    @property
    def parts(self):
        """The docstring: {"": body, section: text}."""
        return sections(ast.get_docstring(self.node) or "")

    @property
    def fixed(self):
        """The parts that the class fixes."""
        for statement in self.node.body:
            if isinstance(statement, ast.Assign) and statement.targets[0].id == "fixed":
                return ast.literal_eval(statement.value)
        return ()

    @property
    def defaults(self):
        """{argument: the source of its default} of the constructor."""
        for statement in self.node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                given = statement.args
                last = given.args[len(given.args) - len(given.defaults) :]
                pairs = [
                    *zip(last, given.defaults, strict=True),
                    *zip(given.kwonlyargs, given.kw_defaults, strict=True),
                ]
                return {argument.arg: ast.unparse(value) for argument, value in pairs if value is not None}
        return {}


def models():
    """`Autoencoder`, and every model of the table in keras_ae/models/__init__.py, in its order."""
    source = ROOT / "keras_ae" / "models" / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    files = {
        alias.name: source.with_name(f"{statement.module.split('.')[-1]}.py")
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    (table,) = (s.value for s in tree.body if isinstance(s, ast.Assign) and s.targets[0].id == "MODELS")
    names = {value.id: key.value for key, value in zip(table.keys, table.values, strict=True)}
    found = [_model("", ROOT / "keras_ae" / "autoencoder.py", "Autoencoder")]
    return [*found, *(_model(name, files[cls], cls) for cls, name in names.items())]


def _model(name, path, cls):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return Model(name, path, next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls))


def sections(docstring):
    """{"": text before the first section, "Args": its text, ...}, all dedented."""
    found, name = {"": []}, ""
    for line in inspect.cleandoc(docstring).splitlines():
        if line.endswith(":") and line[:-1] in _SECTIONS:
            name = line[:-1]
            found[name] = []
        else:
            found[name].append(line)
    return {key: inspect.cleandoc("\n".join(["", *lines])).strip("\n") for key, lines in found.items()}


def prose(text):
    """Paragraphs as Markdown; indented ones, which are formulas, as blocks."""
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text):
        if not paragraph.strip():
            continue
        if paragraph.startswith("    "):
            formula = inspect.cleandoc("\n" + paragraph)
            if blocks and blocks[-1].startswith("```"):
                blocks[-1] = f"{blocks[-1][:-4]}\n\n{formula}\n```"
            else:
                blocks.append(f"```text\n{formula}\n```")
        else:
            blocks.append(escaped(" ".join(paragraph.split())))
    return "\n\n".join(blocks)


def entries(text):
    """[(names, description)] of "name, name: description" with continued lines indented."""
    found = []
    for line in text.splitlines():
        if line.startswith(" ") and found:
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line.strip())
    return [tuple(entry.partition(": ")[::2]) for entry in found]


def escaped(text):
    """Text with what Markdown would take for markup escaped, outside of code, and links for arXiv identifiers."""
    parts = re.split(r"(``?[^`]+``?)", text)
    for index in range(0, len(parts), 2):
        part = re.sub(r"([*<|])", r"\\\1", parts[index])
        parts[index] = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", part)
    return "".join(parts)


def page(model):
    """The page of a model."""
    parts, cls = model.parts, model.node.name
    place = f"../../{model.path.relative_to(ROOT).as_posix()}"
    command = f"On the command line: `keras-ae train {model.name}`. " if model.name else ""
    room = "keras_ae.models" if model.name else "keras_ae"
    text = [f"# {cls}", f"`{room}.{cls}`. {command}Source: [{model.path.name}]({place}).", prose(parts[""])]
    if model.fixed:
        names = ", ".join(f"`{name}`" for name in model.fixed)
        text.append(f"Fixed by the model, and no arguments: {names}.")
    if "Args" in parts:
        lines = [_argument(names, what, model.defaults) for names, what in entries(parts["Args"])]
        text += ["## Arguments", "\n".join(lines)]
    elif model.name:
        text += ["## Arguments", "Those of [Autoencoder](autoencoder.md)."]
    if "Raises" in parts:
        text += ["## Raises", "\n".join(f"- `{kind}`: {escaped(what)}" for kind, what in entries(parts["Raises"]))]
    if "Example" in parts:
        text += ["## Example", f"```pycon\n{parts['Example']}\n```"]
    if "References" in parts:
        papers = " ".join(parts["References"].split()).rstrip(".").split("; ")
        text += ["## References", "\n".join(f"- {escaped(paper)}." for paper in papers)]
    return _NOTE + "\n" + "\n\n".join(text) + "\n"


def _argument(names, what, defaults):
    names = [name.strip() for name in names.split(",")]
    values = [f"`{defaults[name]}`" for name in names if name in defaults]
    default = f" Default: {', '.join(values)}." if len(values) == len(names) == 1 else ""
    what = escaped(what).replace("as in `Autoencoder`", "as in [Autoencoder](autoencoder.md)")
    return f"- {', '.join(f'`{name}`' for name in names)}: {what}{default}"


def index(found):
    """The page that names all of them."""
    lines = ["| Model | Command line | Idea | Paper |", "|---|---|---|---|"]
    for model in found:
        idea = re.split(r"\n\s*\n", model.parts[""])[0]
        idea = escaped(" ".join(idea.split()).rstrip(".:"))
        paper = escaped(" ".join(model.parts.get("References", "").split()).split(";")[0].rstrip("."))
        name = f"`{model.name}`" if model.name else ""
        lines.append(f"| [{model.node.name}]({model.page}) | {name} | {idea} | {paper} |")
    return f"{_NOTE}\n# Models\n\n" + "\n".join(lines) + "\n"


def pages():
    """{name of the file: its text} of all pages, README.md for the index."""
    found = models()
    return {"README.md": index(found), **{model.page: page(model) for model in found}}


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    written = pages()
    for stale in {path.name for path in PAGES.glob("*.md")} - set(written):
        (PAGES / stale).unlink()
    for name, text in written.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    print(f"{len(written)} pages in {PAGES}")
