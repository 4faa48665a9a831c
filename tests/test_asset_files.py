"""Shipped files are found, complete, and described."""

import pytest

from syrip_gen.asset_files import CHECKSUMS, asset_path, assets_dir, changed_assets


def test_every_shipped_file_is_listed_and_unchanged():
    """After a change of an asset: python -m syrip_gen.asset_files."""
    root = assets_dir()
    listed = {line.partition("  ")[2] for line in (root / CHECKSUMS).read_text().splitlines()}
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert there - {CHECKSUMS} == listed
    assert changed_assets() == []


def test_every_folder_has_its_licence_section():
    text = (assets_dir() / "LICENSES.md").read_text()
    folders = {path.name for path in assets_dir().iterdir() if path.is_dir()}
    assert {name for name in folders if f"## assets/{name}/" not in text} == set()


def test_missing_asset_is_named():
    with pytest.raises(FileNotFoundError, match=r"'bodies/giant\.npz' is missing"):
        asset_path("bodies/giant.npz")


@pytest.mark.parametrize("name", ["../cli.py", "/etc/passwd", "bodies/../../cli.py"])
def test_names_do_not_leave_the_folder(name):
    with pytest.raises(ValueError, match="leaves the assets folder"):
        asset_path(name)
