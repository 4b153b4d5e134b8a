"""Whatever lies where the replay memory should: it is that memory, or is refused."""

import json

from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.memory import Candidate, read_memory, write_memory

from .trial import EFFORT, TALLY, damaged, fuzz, junk, outcome, put

SCENARIO = Scenario('2-1', 4)


@st.composite
def changed(draw, content):
    """JSON with another value, or none, in one place."""
    content = json.loads(content)
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.booleans()):
            break
        place = inner
    if draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(junk | st.integers(-1, 3) | st.lists(st.integers(-1, 3)))
    return json.dumps(content).encode()


@EFFORT
def test_memory_is_whole_or_refused(examples, tmp_path):
    path = tmp_path / 'memory.json'
    pool = [Candidate('a.jpg', 'a.png', (0,), (1, 2)), Candidate('b.jpg', 'b.png', (0, 1), (3,))]
    write_memory(path, SCENARIO, 2, 0, '', {1: pool[:1], 3: pool[1:]}, pool)
    whole = path.read_bytes()

    def check(content):
        put(path, content)
        memory = outcome('memory file', lambda: read_memory(path, SCENARIO, 2), str(path), 'train')
        for x in sum(memory or (), []):
            assert type(x.image) is str and type(x.mask) in (str, type(None))
            assert set(x.steps) <= {0, 1}
            assert all(type(n) is int for n in (*x.steps, *x.classes))

    others = [Scenario('2-1', 4, order=[2, 1, 3, 4]), Scenario('3-1', 4), Scenario('1-1', 3)]
    foreign = []
    for scenario, step in [*((other, 1) for other in others), (SCENARIO, 1)]:
        write_memory(path, scenario, step, 0, '', {1: pool[:1]}, pool[:1])
        foreign.append(path.read_bytes())
    odd = st.sampled_from([None, b'[' * 10**5, b'\xff\xfe', b'1', b'null', *foreign])
    fuzz(2 * examples, odd | changed(whole) | damaged(whole), check)
    assert TALLY['memory file', 'taken'] and TALLY['memory file', 'refused'] > examples / 2
    put(path, whole)
    assert read_memory(path, SCENARIO, 2).pool == pool
