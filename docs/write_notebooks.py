"""Writes the scripts of the lecture as notebooks into examples/notebooks, and runs them:

tox -e notebooks                    # all, one to three minutes each on 2 cores
tox -e notebooks -- 03 06           # some
"""

import ast
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "examples"
NOTEBOOKS = SCRIPTS / "notebooks"
_SHOW = """\
import io

from IPython.display import Image as Picture
from IPython.display import display
from PIL import Image

for path in sorted(arguments.out.glob("*.png")):
    with Image.open(path) as image:
        small, content = image.convert("RGB"), io.BytesIO()
    small.thumbnail((800, 800))
    small.save(content, "JPEG", quality=70)
    display(Picture(content.getvalue(), format="jpeg"))"""

_PARSER = re.compile(r"parser = .*?parser\.parse_args\(\)\n", re.DOTALL)


def _arguments(match: re.Match) -> str:
    """What the parser of a script gives without options."""
    (out,) = re.findall(r'default=(Path\("[^"]+"\))', match[0])
    return f'arguments = argparse.Namespace(dataset="strokes", short=False, out={out})  # or dataset="mnist"\n'


def notebook_of(script: Path) -> nbformat.NotebookNode:
    """A notebook of the docstring as text, the code in cells, and a cell that shows the pictures."""
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    body = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).lstrip()
    body = _PARSER.sub(_arguments, body)  # a notebook has no command line
    notebook = jupytext.reads(body, fmt="py:light")
    title, _, rest = ast.get_docstring(tree).partition("\n\n")
    source = f"Made from [{script.name}](../{script.name}) by `tox -e notebooks`."
    text = nbformat.v4.new_markdown_cell(f"# {script.stem[:2]}\n\n**{title}**\n\n{rest}\n\n{source}")
    notebook.cells = [text, *notebook.cells, nbformat.v4.new_code_cell(_SHOW)]
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def run(notebook: nbformat.NotebookNode) -> None:
    """Runs the cells in an empty folder, and keeps what they print and show."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=1800, coalesce_streams=True, resources={"metadata": {"path": folder}})
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            # Not warnings, nor the value of a last line, such as the address of a history.
            kept = ("stream", "display_data", "error")
            cell.outputs = [each for each in cell.outputs if each.output_type in kept and each.get("name") != "stderr"]
    del notebook.metadata["language_info"]


def main(numbers: list[str]) -> None:
    NOTEBOOKS.mkdir(exist_ok=True)
    for script in sorted(SCRIPTS.glob("[0-9][0-9]_*.py")):
        if numbers and re.match(r"\d\d", script.name)[0] not in numbers:
            continue
        notebook = notebook_of(script)
        run(notebook)
        path = NOTEBOOKS / f"{script.stem}.ipynb"
        nbformat.write(notebook, path)
        print(path.relative_to(ROOT), f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
