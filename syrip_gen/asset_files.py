"""Where the files that syrip ships live: ``assets/`` of a checkout, or the copy inside an installed wheel."""

import hashlib
from functools import lru_cache
from pathlib import Path

__all__ = ["asset_path", "assets_dir", "changed_assets", "file_sha256", "write_checksums"]

CHECKSUMS = "SHA256SUMS"


@lru_cache(maxsize=1)
def assets_dir() -> Path:
    """Return the folder of shipped files.

    The wheel carries ``assets/`` as ``syrip_gen/assets`` (a top-level package called "assets" would clash
    with other people's); in a checkout it is the folder beside the package.

    Raises:
        FileNotFoundError: When neither exists, which means a broken installation.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "assets", package.parent / "assets"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"syrip's own assets are missing: looked in {package / 'assets'} and {package.parent / 'assets'}. "
        "Reinstall syrip (pip install --force-reinstall syrip) or restore the assets/ folder of the checkout."
    )


def asset_path(name: str) -> Path:
    """Return the path of one shipped file or folder, such as ``"bodies/infant.npz"``.

    Args:
        name: Path below ``assets/``, with forward slashes.

    Raises:
        FileNotFoundError: When the file does not exist.
    """
    root = assets_dir()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"asset name {name!r} leaves the assets folder {root}; use a path below it")
    if not path.exists():
        raise FileNotFoundError(
            f"shipped asset {name!r} is missing from {root}. Reinstall syrip, or restore the checkout's file."
        )
    return path


def file_sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_assets() -> list[str]:
    """Return the shipped files that are missing or differ from ``assets/SHA256SUMS``."""
    root = assets_dir()
    lines = (root / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    return [
        name
        for name, digest in expected.items()
        if not (root / name).is_file() or file_sha256(root / name) != digest
    ]


def write_checksums() -> Path:
    """Write ``assets/SHA256SUMS`` (the format of sha256sum) anew; run after a shipped file changes."""
    root = assets_dir()
    names = sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != CHECKSUMS
    )
    target = root / CHECKSUMS
    target.write_text("".join(f"{file_sha256(root / name)}  {name}\n" for name in names), encoding="utf-8")
    return target


if __name__ == "__main__":
    write_checksums()
