"""Recipes: all load, the table's rows differ in what they say only, mistakes are named."""

import pytest

from fidip.models.catalog import network_names
from fidip.recipes import load_any_recipe, load_recipe, recipe_names

ROWS = [f"table2-{letter}" for letter in "abcdefghijklmn"]


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_names_a_network_and_describes_itself(name):
    task, recipe = load_any_recipe(name)
    assert recipe.description
    assert task != "pose" or recipe.network.name in network_names()
    if name.startswith("finetune"):
        assert recipe.domain.mechanism == "none"


def test_the_promised_recipes_ship():
    networks = ("movenet", "resnet50", "hrnet-w48", "mobilenetv2")
    assert {f"{kind}-{n}" for kind in ("fidip", "finetune") for n in networks} | set(ROWS) <= set(
        recipe_names()
    )


def test_rows_of_table_2_differ_only_in_data_layers_adaptation_and_stage():
    full = load_recipe("fidip-resnet50").model_dump()
    seen = []
    for row in ROWS:
        values = load_recipe(row).model_dump()
        changed = {
            f"{section}.{key}"
            for section, inner in values.items()
            if isinstance(inner, dict)
            for key in inner
            if inner[key] != full[section][key]
        }
        assert changed <= {
            "freeze.through",
            "domain.mechanism",
            "domain.pre_epochs",
            "training.data",
            "training.epochs",
        }
        seen.append({k: v for k, v in values.items() if k != "description"})
    assert all(a != b for i, a in enumerate(seen) for b in seen[:i])
    assert seen[-1] == {k: v for k, v in full.items() if k != "description"}


@pytest.mark.parametrize("name", ["fidip-movenet", "fidip-resnet50", "fidip-hrnet-w48"])
def test_the_frozen_part_exists(name):
    import torch

    from fidip.models.catalog import build_network
    from fidip.models.freezing import groups_through

    recipe = load_recipe(name)
    with torch.device("meta"):
        network = build_network(recipe.network.name)
    assert groups_through(network, recipe.freeze.through)[-1] == recipe.freeze.through


def test_changes_win_over_the_file():
    recipe = load_recipe("finetune-movenet", ["optimizer.learning_rate=1e-3", "freeze.through=null"])
    assert recipe.optimizer.learning_rate == 1e-3
    assert recipe.freeze.through is None
    assert recipe.augmentation == load_recipe("fidip-movenet").augmentation


@pytest.mark.parametrize(
    "name, changes, text",
    [
        ("fidip-vgg", [], "unknown recipe 'fidip-vgg'; there are .*fidip-movenet"),
        ("fidip-movenet", ["learning_rate=1"], "expected SECTION.KEY=VALUE"),
        ("fidip-movenet", ["optimizer.learning_rate=fast"], r"optimizer\.learning_rate: .*got 'fast'"),
        ("fidip-movenet", ["optimizer.momentum=0.9"], r"optimizer\.momentum: Extra inputs"),
        ("fidip-movenet", ["domain.lambda_domain=-1"], "greater than or equal to 0"),
    ],
)
def test_mistakes_are_named(name, changes, text):
    with pytest.raises(ValueError, match=text):
        load_recipe(name, changes)


def test_a_circle_of_recipes(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"extends: {path}\n")
    with pytest.raises(ValueError, match="is it a circle"):
        load_recipe(str(path))


def test_yaml_that_makes_objects_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("network: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ValueError, match="cannot be read"):
        load_recipe(str(path))
