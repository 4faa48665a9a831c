"""``syrip export --yolo`` and ``--webdataset``: from options to the writers."""

from pathlib import Path

from fidip.export_options import ExportOptions
from fidip.exporting.shards import ShardExport, export_shards, shard_pattern
from fidip.exporting.yolo import YoloExport, export_yolo
from fidip.output_check import check_output_folder

__all__ = ["export_dataset"]


def export_dataset(source: str | Path, options: ExportOptions) -> YoloExport | ShardExport:
    """Write a dataset in the layout that the options name.

    Raises:
        FileNotFoundError: If the source or its pictures' folder is missing.
        ValueError: If it cannot be exported there.
    """
    if options.yolo is not None:
        check_output_folder(options.yolo, "--yolo")
        return export_yolo(
            source,
            options.yolo,
            images=options.images,
            val_share=options.val_share,
            link=options.pictures == "link",
        )
    check_output_folder(shard_pattern(options.webdataset)[0], "--webdataset")
    return export_shards(
        source,
        options.webdataset,
        images=options.images,
        val_share=options.val_share,
        shard_size=options.shard_size,
    )
