"""SVG elements as escaped text. Pure."""

from __future__ import annotations

from markupsafe import Markup, escape

Attribute = str | float | None


def number(value: float) -> str:
    """A coordinate: a tenth of a unit is finer than any screen, and the same on every machine."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """One element. ``class_`` stands for class, ``_`` in a name for ``-``; None leaves an attribute out.

    Everything that is not Markup already is escaped.
    """
    parts = [Markup("<" + name)]  # noqa: S704 - names are literals of this package
    for key, value in attributes.items():
        if value is None:
            continue
        text = value if isinstance(value, str) else number(value)
        parts.append(Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text))
    if not children:
        return Markup("").join([*parts, Markup("/>")])
    inner = Markup("").join(escape(child) for child in children)
    return Markup("").join([*parts, Markup(">"), inner, Markup("</" + name + ">")])  # noqa: S704


def text(x: float, y: float, words: str, *, anchor: str = "start", class_: str | None = None) -> Markup:
    """A line of text that begins, is centred or ends at x."""
    return element("text", words, x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def group(*children: str, **attributes: Attribute) -> Markup:
    """A ``<g>``; empty when it has no children."""
    return element("g", *children, **attributes) if children else Markup("")
