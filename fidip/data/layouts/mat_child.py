"""What :mod:`fidip.data.layouts.mat_files` runs in a process of its own: reads a Matlab file by scipy.

``python mat_child.py FILE simplify|whole`` writes a pickle to its output: the variables, or a text on what is
wrong. Imports nothing of syrip, so that it starts in a fraction of a second.
"""

import pickle
import sys
from contextlib import suppress

__all__ = ["main"]

MEMORY_BYTES = 8 << 30
"""Damaged files ask for any amount of memory."""


def main(path: str, form: str) -> None:
    """Read the file and write what it holds."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no limits; a lower one may be set already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    from scipy.io import loadmat

    try:
        answer = pickle.dumps(loadmat(path, simplify_cells=form == "simplify"), pickle.HIGHEST_PROTOCOL)
    except NotImplementedError:
        answer = pickle.dumps("it is of version 7.3 (HDF5), which is not read; save it with -v7")
    except Exception as error:  # scipy raises a dozen kinds for broken files
        answer = pickle.dumps(str(error) or type(error).__name__)
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
