"""The web server of ``syrip label``: one labelling project, its pictures and its page, on loopback."""

from fidip.labelling.server.app import create_app
from fidip.labelling.server.run import LabelServer, serve

__all__ = ["LabelServer", "create_app", "serve"]
