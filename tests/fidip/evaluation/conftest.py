"""Small COCO files for every test of the evaluation."""

import json

import pytest

from tests.fidip.evaluation.random_people import noisy_results, random_people


@pytest.fixture
def people():
    return random_people()


@pytest.fixture
def results(people):
    return noisy_results(people)


@pytest.fixture
def write(tmp_path):
    """Write a value as JSON under a name; return the path."""

    def write(name, value):
        path = tmp_path / name
        path.write_text(json.dumps(value))
        return path

    return write
