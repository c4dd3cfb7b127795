"""A certificate for TLS on loopback, made on the spot, so that no key lies in the repository.

X.509 (RFC 5280) signed by itself with ECDSA on the curve P-256 (FIPS 186-4, SEC 1); not fit for anything but tests.
"""

import base64
import hashlib
import secrets
import ssl
from pathlib import Path

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_P256 = bytes.fromhex("06082a8648ce3d030107")  # DER of the names of curve, key, signature
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def make_certificate(folder: Path, host: str) -> Path:
    """A PEM file with a key and a certificate for `host`, which vouches for itself."""
    secret = secrets.randbelow(_ORDER - 1) + 1
    public = b"\x00\x04" + b"".join(number.to_bytes(32) for number in _times(secret, _BASE))
    name = _der(0x30, _der(0x31, _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, host.encode()))))
    alternative = _der(0x30, _der(0x82, host.encode()))
    names = _der(0x30, bytes.fromhex("0603551d11"), _der(0x04, alternative))
    body = _der(
        0x30,
        bytes.fromhex("a003020102020101"),  # version 3, number 1
        _ECDSA_SHA256,
        name,
        _der(0x30, _der(0x17, b"200101000000Z"), _der(0x17, b"491231235959Z")),
        name,
        _der(0x30, _der(0x30, _EC_KEY, _P256), _der(0x03, public)),
        _der(0xA3, _der(0x30, names)),
    )
    certificate = _der(0x30, body, _ECDSA_SHA256, _der(0x03, b"\x00", _sign(secret, body)))
    key = _der(
        0x30, b"\x02\x01\x01", _der(0x04, secret.to_bytes(32)), _der(0xA0, _P256), _der(0xA1, _der(0x03, public))
    )
    path = folder / f"{host}.pem"
    path.write_text(_pem("EC PRIVATE KEY", key) + ssl.DER_cert_to_PEM_cert(certificate), encoding="ascii")
    return path


def _sign(secret: int, data: bytes) -> bytes:
    once = secrets.randbelow(_ORDER - 1) + 1
    r = _times(once, _BASE)[0] % _ORDER
    s = pow(once, -1, _ORDER) * (int.from_bytes(hashlib.sha256(data).digest()) + r * secret) % _ORDER
    return _der(0x30, *(_der(0x02, number.to_bytes(number.bit_length() // 8 + 1)) for number in (r, s)))


def _times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    found = None
    for bit in f"{factor:b}":
        found = found and _sum(found, found)
        if bit == "1":
            found = _sum(found, point) if found else point
    assert found is not None
    return found


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    if one == other:
        slope = 3 * (one[0] ** 2 - 1) * pow(2 * one[1], -1, _P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P)
    x = (slope**2 - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _der(tag: int, *contents: bytes) -> bytes:
    data = b"".join(contents)
    size = bytes([len(data)]) if len(data) < 128 else b"\x82" + len(data).to_bytes(2)
    return bytes([tag]) + size + data


def _pem(label: str, data: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(data).decode()}-----END {label}-----\n"
