"""Become another program that dies with the process that asked for it: ``child_launcher.py PID COMMAND...``.

Run by path, with nothing but the standard library. On Linux the kernel kills the program when the process
PID is gone, however it went; elsewhere the program itself must end when its standard input does. This runs
in the child, so that the parent, which may have many threads, needs no code between fork and exec.
"""

import os
import sys

_PR_SET_PDEATHSIG = 1


def _main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was told
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    _main()
