"""How this process treats memory: frames come and go by the thousand, and each would be faulted in anew."""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
TRIM = 256 << 20
MMAP = 32 << 20
"""The most that glibc allows."""


@cache
def frames_memory_keep() -> bool:
    """Have the C library keep freed frames instead of returning them; whether it could be told."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc: slower, and nothing else
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP) and mallopt(M_TRIM_THRESHOLD, TRIM))
