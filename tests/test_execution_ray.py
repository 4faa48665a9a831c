"""The map over a local two-node Ray cluster, of which one node is killed in the middle."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from syrip_gen.config import GenerateConfig
from syrip_gen.execution import Shard
from syrip_gen.execution_ray import RayExecutor
from syrip_gen.pipeline import generate
from tests.folder_digests import digests

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.ray, pytest.mark.slow]
ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def second_node(cluster):
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    return node


def kill_when(cluster, node, is_time):
    """Kill a node from another thread as soon as a condition holds."""

    def watch():
        while not is_time():
            time.sleep(0.02)
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@dataclass(frozen=True)
class NodeJob:
    """Writes which node ran a shard."""

    folder: Path

    def __call__(self):
        return self.run

    def run(self, shard, progress):
        import ray

        node = ray.get_runtime_context().get_node_id()
        (self.folder / f"began-{shard.shard_id}-{node}").touch()
        time.sleep(0.2)
        return shard.shard_id, node


def test_shards_of_a_killed_node_run_on_the_other(cluster, second_node, tmp_path):
    shards = [Shard(i, i, i + 1) for i in range(16)]
    doomed = second_node.node_id
    began = lambda: any(doomed in path.name for path in tmp_path.iterdir())  # noqa: E731
    watcher = kill_when(cluster, second_node, began)
    results = dict(RayExecutor().map(NodeJob(tmp_path), shards, lambda _index: None))
    watcher.join(30)
    assert not watcher.is_alive()
    assert sorted(results) == list(range(16))
    assert len({path.name.rpartition("-")[2] for path in tmp_path.iterdir()}) == 2


def test_dataset_of_a_cluster_that_loses_a_node_is_the_same(
    cluster, second_node, few_fits, textures, tmp_path
):
    settings = {"poses": (str(few_fits),), "textures": str(textures), "n": 24, "size": "96x128"}
    generate(GenerateConfig(**settings, workers=1, output=str(tmp_path / "one")))
    shards = tmp_path / "ray/.syrip/shards"
    watcher = kill_when(cluster, second_node, lambda: len(list(shards.glob("*.jsonl"))) >= 1)
    words = ["--poses", few_fits, "--textures", textures, "--n", 24, "--size", "96x128"]
    words += ["--executor", "ray", "-o", f"file://{tmp_path}/ray"]
    done = subprocess.run(
        [sys.executable, "-m", "cli", "generate", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": cluster.address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    watcher.join(30)
    assert not watcher.is_alive()
    assert digests(tmp_path / "ray") == digests(tmp_path / "one")
