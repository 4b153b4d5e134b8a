"""The replay memory: balanced, repeatable, readable, and never another run's."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.memory import Candidate, add_to_pool, draw, read_memory, write_memory

SCENARIO = Scenario('2-1', 4)
CLASSES = (1, 2, 3)


def candidates(shown):
    return [Candidate(f'{i:03d}.jpg', (0,), tuple(sorted(c))) for i, c in enumerate(shown)]


pools = st.lists(st.sets(st.sampled_from(CLASSES)), max_size=30).map(candidates)


@settings(deadline=None)
@given(pool=pools, size=st.integers(1, 40), seed=st.integers(0, 9))
def test_draw_is_balanced_complete_and_without_repetition(pool, size, seed):
    drawn = draw(pool, CLASSES, size, [seed, 1])
    images = [x.image for part in drawn.values() for x in part]
    assert len(set(images)) == len(images) <= size
    assert all(c in x.classes for c, part in drawn.items() for x in part)
    usable = [x for x in pool if x.classes]
    assert len(images) == min(size, len(usable)), 'as many as there are'
    left = Counter(c for x in usable if x.image not in images for c in x.classes)
    counts = {c: len(drawn[c]) for c in CLASSES}
    for c in CLASSES:
        # A class with images left was never passed over.
        assert not left[c] or counts[c] >= max(counts.values()) - 1, (counts, left)


@given(pool=pools, size=st.integers(1, 10), seed=st.integers(0, 5))
def test_same_seed_same_draw(pool, size, seed):
    assert draw(pool, CLASSES, size, [seed, 2]) == draw(pool, CLASSES, size, [seed, 2])


def test_other_seed_or_step_other_draw():
    pool = candidates([{1, 2}] * 40)
    draws = [draw(pool, (1, 2), 6, seed) for seed in ([0, 1], [1, 1], [0, 2])]
    assert draws[0] != draws[1] and draws[0] != draws[2]


def test_every_image_has_the_same_chance():
    pool, counts = candidates([{1}] * 10), np.zeros(10)
    for seed in range(2000):
        for x in draw(pool, (1,), 3, [seed])[1]:
            counts[int(x.image[:3])] += 1
    assert abs(counts - 600).max() < 5 * np.sqrt(600)


@pytest.mark.parametrize('size', [0, -3])
def test_size_must_be_positive(size):
    with pytest.raises(ValueError, match=f'memory.size must be at least 1, got {size}'):
        draw([], (1,), size, [0])


def test_pool_keeps_images_and_what_was_learned_of_them():
    first = [Candidate('a', (0,), (1,)), Candidate('b', (0,), (2,))]
    second = [Candidate('c', (1,), (3,)), Candidate('b', (1,), (2, 3))]
    assert add_to_pool(first, second) == [
        Candidate('a', (0,), (1,)),
        Candidate('b', (0, 1), (2, 3)),
        Candidate('c', (1,), (3,)),
    ]


@pytest.fixture
def written(tmp_path):
    pool = candidates([{1}, {2}, {1, 2}])
    drawn = draw(pool, (1, 2), 2, [0, 1])
    write_memory(tmp_path / 'memory.json', SCENARIO, 1, 0, drawn, pool)
    return tmp_path / 'memory.json', drawn, pool


def test_file_is_json_with_an_image_a_line(written):
    path, drawn, pool = written
    content = json.loads(path.read_text())
    assert content['step'] == 1 and content['size'] == 2 and content['seed'] == 0
    assert len(path.read_text().splitlines()) == 5 + (1 + 2 + 1) + (1 + 3 + 1)
    memory = read_memory(path, SCENARIO, 1)
    assert memory.pool == pool
    assert memory.drawn == [x for part in drawn.values() for x in part]


def test_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match='memory of step 1 is missing: train step 1 again'):
        read_memory(tmp_path / 'memory.json', SCENARIO, 1)


@pytest.mark.parametrize(
    'damage', [lambda t: t[:-20], lambda t: '[]', lambda t: t.replace('"pool"', '"fool"')]
)
def test_damaged_file_is_refused(written, damage):
    path = written[0]
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match='memory.json is no memory file'):
        read_memory(path, SCENARIO, 1)


def test_memory_of_another_step_or_scenario_is_refused(written):
    with pytest.raises(ValueError, match='is the memory of step 1 .* not of step 2'):
        read_memory(written[0], SCENARIO, 2)
    with pytest.raises(ValueError, match='of scenario'):
        read_memory(written[0], Scenario('2-1', 4, order=[2, 1, 3, 4]), 1)
