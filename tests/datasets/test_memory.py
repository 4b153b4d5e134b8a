"""The replay memory: balanced, repeatable, readable, and never another run's."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.memory import (
    Candidate,
    draw,
    memory_options,
    pool_of,
    read_memory,
    recipe_in,
    write_memory,
)
from tests.oracle import ORACLE

SCENARIO = Scenario('2-1', 4)
CLASSES = (1, 2, 3)


def image(name, steps, classes):
    return Candidate(f'{name}.jpg', f'{name}.png', steps, classes)


def candidates(shown):
    return [image(f'{i:03d}', (0,), tuple(sorted(c))) for i, c in enumerate(shown)]


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


def test_pool_is_the_memory_and_the_images_of_the_last_step():
    kept = [image('a', (0,), (1,)), image('b', (0,), (1, 2))]
    last = [image('c', (1,), (3,)), image('b', (0, 1), (1, 2, 3))]
    assert pool_of(kept, last) == [kept[0], last[1], last[0]]


def test_image_with_two_masks_is_in_the_pool_twice():
    kept, last = (
        Candidate('a.jpg', '1/a.png', (0,), (1,)),
        Candidate('a.jpg', '2/a.png', (1,), (3,)),
    )
    assert pool_of([kept], [last]) == [kept, last]
    drawn = draw([kept, last], CLASSES, 2, [0])
    assert drawn == {1: [kept], 2: [], 3: [last]}


def test_images_of_a_file_without_masks_are_in_the_pool_once():
    kept = [Candidate(f'{name}.jpg', None, (0,), (1,)) for name in 'ab']
    assert pool_of(kept, [image('b', (1,), (3,))]) == [kept[0], image('b', (1,), (3,))]


def test_pool_has_the_size_of_the_programs_and_draws_what_it_kept():
    """Steps of 200, 30 and 40 images that have none in common, a memory of 20."""
    facts = np.load(ORACLE / 'memory_pool.npz')
    kept, size = [], int(facts['size'])
    for step, count, expected in zip(
        facts['step'], facts['images_of_steps'], facts['program_pool'], strict=True
    ):
        # Class 1 at step 0, then one class a step.
        last = [image(f'{step}_{n:03d}', (int(step) - 1,), (int(step),)) for n in range(count)]
        pool = pool_of(kept, last)
        assert len(pool) == expected
        before, kept = kept, sum(draw(pool, range(1, step + 1), size, [0, step]).values(), [])
        assert len(kept) == size
        base = [x for x in kept if x.steps == (0,)]
        assert base and (step == 1 or set(base) <= set(before))


OPTIONS = dict(size=10, share='added', labels='trained')


@pytest.mark.parametrize(
    ('given', 'options'),
    [
        (dict(size=10), OPTIONS),
        (OPTIONS, OPTIONS),
        (dict(size=1, share=0.5, labels='seen'), dict(size=1, share=0.5, labels='seen')),
    ],
)
def test_options_have_defaults(given, options):
    assert memory_options(given) == options


@pytest.mark.parametrize(
    'given',
    [
        100, '100', [], {}, dict(size=0), dict(size=-5), dict(size='100'), dict(size=10.0),
        dict(size=True), dict(size=None), dict(number=3), dict(size=10, more=1),
        dict(size=10, share=2), dict(size=10, share=1.0), dict(size=10, share=0.0),
        dict(size=10, share='half'), dict(size=10, share=None), dict(size=10, labels='all'),
    ],
)  # fmt: skip
def test_wrong_options_are_refused_with_what_is_right(given):
    with pytest.raises(ValueError, match=r'memory=.*: write memory=dict\(size=<number') as error:
        memory_options(given)
    assert repr(given) in str(error.value)


@pytest.fixture
def written(tmp_path):
    pool = candidates([{1}, {2}, {1, 2}])
    drawn = draw(pool, (1, 2), 2, [0, 1])
    write_memory(tmp_path / 'memory.json', SCENARIO, 1, 0, 'abc', drawn, pool)
    return tmp_path / 'memory.json', drawn, pool


def test_file_is_json_with_an_image_a_line(written):
    path, drawn, pool = written
    content = json.loads(path.read_text())
    assert content['step'] == 1 and content['size'] == 2 and content['seed'] == 0
    assert len(path.read_text().splitlines()) == 6 + (1 + 2 + 1) + (1 + 3 + 1)
    memory = read_memory(path, SCENARIO, 1)
    assert memory.pool == pool
    assert memory.drawn == [x for part in drawn.values() for x in part]
    assert recipe_in(path) == 'abc'


@pytest.mark.parametrize('content', [None, '', '[]', '{}', '{"recipe": "ab', '[' * 10**5, '3'])
def test_file_that_is_not_whole_was_drawn_for_no_recipe(content, tmp_path):
    path = tmp_path / 'memory.json'
    if content is not None:
        path.write_text(content)
    assert recipe_in(path) is None


def test_file_of_version_0_1_names_no_masks(written):
    path, _, pool = written
    content = json.loads(path.read_text())
    for entry in content['drawn'] + content['pool']:
        del entry['mask']
    path.write_text(json.dumps(content))
    assert [(x.image, x.mask) for x in read_memory(path, SCENARIO, 1).pool] == [
        (x.image, None) for x in pool
    ]


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
