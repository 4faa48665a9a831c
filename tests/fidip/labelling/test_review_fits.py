"""Review of fits: what a person accepts or rejects goes into a second fits file."""

import shutil

import numpy as np
import pytest

from fidip.labelling.kinds import exporter_of, pictures_of
from fidip.labelling.review import open_or_create_review, write_review
from syrip_gen.config import FitConfig
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.geometry.camera import project
from syrip_gen.stages.fit import fit_files
from syrip_gen.stages.inputs import read_inputs
from syrip_gen.stages.run_shards import SilentProgress


@pytest.fixture
def fits(few_fits, tmp_path):
    """Six fits, the second rejected by the checks, the third without finite numbers; two of one photo."""
    with np.load(few_fits) as data:
        arrays = {name: data[name] for name in data.files}
    arrays["accepted"] = np.array([True, False, False, True, True, True])
    arrays["reason"] = np.array(["", "mean error 9 %", "nothing to fit", "", "", ""])
    arrays["keypoints_3d_m"][2] = np.nan
    arrays["file_name"] = np.array(["a.jpg", "../b.jpg", "c.jpg", "d.jpg", "d.jpg", ""])
    write_npz(tmp_path / "fits.npz", arrays)
    return tmp_path / "fits.npz"


def decide(store, image_id, status, *reasons):
    state = store.image(image_id)
    label = state.label.model_copy(update={"status": status, "reasons": reasons})
    store.save(image_id, state.row.revision, label, action=status, who="Ann")


def reviewed(fits):
    return FitBank.load(fits.with_name("fits.reviewed.npz"))


def test_a_review_begins_with_what_the_checks_said(fits):
    with open_or_create_review(fits) as store:
        assert store.path == fits.with_name("fits.review.project")
        rows = store.images()
        assert [row.name for row in rows] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "d.jpg#2", "fit 6"]
        assert [row.status for row in rows] == ["unreviewed", "rejected", "rejected", *["unreviewed"] * 3]
        assert [row.doubtful for row in rows] == [False, True, True, False, False, False]
        assert store.image(2).label.reasons == ("mean error 9 %",)
        assert store.image(3).label.people == ()
        bank = FitBank.load(fits)
        width, height = bank.image_size[0]
        pixels = project(bank.keypoints_3d_m[0], bank.focal_px[0], bank.focal_px[0], width / 2, height / 2)
        points = np.array(store.image(1).label.people[0].keypoints)
        inside = ((pixels >= 0) & (pixels <= (width, height))).all(axis=1)
        assert (points[:, 2] == np.where(inside, 2, 0)).all()
        np.testing.assert_allclose(points[inside, :2], pixels[inside], atol=0.0006)


def test_without_a_decision_the_fits_stay_as_they_are(fits):
    with open_or_create_review(fits) as store:
        done = write_review(store)
    assert (done.images, done.annotations) == (6, 4)
    with np.load(fits) as before, np.load(fits.with_name("fits.reviewed.npz")) as after:
        assert before.files == after.files
        for name in before.files:
            np.testing.assert_array_equal(before[name], after[name])


def test_decisions_go_into_a_second_file(fits):
    before = fits.read_bytes()
    with open_or_create_review(fits) as store, exporter_of(store):
        decide(store, 1, "rejected", "floating", "ugly")
        decide(store, 2, "reviewed")
        decide(store, 3, "reviewed")  # has no numbers: cannot be used
        decide(store, 4, "rejected")
        decide(store, 5, "reviewed")
    bank = reviewed(fits)
    assert bank.accepted.tolist() == [False, True, False, False, True, True]
    assert bank.reason.tolist() == [
        "review: floating, ugly", "", "nothing to fit", "review: rejected", "", ""
    ]  # fmt: skip
    assert fits.read_bytes() == before


def test_undoing_brings_the_verdict_of_the_checks_back(fits):
    with open_or_create_review(fits) as store:
        for image_id in (1, 2):
            decide(store, image_id, "reviewed" if image_id == 2 else "rejected", "ugly")
            write_review(store)
            store.save(image_id, 1, store.image(image_id).first, action="undo", who="Ann")
        write_review(store)
    bank, before = reviewed(fits), FitBank.load(fits)
    assert bank.accepted.tolist() == before.accepted.tolist()
    assert bank.reason.tolist() == before.reason.tolist()


def test_syrip_generate_takes_the_reviewed_fits(fits):
    with open_or_create_review(fits) as store:
        decide(store, 1, "rejected", "ugly")
        write_review(store)
    inputs = read_inputs((str(fits.with_name("fits.reviewed.npz")),))
    assert inputs.bank is not None
    assert inputs.bank.accepted.sum() == 3


