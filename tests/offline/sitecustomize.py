"""Forbids every address but this machine's, as an audit hook: whatever opens a socket through Python passes it.

`tests/conftest.py` loads it into the tests' own process. Every Python that a test starts finds it on PYTHONPATH, where
the interpreter looks for a module of this name when it starts. It does not hold what opens sockets without Python's
`socket` (Chromium, gloo, DuckDB), nor a Python that is told to look at no PYTHONPATH (`-I`, `-E`) or at no site (`-S`).
A name that is handed to `connect` itself is looked up before it is refused; what is built upon sockets asks
`getaddrinfo` first.
"""

import sys
from typing import Any


class AnotherMachine(BaseException):
    """A test asked for one. No `except Exception` takes this for a network that is out of order."""


_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_ADDRESSED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def forbid(event: str, args: tuple[Any, ...]) -> None:
    """Raise `AnotherMachine`, or `socket.gaierror` for names that end in `.invalid`: nobody is asked for those."""
    if event not in _LOOKUPS and event not in _ADDRESSED:
        return
    import socket  # here, because every Python that a test starts runs this file, and few open a socket

    if event in _ADDRESSED:
        opened, address = args
        if opened.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return
        host = address[0]
    else:
        host = args[0][0] if event == "socket.getnameinfo" else args[0]
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if host in (None, "", "localhost") or _is_here(host):
        return
    if host.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    raise AnotherMachine(f"{event} {host!r}: tests talk to this machine only")


def _is_here(host: str) -> bool:
    """Whether this is loopback, or an address that a socket can be bound to: by that Ray calls this machine."""
    import ipaddress
    import socket

    try:
        address = ipaddress.ip_address(host)
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((host, 0))
    except ValueError:
        return False
    except OSError:
        return address.is_loopback
    return True


sys.addaudithook(forbid)
