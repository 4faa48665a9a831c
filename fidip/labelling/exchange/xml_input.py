"""Read XML of unknown origin piece by piece: no document types, hence no entities; bounded depth and size."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

__all__ = ["MAX_XML_BYTES", "root_children"]

MAX_XML_BYTES = 1 << 30
"""Larger files are refused; CVAT's of 100,000 skeletons has about 200 MB."""
MAX_PIECE_BYTES = 64 << 20
"""Of one child of the root: no image has as many shapes."""
MAX_TAG_BYTES = 1 << 20
"""Of one tag with its attributes, which the parser looks at from its beginning with every chunk."""
MAX_DEPTH = 32
CHUNK = 1 << 16


def root_children(path: Path, root: str) -> Iterator[Element]:
    """Give the children of the root element one by one; only one is held in memory.

    Args:
        path: The file.
        root: Name that the root element must have.

    Raises:
        ValueError: If it is not XML, has another root, a document type, or is too large or deep.
    """
    size = os.path.getsize(path)
    if size > MAX_XML_BYTES:
        raise ValueError(f"{path}: {size / 2**30:.1f} GiB is more than the {MAX_XML_BYTES >> 30} GiB limit")
    with open(path, "rb") as file:
        yield from _Pieces(path, root).read(file)


class _Pieces:
    """Builds one child of the root at a time from expat's events."""

    def __init__(self, path: Path, root: str) -> None:
        self.path = path
        self.root = root
        self.depth = 0
        self.builder: TreeBuilder | None = None
        self.began_at = 0
        self.finished: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.EntityDeclHandler = self._refuse_doctype

    def read(self, file: IO[bytes]) -> Iterator[Element]:
        """Feed the file and give what is complete."""
        fed = 0
        while chunk := file.read(CHUNK):
            self._feed(chunk, is_last=False)
            fed += len(chunk)
            if fed - self.parser.CurrentByteIndex > MAX_TAG_BYTES:
                raise ValueError(f"{self.path}: a tag of more than {MAX_TAG_BYTES >> 20} MiB; not labels")
            if self.builder is not None and self.parser.CurrentByteIndex - self.began_at > MAX_PIECE_BYTES:
                raise ValueError(
                    f"{self.path}: an element of more than {MAX_PIECE_BYTES >> 20} MiB; not labels"
                )
            yield from self.finished
            self.finished.clear()
        self._feed(b"", is_last=True)

    def _feed(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self.parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise ValueError(
                f"{self.path}: not XML: {what} at line {error.lineno}, column {error.offset + 1}"
            ) from None
        except (LookupError, ValueError) as error:
            if str(error).startswith(f"{self.path}: "):  # what the handlers below say
                raise
            raise ValueError(f"{self.path}: {error}; expected XML in UTF-8") from None  # its encoding

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1 and tag != self.root:
            raise ValueError(f"{self.path}: expected the root element <{self.root}>, found <{tag[:40]}>")
        if self.depth > MAX_DEPTH:
            raise ValueError(f"{self.path}: elements nested deeper than {MAX_DEPTH} levels; not labels")
        if self.depth == 2:
            self.builder = TreeBuilder()
            self.began_at = self.parser.CurrentByteIndex
        if self.builder is not None:
            self.builder.start(tag, attributes)

    def _end(self, tag: str) -> None:
        if self.builder is not None:
            self.builder.end(tag)
            if self.depth == 2:
                self.finished.append(self.builder.close())
                self.builder = None
        self.depth -= 1

    def _text(self, text: str) -> None:
        if self.builder is not None:
            self.builder.data(text)

    def _refuse_doctype(self, *_: object) -> None:
        raise ValueError(
            f"{self.path}: has a document type or entities (<!DOCTYPE ...>), which are refused; "
            "CVAT writes none"
        )
