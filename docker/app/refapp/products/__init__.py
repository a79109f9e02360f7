"""The products that the application stands in for. A new one is a package beside ``lectio`` and a line in PRODUCTS."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.lectio import LECTIO

PRODUCTS: tuple[Product, ...] = (LECTIO,)
