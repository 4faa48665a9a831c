import random

import pytest

from fidip.exporting.split import hold_out, source_groups


def test_pictures_are_tied_through_others():
    sources = [{"a"}, {"b"}, {"c"}, {"a", "d"}, {"e"}, {"d", "c"}]
    assert source_groups(sources) == [[0, 2, 3, 5], [1], [4]]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
def test_the_share_is_met_as_groups_allow(share):
    sources = [{f"pose {n // 4}"} for n in range(400)]
    chosen = hold_out(sources, share)
    assert abs(sum(chosen) - 400 * share) <= 2
    assert len({n // 4 for n in range(400) if chosen[n]} & {n // 4 for n in range(400) if not chosen[n]}) == 0


def test_the_order_of_the_file_does_not_matter():
    sources = [{f"pose {n // 3}"} for n in range(60)]
    shuffled = random.Random(0).sample(sources, len(sources))
    sets = [
        {min(names) for names, held in zip(s, hold_out(s, 0.2), strict=True) if held}
        for s in (sources, shuffled)
    ]
    assert sets[0] == sets[1]
    assert len(sets[0]) == 4


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_each_side_gets_a_group(share):
    chosen = hold_out([{"a"}, {"a"}, {"b"}], share)
    assert 0 < sum(chosen) < 3
    assert chosen[0] == chosen[1]


def test_nothing_is_held_out_at_share_0():
    assert hold_out([{"a"}, {"b"}], 0) == [False, False]


def test_one_source_cannot_be_split():
    with pytest.raises(ValueError, match=r"have one source.*--val-share 0"):
        hold_out([{"a"}, {"a"}], 0.1)
