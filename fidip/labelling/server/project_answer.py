"""The answer that opens the page: the list of all images, made anew only when something changed."""

import threading
from contextlib import suppress

from fidip.labelling.server.messages import project_message
from fidip.labelling.server.replies import EncodedJson
from fidip.labelling.store import LabelStore

__all__ = ["ProjectAnswer"]


class ProjectAnswer:
    """What ``GET /api/project`` says; 10,000 images take a tenth of a second of work to list.

    Args:
        store: The project.
        who: Author of edits that do not name theirs.
    """

    def __init__(self, store: LabelStore, who: str) -> None:
        self._store = store
        self._who = who
        self._lock = threading.Lock()
        self._key: tuple[int, str | None] | None = None
        self._answer = EncodedJson(None)

    def get(self) -> EncodedJson:
        """Return the answer.

        Raises:
            OSError: If the project cannot be read now.
        """
        with self._lock:
            key = (self._store.last_change(), self._store.settings.get("order"))  # before what it stands for
            if key != self._key:
                self._answer = EncodedJson(project_message(self._store, self._who))
                self._key = key
            return self._answer

    def make_ready(self) -> threading.Thread:
        """Make it in the background, so that the first page to open finds it made; returns the thread."""

        def make() -> None:
            with suppress(OSError):  # who asks for it is told
                self.get().compressed  # noqa: B018  made when it is first looked at

        thread = threading.Thread(target=make, name="project-answer", daemon=True)
        thread.start()
        return thread
