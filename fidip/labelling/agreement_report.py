"""``syrip report --against``: the agreement of two labellers as text, flat JSON and a page."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.evaluation.tables import Table
from fidip.labelling.agreement import PCK_SHARES, Agreement, PointAgreement, agreement_of
from fidip.labelling.agreement_sources import labels_by, pair_names, same_names, source_of_file
from fidip.labelling.coco_export import write_atomically
from fidip.labelling.exchange.names import some_names
from fidip.labelling.exchange.project_input import check_no_labels_lost
from fidip.labelling.same_pictures import check_same_pictures
from fidip.output_check import check_output_file

__all__ = ["AgreementReport", "report_agreement"]

WORST = 12
"""People and image names that the page and the text show."""
VISIBILITY_WORDS = ("absent", "occluded", "visible")


@dataclass(frozen=True, slots=True, eq=False)
class AgreementReport:
    """What was found, and the page that was written."""

    agreement: Agreement
    output: Path | None
    note: str = ""
    """What the pairing of images rests on, where it is not certain."""

    def summary(self) -> str:
        """Return what the command prints."""
        a = self.agreement
        people = _counted(len(a.pairs), "person", "people")
        lines = [
            f"{a.names[0]} against {a.names[1]}",
            f"  {people} on {_counted(a.num_images, 'image')} that both labelled",
            f"  OKS {_number(a.mean_oks)}   "
            + "   ".join(f"PCK@{share:g} {_number(a.overall.pck[share])}" for share in PCK_SHARES)
            + f"   mean distance {_number(a.overall.distance_px, 2)} px",
            f"  visibility: same for {_percent(a.overall.same_visibility)} of points, "
            f"kappa {_number(a.overall.kappa)}",
        ]
        if a.num_postures:
            lines.append(
                f"  posture: same for {_percent(a.same_posture)} of "
                f"{_counted(a.num_postures, 'person', 'people')}, kappa {_number(a.posture_kappa)}"
            )
        lines += [f"  {note}" for note in self._notes()]
        lines += ["", keypoint_table(a).markdown()]
        if self.output is not None:
            lines += ["", f"Wrote {self.output}"]
        return "\n".join(lines)

    def figures(self) -> dict[str, Any]:
        """Return the same figures flat; None where a figure does not exist."""
        a = self.agreement
        flat: dict[str, Any] = {
            "first": a.names[0],
            "second": a.names[1],
            "num_images": a.num_images,
            "num_people": len(a.pairs),
            "num_only_first": len(a.only[0]),
            "num_only_second": len(a.only[1]),
            "num_rejected_by_first_alone": len(a.rejected[0]),
            "num_rejected_by_second_alone": len(a.rejected[1]),
            "num_rejected_by_both": a.num_rejected_by_both,
            "num_surplus_people_first": a.surplus_people[0],
            "num_surplus_people_second": a.surplus_people[1],
            "oks": a.mean_oks,
            "num_postures": a.num_postures,
            "posture_same": a.same_posture,
            "posture_kappa": a.posture_kappa,
        }
        for point in (a.overall, *a.points):
            flat |= {f"{point.name}_{key}": value for key, value in _figures_of(point).items()}
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in flat.items()}

    def _notes(self) -> list[str]:
        return [*([self.note] if self.note else []), *notes_of(self.agreement)]

    def page(self) -> str:
        """Return one HTML page that needs nothing else; names are escaped."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("fidip.labelling", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        a = self.agreement
        worst = sorted((p for p in a.pairs if not math.isnan(p.oks)), key=lambda p: p.oks)[:WORST]
        return environment.get_template("agreement.html.j2").render(
            a=a,
            tiles=_tiles(a),
            notes=self._notes(),
            groups=_bar_groups(a),
            rows=[(p.name.replace("_", " "), _cells(p)) for p in (*a.points, a.overall)],
            shares=[f"{share:g}" for share in PCK_SHARES],
            words=VISIBILITY_WORDS,
            visibility=a.visibility.tolist(),
            worst=[
                (p.image, _number(p.oks), _number(p.distance_px, 1), _percent(p.distance_px / p.side_px))
                for p in worst
            ],
        )


