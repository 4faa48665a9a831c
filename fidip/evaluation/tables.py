"""Figures as tables: aligned Markdown for people, CSV and flat JSON for programs."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cell", "Table", "number"]

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header. Floats are figures of 0..1; None and NaN are figures that do not exist."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def markdown(self) -> str:
        """Return title and table, columns aligned so that it also reads well as plain text."""
        texts = [[_escape(number(cell)) for cell in row] for row in self.rows]
        columns = list(zip(self.header, *texts, strict=True))
        widths = [max(map(len, column)) for column in columns]
        is_text = [any(isinstance(row[i], str) for row in self.rows) for i in range(len(self.header))]
        lines = [_line(self.header, widths, is_text)]
        marks = ["-" * w if text else "-" * (w - 1) + ":" for w, text in zip(widths, is_text, strict=True)]
        lines.append(_line(marks, widths, is_text))
        lines += [_line(row, widths, is_text) for row in texts]
        return f"**{self.title}**\n\n" + "\n".join(lines)

    def csv(self) -> str:
        """Return the table as CSV with all digits; empty where there is no figure."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow(["" if _is_missing(cell) else cell for cell in row])
        return buffer.getvalue()


def number(cell: Cell) -> str:
    """Return a cell as text: three decimals for figures, a dash for none."""
    if _is_missing(cell):
        return "–"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def _is_missing(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _line(cells: Sequence[str], widths: Sequence[int], is_text: Sequence[bool]) -> str:
    padded = [
        cell.ljust(width) if text else cell.rjust(width)
        for cell, width, text in zip(cells, widths, is_text, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
