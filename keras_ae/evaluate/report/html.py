"""Pages of HTML that need no script and no other file, from templates."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

_HERE = pathlib.Path(__file__).parent


def render(template: pathlib.Path, filters: Mapping[str, Callable] | None = None, **values: Any) -> str:
    """Returns the page of a template that extends `layout.html`, with more filters and values for it.

    A style sheet in the template's folder with its name, such as page.css, follows layout.css.
    """
    import jinja2  # only pages need it
    import markupsafe

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _HERE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters or {})
    styles = [_HERE / "layout.css", template.with_suffix(".css")]
    style = "".join(path.read_text(encoding="utf-8") for path in styles)
    values = {"style": markupsafe.Markup(style), "raw": markupsafe.Markup, **values}
    return environment.get_template(template.name).render(**values)
