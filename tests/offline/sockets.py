"""Forbids a process and its children every Internet socket, whatever opens it: the kernel kills who asks for one.

A seccomp filter; where `tests.offline.sitecustomize` holds Python alone, this holds native libraries too.
"""

import ctypes
import errno
import platform
import socket
import struct
import sys

_SOCKET = {"x86_64": 41, "aarch64": 198}  # number of the system call
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_SET_SECCOMP, _NO_NEW_PRIVILEGES, _FILTER = 22, 38, 2
CAN_FORBID = sys.platform == "linux" and platform.machine() in _SOCKET


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def forbid_internet() -> None:
    """For `subprocess.Popen(preexec_fn=…)`."""
    steps = (
        (_LOAD, 0, 0, 0),  # which system call
        (_EQUAL, 0, 4, _SOCKET[platform.machine()]),
        (_LOAD, 0, 0, 16),  # its first argument
        (_EQUAL, 1, 0, socket.AF_INET),
        (_EQUAL, 0, 1, socket.AF_INET6),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    )
    program = _Program(len(steps), b"".join(struct.pack("HBBI", *step) for step in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(program))):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), errno.errorcode[ctypes.get_errno()])
