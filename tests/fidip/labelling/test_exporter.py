"""The background thread that writes the output."""

import json
import time

import pytest

from fidip.labelling.coco_export import write_coco
from fidip.labelling.exporter import Exporter
from fidip.labelling.store import LabelStore
from tests.fidip.labelling.projects import label, make_store


@pytest.fixture
def store(tmp_path):
    with make_store(tmp_path, "a.jpg", "b.jpg") as store:
        yield store


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def reviewed_images(path):
    return [image["id"] for image in json.loads(path.read_bytes())["images"] if image["status"] == "reviewed"]


def review(store, image_id):
    store.save(image_id, 0, label(status="reviewed"), action="review", who="Ann")


def test_it_writes_at_the_start_and_after_a_save(store):
    with Exporter(store, quiet_s=0.05) as exporter:
        wait_for(lambda: exporter.last)
        assert reviewed_images(store.output) == []
        review(store, 2)
        wait_for(lambda: reviewed_images(store.output) == [2])
        assert (exporter.last.images, exporter.last.annotations, exporter.last_error) == (2, 2, None)


def test_it_waits_for_a_pause(store):
    written = []

    def write(store):
        written.append(time.monotonic())
        return write_coco(store)

    with Exporter(store, write, quiet_s=0.5) as exporter:
        wait_for(lambda: exporter.last)
        for revision in range(5):
            store.save(1, revision, label(), action="move", who="Ann")
        saved = time.monotonic()
        wait_for(lambda: len(written) > 1)
    assert written[1] - saved > 0.3
    assert len(written) == 2


def test_closing_writes_what_is_left(store):
    with Exporter(store, quiet_s=60.0):
        review(store, 1)
        assert not store.output.exists()
    assert reviewed_images(store.output) == [1]


def test_flush_writes_now(store):
    with Exporter(store, quiet_s=60.0) as exporter:
        review(store, 1)
        assert exporter.flush().change == store.last_change()
        assert reviewed_images(store.output) == [1]


def test_a_failure_is_said_and_tried_again(store, caplog):
    store.output.mkdir()
    with Exporter(store, quiet_s=0.01) as exporter:
        wait_for(lambda: exporter.last_error)
        assert exporter.last_error.startswith(f"cannot write {store.output}")
        with pytest.raises(OSError, match="cannot write"):
            exporter.flush()
        store.output.rmdir()
        review(store, 1)
        exporter.flush()
        assert exporter.last_error is None
    assert reviewed_images(store.output) == [1]
    assert "the labels are safe in" in caplog.text


def test_a_save_of_another_process_meanwhile_is_not_written_over(store):
    with LabelStore.open(store.path) as other:

        def write(mine):
            done = write_coco(mine)
            if other.image(2).row.revision == 0:
                review(other, 2)  # after this process read, before it ends
            return done

        with Exporter(store, write, quiet_s=60.0) as exporter:
            exporter.flush()
            assert reviewed_images(store.output) == [2]
