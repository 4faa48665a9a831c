"""Serve labelling projects in a process of its own, so that a test can kill it: one JSON line in, one out.

Run as ``python serving.py``; each line names a project file, a port (0: any) and a token.
"""

import json
import sys
from contextlib import ExitStack

from fidip.labelling.exporter import Exporter
from fidip.labelling.kinds import exporter_of, pictures_of
from fidip.labelling.server.run import LabelServer
from fidip.labelling.store import LabelStore


def main() -> None:
    """Serve what standard input asks for until it ends."""
    with ExitStack() as open_projects:
        for line in sys.stdin:
            wish = json.loads(line)
            store = open_projects.enter_context(LabelStore.open(wish["project"]))
            is_generated = store.kind == "review" and "annotations" in store.settings
            make = exporter_of if is_generated or store.kind == "label" else Exporter
            exporter = open_projects.enter_context(make(store))
            server = open_projects.enter_context(
                LabelServer(
                    store,
                    exporter,
                    port=wish["port"],
                    who="ada",
                    token=wish["token"],
                    pictures=pictures_of(store),
                )
            )
            print(json.dumps({"address": server.address, "port": server.port}), flush=True)


if __name__ == "__main__":
    main()
