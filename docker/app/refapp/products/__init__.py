"""The products that the application stands in for. A new one is a package beside ``lectio`` and a line in PRODUCTS.

A process serves one of them, so that neither its tables nor its code weigh on another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from refapp.config import settings
from refapp.products.base import Product

PRODUCTS: Mapping[str, str] = {
    "chitlaq": "refapp.products.chitlaq:CHITLAQ",
    "flight-school": "refapp.products.flight_school:FLIGHT_SCHOOL",
    "lectio": "refapp.products.lectio:LECTIO",
}
"""Where each one is."""


@cache
def product() -> Product:
    """The one that this process serves. Raises SystemExit when there is none of that name."""
    name = settings().product
    if name not in PRODUCTS:
        raise SystemExit(f"PRODUCT is {name}; there are {', '.join(PRODUCTS)}")
    module, _, attribute = PRODUCTS[name].partition(":")
    found: Product = getattr(import_module(module), attribute)
    return found
