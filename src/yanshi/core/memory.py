"""Memory that a process holds for later, and gives back when it is told to."""

import ctypes
import gc


def give_back() -> None:
    """Collect what is no longer needed and hand free pages back to the system; takes milliseconds.

    A whole collection alone empties Python's lists of free tuples, floats and the like. The heap
    of the C library keeps the holes that large arrays leave behind until it is trimmed (glibc).
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
