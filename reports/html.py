"""report.html: one file that asks for nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.build import ReportModel
from reports.text import fit


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = _own_file(environment, "style.css")
    environment.globals["script"] = _own_file(environment, "script.js")
    return environment


def _own_file(environment: Environment, name: str) -> Markup:
    """A file of this package, put into the page as it is: it holds nothing from outside."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704


def render_html(model: ReportModel) -> str:
    """The page. Every text in it is escaped, apart from the SVG that reports.svg made (which escapes its own)."""
    environment = _environment()
    script = str(environment.globals["script"])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Nothing may be loaded or sent, and the one script is named by its hash: no text of a server's can become another.
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return fit(environment.get_template("report.html.j2").render(report=model, policy=policy)) + "\n"
