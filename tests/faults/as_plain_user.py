"""``python as_plain_user.py COMMAND …`` is ``vraagbaak`` for whom the permissions of files hold, root too."""

import ctypes
import os
import sys

from retrieval.cli import main

VERSION_3 = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2
"""From linux/capability.h: root may read and write what permissions forbid by these."""


def give_up_overriding() -> None:
    """Let this process be refused what its user was not given."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, of two words each
    for call in (libc.capget, libc.capset):
        if call(header, sets):
            raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
        for place in range(3):
            sets[place] &= ~(1 << DAC_OVERRIDE | 1 << DAC_READ_SEARCH)


if __name__ == "__main__":
    if os.geteuid() == 0:
        give_up_overriding()
    sys.exit(main())
