"""Digests and commands."""

import pytest

from syrip_gen.config import GenerateConfig
from syrip_gen.stages.provenance import command_line, digest_of, input_digests, path_digest


def test_digest_does_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_folder_digest_sees_names_and_sizes(tmp_path):
    folder = tmp_path / "rooms"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"12")
    first = path_digest(folder)
    assert path_digest(folder) == first
    (folder / "b.jpg").write_bytes(b"")
    assert path_digest(folder) != first


def test_digests_name_files_without_their_place(tmp_path):
    path = tmp_path / "real.json"
    path.write_text("{}")
    digests = input_digests({"poses": [str(path)], "textures": None})
    assert list(digests) == ["poses"]
    assert digests["poses"][0]["name"] == "real.json"
    assert str(tmp_path) not in str(digests)


def test_missing_input_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json does not exist"):
        input_digests({"poses": [str(tmp_path / "nowhere.json")]})


def test_command_has_what_differs_from_the_defaults():
    config = GenerateConfig(poses=("my poses.json", "b.json"), n=7, depth=True, workers=3)
    command = command_line("generate", config.identity(), GenerateConfig().identity())
    assert command == "syrip generate --poses 'my poses.json' --poses b.json --n 7 --depth"