def test_photos_and_overlays(few_poses, tmp_path):
    photos, overlays = tmp_path / "photos", tmp_path / "overlays"
    photos.mkdir()
    config = FitConfig(poses=(str(few_poses),), output=str(tmp_path / "fits.npz"), overlays=str(overlays))
    bank, _ = fit_files(config, SilentProgress())
    name = str(bank.file_name[1])
    (photos / name).parent.mkdir(parents=True, exist_ok=True)
    (photos / name).write_bytes(b"a photo")
    with open_or_create_review(tmp_path / "fits.npz", images=photos, overlays=overlays) as store:
        pictures = pictures_of(store)
        row = store.image(2).row
        assert pictures.path_of(row).read_bytes() == b"a photo"
        assert pictures.overlays(row) == ("mesh",)
        assert pictures.path_of(row, "mesh").parent == overlays
        assert pictures.path_of(row, "mesh").name.startswith("00001_")
        with pytest.raises(FileNotFoundError, match="there is no overlay 'depth'"):
            pictures.path_of(row, "depth")
        with pytest.raises(FileNotFoundError, match="is not in the image folder"):
            pictures.path_of(store.image(1).row)


def test_names_in_the_fits_cannot_lead_out(fits, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "b.jpg").write_bytes(b"secret")
    with open_or_create_review(fits, images=tmp_path / "photos") as store:
        with pytest.raises(ValueError, match="leaves the image folder"):
            pictures_of(store).path_of(store.image(2).row)
        with pytest.raises(ValueError, match="image name ''"):
            pictures_of(store).path_of(store.image(6).row)


def test_other_folders_may_be_given_later(fits, tmp_path):
    open_or_create_review(fits).close()
    for name in ("photos", "overlays"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    (tmp_path / "overlays" / "00000_a.jpg").write_bytes(b"mesh")
    with open_or_create_review(fits, images=tmp_path / "photos", overlays=tmp_path / "overlays") as store:
        row = store.image(1).row
        assert pictures_of(store).path_of(row).read_bytes() == b"a"
        assert pictures_of(store).path_of(row, "mesh").read_bytes() == b"mesh"


def test_fits_that_were_made_anew(fits, few_fits):
    open_or_create_review(fits).close()
    shutil.copyfile(few_fits, fits)
    with pytest.raises(ValueError, match=r"fits.review.project belongs to other fits; were they made anew\?"):
        open_or_create_review(fits)


def test_fits_that_are_made_anew_meanwhile(fits, few_fits):
    with open_or_create_review(fits) as store:
        decide(store, 1, "rejected")
        shutil.copyfile(few_fits, fits)
        with pytest.raises(RuntimeError, match=r"fits.npz was made anew since the review began; nothing was"):
            write_review(store)
    assert not fits.with_name("fits.reviewed.npz").exists()


def test_overlays_that_appear_later(fits, tmp_path):
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "notes_00000_.txt").touch()
    with open_or_create_review(fits, overlays=tmp_path / "overlays") as store:
        pictures, row = pictures_of(store), store.image(2).row
        assert pictures.overlays(row) == ()
        (tmp_path / "overlays" / "00001_b.jpg").touch()
        assert pictures.path_of(row, "mesh").name == "00001_b.jpg"
        (tmp_path / "overlays" / "00001_b.jpg").unlink()
        assert pictures.overlays(row) == ()


def test_what_are_no_fits(tmp_path, fits):
    text = tmp_path / "text.npz"
    text.write_text("hello")
    with pytest.raises(ValueError, match=r"no fits.npz of 'syrip fit'"):
        open_or_create_review(text)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"no fits.npz of 'syrip fit': it lacks accepted"):
        open_or_create_review(tmp_path / "other.npz")
    with np.load(fits) as data:
        arrays = {name: data[name] for name in data.files}
    np.savez(tmp_path / "pickled.npz", **(arrays | {"reason": np.array([None] * 6, dtype=object)}))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        open_or_create_review(tmp_path / "pickled.npz")
    np.savez(tmp_path / "short.npz", **(arrays | {"accepted": arrays["accepted"][:3]}))
    with pytest.raises(ValueError, match="accepted have not 6 entries each"):
        open_or_create_review(tmp_path / "short.npz")
    with pytest.raises(FileNotFoundError, match=r"--images .*: no such folder"):
        open_or_create_review(fits, images=tmp_path / "none")
    assert not list(tmp_path.glob("*.project"))
