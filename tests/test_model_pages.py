"""docs/models is what docs/write_models.py writes from the docstrings."""

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("write_models", ROOT / "docs" / "write_models.py")
write_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(write_models)


def test_pages_are_up_to_date():
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "models").glob("*.md")}
    assert committed == write_models.pages(), "run: python docs/write_models.py"


def test_every_model_has_a_page_and_a_line_in_the_index():
    from keras_ae.models import MODELS

    pages = write_models.pages()
    assert set(pages) == {"README.md", "autoencoder.md", *(f"{name}.md" for name in MODELS)}
    for name, cls in MODELS.items():
        assert f"| [{cls.__name__}]({name}.md) | `{name}` |" in pages["README.md"]
        assert f"`keras_ae.models.{cls.__name__}`" in pages[f"{name}.md"]


@pytest.mark.parametrize("name", sorted(write_models.pages()))
def test_files_that_a_page_links_to_are_there(name):
    for target in re.findall(r"\]\(([^)h][^)]*)\)", write_models.pages()[name]):
        assert (ROOT / "docs" / "models" / target).resolve().is_file(), target


# Where a paper was published that is not on arXiv.
_VENUE = r"arXiv:\d{4}\.\d{4,5}|\b(ICLR|ICML|NeurIPS|MIT Press|CS294A lecture notes)\b"
_PLACE = r"\b(equations?|algorithm|sections?) (\d|[IVX]+\.[A-Z])"


@pytest.mark.parametrize(
    "model", [model for model in write_models.models() if model.name], ids=lambda model: model.name
)
def test_every_model_cites_a_paper_and_the_place_in_it(model):
    """In one breath: the equation, algorithm or section follows the paper that it is in."""
    papers = " ".join(model.parts["References"].split()).split("; ")
    assert any(re.search(f"({_VENUE}).*{_PLACE}", paper) for paper in papers), papers
    assert all(re.search(r"\b(19|20)\d\d, ", paper) for paper in papers), papers


DOCSTRING = """A model: it does this.

        loss = a * b

        c = d

    Of q(z|x) and `x * y` * 2, see
    arXiv:1312.6114.

    Args:
        encoder, decoder: as in `Autoencoder`.
        beta: weight,
            >= 0.

    Raises:
        ValueError: for `beta` < 0.

    Example:
        >>> def f():
        ...     return 1

    References:
        One 2014, arXiv:1312.6114, equation 10;
        Two 2015.
    """


def test_docstrings_become_markdown():
    constructor = "def __init__(self, encoder='mlp', *, beta=4.0, **kwargs): pass"
    source = f'class A:\n    """{DOCSTRING}"""\n    fixed = ("prior",)\n    {constructor}'
    node = write_models.ast.parse(source).body[0]
    page = write_models.page(write_models.Model("a", ROOT / "keras_ae" / "a.py", node))
    arxiv = "[arXiv:1312.6114](https://arxiv.org/abs/1312.6114)"
    for expected in (
        "# A\n\n`keras_ae.models.A`. On the command line: `keras-ae train a`. Source: [a.py](../../keras_ae/a.py).\n",
        "\nA model: it does this.\n\n```text\nloss = a * b\n\nc = d\n```\n",
        f"\nOf q(z\\|x) and `x * y` \\* 2, see {arxiv}.\n",
        "\nFixed by the model, and no arguments: `prior`.\n",
        "\n- `encoder`, `decoder`: as in [Autoencoder](autoencoder.md).\n- `beta`: weight, >= 0. Default: `4.0`.\n",
        "\n- `ValueError`: for `beta` \\< 0.\n",
        "\n```pycon\n>>> def f():\n...     return 1\n```\n",
        f"\n- One 2014, {arxiv}, equation 10.\n- Two 2015.\n",
    ):
        assert expected in page, expected
