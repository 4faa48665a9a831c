"""The web server of ``syrip label``: one labelling project, its pictures and its page, on loopback."""

try:
    import fastapi as _fastapi  # noqa: F401  both are in the extra
    import uvicorn as _uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError("syrip label needs the extra 'label': pip install 'syrip[label]'") from error

from fidip.labelling.server.app import create_app
from fidip.labelling.server.run import LabelServer, serve

__all__ = ["LabelServer", "create_app", "serve"]
