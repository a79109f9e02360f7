"""Which cookies a browser keeps, and where it sends them."""

from __future__ import annotations

import pytest

from harness.loadgen.http_client.cookies import CookieJar


@pytest.mark.parametrize(
    ("line", "host", "path", "sent"),
    [
        ("a=b", "shop.test", "/x/y", "a=b"),
        ("a=b; Path=/x", "shop.test", "/x", "a=b"),
        ("a=b; Path=/x", "shop.test", "/xy", ""),
        ("a=b; Path=/", "other.test", "/", ""),
        ("a=b; Path=/", "www.shop.test", "/", ""),
        ("a=b; Path=/; Domain=.shop.test", "www.shop.test", "/", "a=b"),
        ("a=b; Path=/; Domain=other.test", "other.test", "/", ""),
        ("a=b; Path=/; Secure", "shop.test", "/", ""),
        ("a=b; Path=/; Max-Age=10", "shop.test", "/", "a=b"),
        ("a=b; Path=/; Max-Age=0", "shop.test", "/", ""),
        ("a=b; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "shop.test", "/", ""),
        ("a=b; Path=/; Expires=whenever", "shop.test", "/", "a=b"),
        ("a=b=c; Path=/", "SHOP.test", "/", "a=b=c"),
        ("nothing", "shop.test", "/", ""),
        ("=b", "shop.test", "/", ""),
    ],
)
def test_where_a_cookie_goes(line, host, path, sent):
    jar = CookieJar(lambda: 1000.0)
    jar.take(line, "shop.test", "/x/login")
    assert jar.header(host, path, secure=False) == sent


def test_secure_cookies_go_over_tls():
    jar = CookieJar()
    jar.take("a=b; Secure; Path=/", "shop.test", "/")
    assert jar.header("shop.test", "/", secure=True) == "a=b"


def test_the_longer_path_first_and_the_newer_value_wins():
    jar = CookieJar()
    for line in ("a=1; Path=/", "a=2; Path=/", "b=3; Path=/deep"):
        jar.take(line, "shop.test", "/")
    assert jar.header("shop.test", "/deep/er?x", secure=False) == "b=3; a=2"


def test_cookies_die():
    now = [0.0]
    jar = CookieJar(lambda: now[0])
    jar.take("a=b; Path=/; Max-Age=10", "shop.test", "/")
    assert jar.header("shop.test", "/", secure=False)
    now[0] = 10.0
    assert not jar.header("shop.test", "/", secure=False) and not jar


def test_a_server_cannot_fill_the_memory():
    jar = CookieJar()
    for number in range(1000):
        jar.take(f"c{number}=x", "shop.test", "/")
    assert len(jar) == 300


def test_set_by_hand():
    jar = CookieJar()
    jar.set("a", "b", domain="shop.test")
    assert (jar.get("a"), jar.get("c", "d"), [cookie.name for cookie in jar]) == ("b", "d", ["a"])
    with pytest.raises(ValueError):
        jar.set("a", "b\r\nX: y", domain="shop.test")
    jar.clear()
    assert not jar
