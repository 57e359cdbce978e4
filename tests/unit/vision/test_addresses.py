"""Addresses: one reading of a URL, and every disguise of a private address."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from workflow_engine.vision.addresses import is_public, may_visit, parse_url


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://example.com", "example.com", 80, "/", "example.com"),
        ("HTTPS://Example.COM:443/a?b=c#d", "example.com", 443, "/a?b=c", "example.com"),
        ("https://example.com:8443?q=1", "example.com", 8443, "/?q=1", "example.com:8443"),
        ("http://my_bucket.example.com/a%20b", "my_bucket.example.com", 80, "/a%20b", "my_bucket.example.com"),
        ("http://example.com/größe und mehr", "example.com", 80, "/gr%C3%B6%C3%9Fe%20und%20mehr", "example.com"),
        ("http://example.com/@a:b//c;d=1", "example.com", 80, "/@a:b//c;d=1", "example.com"),
        ("http://8.8.8.8:80/", "8.8.8.8", 80, "/", "8.8.8.8"),
        ("http://[2001:4860:4860::8888]:8080/", "2001:4860:4860::8888", 8080, "/", "[2001:4860:4860::8888]:8080"),
    ],
)
def test_a_url_is_read_once(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = parse_url(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)
    assert target.secure == url.lower().startswith("https")


MISSPELT = [
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:image/png;base64,AAAA",
    "http:/example.com",
    "http:example.com",
    "http:///example.com",
    "http://",
    "http://?",
    "http://:80/",
    "http://user@example.com/",
    "http://user:word@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.evil.com/",
    "http:\\\\example.com/",
    "http://example.com/a\\b",
    "http://example.com/\r\nHost: evil",
    "http://example.com/\t",
    "http://exam\tple.com/",
    "http://example.com\n",
    "http://example.com/\x00",
    "http://example.com/\x7f",
    " http://example.com/",
    "http://example .com/",
    "http://exämple.com/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://example.com%2eevil.com/",
    "http://%31%32%37.0.0.1/",
    "http://.example.com/",
    "http://example..com/",
    "http://example.com./",
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:8o/",
    "http://example.com:-1/",
    "http://example.com:80:80/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.01/",
    "http://127.0.0.256/",
    "http://0/",
    "http://0x/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    "http://[fe80::1%25eth0]/",
    "http://[127.0.0.1]/",
    "http://[::ffff:127.0.0.1]evil.com/",
    "http://example.com/" + "a" * 9000,
]


@pytest.mark.parametrize("url", MISSPELT)
def test_other_spellings_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_url(url)


NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:10::1",
    "2001:20::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "ffff::1",
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_these_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not may_visit("example.com", ip_address(text), ("other.com", "203.0.114.0/24", "nonsense/99"))


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "2606:4700::1111",
    ],
)
def test_these_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    ("host", "address", "allowed", "may"),
    [
        ("camera.lan", "192.168.1.9", ("Camera.lan",), True),
        ("camera.lan", "192.168.1.9", ("192.168.1.0/24",), True),
        ("camera.lan", "192.168.1.9", ("192.168.1.9",), True),
        ("camera.lan", "::ffff:192.168.1.9", ("192.168.1.9",), True),
        ("camera.lan", "192.168.2.9", ("192.168.1.0/24",), False),
        ("not.camera.lan", "192.168.1.9", ("camera.lan",), False),
        ("host6", "fd00::7", ("fd00::/8", "10.0.0.0/8"), True),
        ("example.com", "8.8.8.8", (), True),
    ],
)
def test_the_operator_may_allow_more(host: str, address: str, allowed: tuple[str, ...], may: bool) -> None:
    assert may_visit(host, ip_address(address), allowed) is may
