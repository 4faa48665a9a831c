import dataclasses
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from syrip_gen.fitting.bank import FitBank


def make_bank(count: int = 3) -> FitBank:
    rng = np.random.default_rng(0)
    return FitBank(
        betas=rng.standard_normal((count, 20)),
        global_orient=rng.standard_normal((count, 3)),
        body_pose=rng.standard_normal((count, 23, 3)),
        transl=rng.standard_normal((count, 3)),
        focal_px=np.full(count, 500.0),
        image_size=np.tile([640, 480], (count, 1)),
        keypoints_3d_m=rng.standard_normal((count, 17, 3)),
        reprojection_error=np.full(count, 0.01),
        accepted=np.arange(count) != 1,
        reason=np.where(np.arange(count) == 1, "poor reprojection", ""),
        image_id=np.arange(count),
        annotation_id=np.arange(count),
        file_name=np.array([f"{i}.jpg" for i in range(count)]),
        pose_id=np.array([f"f:{i}:{i}" for i in range(count)]),
        posture=np.array(["Supine", "", "Sitting"][:count]),
        body="infant:abc",
    )


def test_round_trip(tmp_path) -> None:
    bank = make_bank()
    bank.save(tmp_path / "fits.npz")
    again = FitBank.load(tmp_path / "fits.npz")
    for field in dataclasses.fields(FitBank):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(bank, field.name))


def test_equal_banks_have_equal_bytes(tmp_path) -> None:
    make_bank().save(tmp_path / "a.npz")
    make_bank().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_failed_save_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "fits.npz"
    make_bank().save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        make_bank(2).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fits.npz"]


def test_reasons_are_counted() -> None:
    assert make_bank().reasons() == {"poor reprojection": 1}


def test_select_keeps_rows_together() -> None:
    part = make_bank().select(np.array([2, 0]))
    assert part.pose_id.tolist() == ["f:2:2", "f:0:0"]
    assert part.body == "infant:abc"


def test_json_has_no_nan() -> None:
    bank = make_bank()
    bank.betas[1, 0] = np.nan
    records = json.loads(json.dumps(bank.to_json(), allow_nan=False))
    assert records[1]["betas"] is None
    assert records[0]["focal_px"] == 500.0
    assert records[2]["accepted"] is True


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        FitBank.load("nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all"])
def test_other_files_are_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a fit bank"):
        FitBank.load(path)


def test_truncated_bank_is_refused(tmp_path) -> None:
    path = tmp_path / "x.npz"
    make_bank().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="not a fit bank"):
        FitBank.load(path)


def test_missing_arrays_are_named(tmp_path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, betas=np.zeros((1, 20)))
    with pytest.raises(ValueError, match="it lacks accepted, annotation_id"):
        FitBank.load(path)


class _Bomb:
    def __reduce__(self):
        return (print, ("boom",))


def test_pickled_arrays_are_not_executed(tmp_path, capsys) -> None:
    path = tmp_path / "x.npz"
    make_bank().save(path)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([_Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path) as old:
        items = {name: old.read(name) for name in old.namelist()}
    items["reason.npy"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as new:
        for name, data in items.items():
            new.writestr(name, data)
    assert pickle.dumps(_Bomb())
    with pytest.raises(ValueError, match="not a fit bank"):
        FitBank.load(path)
    assert "boom" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, message",
    [
        ({"focal_px": np.zeros(2)}, r"betas has shape \(3, 20\), expected \(2, None\)"),
        ({"body_pose": np.zeros((3, 69))}, "body_pose has shape"),
        ({"accepted": np.zeros(3)}, "accepted has type float64"),
        ({"transl": np.full((3, 3), np.nan)}, "transl of an accepted fit is not finite"),
        ({"pose_id": np.array(["a", "a", "b"])}, "pose_id must be unique"),
    ],
)
def test_unsound_banks_are_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(make_bank(), **change)
