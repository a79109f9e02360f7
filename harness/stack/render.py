"""The servers' configuration files, from the templates that native and containers share."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.stack.places import DOCKER


def render(template: str, **values: object) -> str:
    """Fill in a template of docker/. Every value that it names must be given, and none may break out of its line."""
    for name, value in values.items():
        if any(character in str(value) for character in "\n\r\0"):
            raise ValueError(f"{name} may not hold a line break")
    environment = Environment(
        loader=FileSystemLoader(DOCKER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, no HTML
    )
    return environment.get_template(template).render(**values)