def report_agreement(
    first: str | Path,
    second: str | Path | None = None,
    *,
    between: tuple[str, str] | None = None,
    output: str | Path | None = None,
    same_pictures: bool = False,
) -> AgreementReport:
    """Compare two labellers and write the page.

    Args:
        first: A file of labels, or a labelling project.
        second: Another, to compare with.
        between: Two names instead, of people who saved labels in the project ``first``.
        output: HTML file to write; None for none.
        same_pictures: The pictures are the same although their files or folders differ.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not understood, nothing can be compared, or images of the same names are
            different pictures.
        OSError: If the page cannot be written.
    """
    if output is not None:
        check_output_file(output, "--output")
        check_no_labels_lost(output, "--output", first, *([] if second is None else [second]))
    note = ""
    if between is not None:
        names = between
        labels = labels_by(first, between[0]), labels_by(first, between[1])
    else:
        if second is None:
            raise ValueError("expected a second file to compare with")
        names = str(first), str(second)
        sources = source_of_file(first), source_of_file(second)
        labels = sources[0].labels, sources[1].labels
        note = check_same_pictures(sources, pair_names(*labels), names, is_declared=same_pictures)
    report = AgreementReport(
        agreement_of(*same_names(*labels), names), None if output is None else Path(output), note
    )
    if report.output is not None:
        report.output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(report.output, report.page().encode("utf-8", "replace"))
    return report


def notes_of(a: Agreement) -> list[str]:
    """Return what is not in the figures, a sentence each."""
    notes = []
    for name, only, rejected, surplus in zip(a.names, a.only, a.rejected, a.surplus_people, strict=True):
        if only:
            notes.append(f"only {name} has {_counted(len(only), 'image')}: {some_names(only, WORST)}")
        if rejected:
            notes.append(
                f"only {name} rejected {_counted(len(rejected), 'image')}: {some_names(rejected, WORST)}"
            )
        if surplus:
            notes.append(f"only {name} labelled {_counted(surplus, 'person', 'people')} on images of both")
    if a.num_rejected_by_both:
        notes.append(f"both rejected {_counted(a.num_rejected_by_both, 'image')}")
    return notes


def keypoint_table(a: Agreement) -> Table:
    """One row a keypoint, and one for all."""
    header = (
        "Keypoint", "Both placed", "OKS", "Distance px", "% of box", *(f"PCK@{s:g}" for s in PCK_SHARES),
        "Same v", "Kappa",
    )  # fmt: skip
    rows = [
        (
            p.name, p.num_placed, p.oks, p.distance_px, 100 * p.distance_share, *p.pck.values(),
            p.same_visibility, p.kappa,
        )
        for p in (*a.points, a.overall)
    ]  # fmt: skip
    return Table("Agreement by keypoint", header, tuple(rows))


def _figures_of(point: PointAgreement) -> dict[str, Any]:
    return {
        "num": point.num,
        "num_placed": point.num_placed,
        "oks": point.oks,
        "distance_px": point.distance_px,
        "distance_of_box": point.distance_share,
        **{f"pck_{share:g}": value for share, value in point.pck.items()},
        "visibility_same": point.same_visibility,
        "visibility_kappa": point.kappa,
    }


def _tiles(a: Agreement) -> list[tuple[str, str]]:
    tiles = [
        (f"{a.num_images:,}", "images that both labelled"),
        (f"{len(a.pairs):,}", "people on them"),
        (_number(a.mean_oks), "OKS, mean of people"),
        *((_number(a.overall.pck[share]), f"PCK@{share:g}") for share in PCK_SHARES),
        (_number(a.overall.kappa), "kappa of visibility"),
    ]
    if a.num_postures:
        tiles.append((_number(a.posture_kappa), f"kappa of posture ({a.num_postures} people)"))
    return tiles


def _bar_groups(a: Agreement) -> list[dict[str, Any]]:
    """Return what the page draws as bars: a title, a hint and rows of name, width in percent and text."""
    longest = max((p.distance_share for p in a.points if not math.isnan(p.distance_share)), default=0) or 1
    return [
        _bars(a, "OKS", "1 is the same place; COCO's sigmas", lambda p: p.oks, 1, _number),
        _bars(
            a, "Mean distance", "percent of the longer side of the box; the longest bar is the largest",
            lambda p: p.distance_share, longest, _percent,
        ),
        _bars(a, f"PCK@{PCK_SHARES[0]:g}", "share of points at most this far apart",
              lambda p: p.pck[PCK_SHARES[0]], 1, _number),
        _bars(a, "Kappa of visibility", "0 is chance, 1 is full agreement", lambda p: p.kappa, 1, _number),
    ]  # fmt: skip


def _bars(a: Agreement, title: str, hint: str, value: Any, full: float, text: Any) -> dict[str, Any]:
    rows = []
    for point in a.points:
        number = value(point)
        width = 0.0 if math.isnan(number) else 100 * min(max(number / full, 0), 1)
        rows.append((point.name.replace("_", " "), f"{width:.1f}", text(number)))
    return {"title": title, "hint": hint, "rows": rows}


def _cells(point: PointAgreement) -> list[str]:
    return [
        str(point.num_placed), _number(point.oks), _number(point.distance_px, 2),
        _percent(point.distance_share),
        *(_number(value) for value in point.pck.values()),
        _percent(point.same_visibility), _number(point.kappa),
    ]  # fmt: skip


def _counted(count: int, noun: str, nouns: str = "") -> str:
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def _number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "\u2212")


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"
