"""Whatever lies where a checkpoint should: a step's weights, or an error, and no code is run."""

import builtins
import io
import os
import pickle

import pytest
import torch
from hypothesis import strategies as st
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmseg_dkd import Scenario
from mmseg_dkd.engine import hand_over, start_from
from mmseg_dkd.runs import resume as intact
from mmseg_dkd.utils import checkpoint_types

from .trial import EFFORT, TALLY, damaged, fuzz, junk, outcome, put

SCENARIO = Scenario('2-1', 4)


def checkpoint(scenario=SCENARIO, step=1, **parts):
    """What mmengine writes, but for the size."""
    meta = dict(seed=0, incremental=hand_over.describe(scenario, step))
    history = dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1])))
    state = {'decode_head.conv_seg.weight': torch.ones(3)}
    return dict(dict(meta=meta, state_dict=state, message_hub=history), **parts)


def saved(content, zipped=True):
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


WHOLE = {zipped: saved(checkpoint(), zipped) for zipped in (True, False)}
FOREIGN = [
    checkpoint(Scenario('3-1', 4)),
    checkpoint(Scenario('2-1', 4, order=[2, 1, 3, 4])),
    checkpoint(Scenario('2-1', 4, 'disjoint')),
    checkpoint(step=0),
    checkpoint(step=2),
    checkpoint(meta={}),
    torch.nn.Conv2d(2, 2, 1).state_dict(),
    [torch.ones(2)],
    torch.ones(2),
]


@st.composite
def replaced(draw):
    """A checkpoint with something else in one of its parts."""
    content = checkpoint()
    key = draw(st.sampled_from(['meta', 'state_dict', 'incremental', 'weight', 'all', 'gone']))
    if key == 'incremental':
        part = content['meta']['incremental']
        part[draw(st.sampled_from(list(part)))] = draw(junk)
    elif key == 'weight':
        content['state_dict'] = {'decode_head.conv_seg.weight': draw(junk)}
    elif key == 'gone':
        content.pop(draw(st.sampled_from(['meta', 'state_dict'])))
    else:
        content = draw(junk) if key == 'all' else dict(content, **{key: draw(junk)})
    return saved(content, draw(st.booleans()))


files = st.one_of(
    damaged(WHOLE[True]),
    damaged(WHOLE[False]),
    replaced(),
    st.sampled_from([None, *map(saved, FOREIGN), *WHOLE.values()]),
)


@EFFORT
def test_checkpoint_is_the_steps_or_refused(examples, tmp_path):
    path = tmp_path / 'iter_2.pth'
    (tmp_path / 'last_checkpoint').write_text(str(path))

    def check(content):
        put(path, content)
        found = outcome('checkpoint', lambda: hand_over.load(path, SCENARIO, 1), str(path))
        if found is not None:
            assert found['meta']['incremental']['fingerprint'] == SCENARIO.fingerprint
            assert all(isinstance(t, torch.Tensor) for t in found['state_dict'].values())
        cfg = Config(dict(randomness=dict(seed=0)))
        outcome('checkpoint to resume', lambda: intact.go_on(cfg, tmp_path))
        outcome('start_from', lambda: start_from.load(path), str(path))
        outcome('checkpoint for mmengine', lambda: load_by_mmengine(path), str(path))

    fuzz(2 * examples, files, check)
    assert TALLY['checkpoint', 'taken'] and TALLY['checkpoint', 'refused'] > examples
    assert TALLY['checkpoint to resume', 'refused'] == 0, 'it goes back to one before'


def load_by_mmengine(path):
    return CheckpointLoader.load_checkpoint(str(path), 'cpu', logger='silent')


class Evil:
    """Calls something when it is unpickled."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def evils(target):
    """Pickles that would each create a file."""
    code = f'open({str(target)!r}, "w")'
    yield Evil(open, str(target), 'w')
    yield Evil(os.system, f'touch {target}')
    yield Evil(os.mkdir, str(target))
    yield Evil(exec, code)
    yield Evil(eval, code)
    yield Evil(builtins.__import__, 'os')
    yield Evil(torch.save, {}, str(target))


@pytest.mark.parametrize('number', range(7))
@pytest.mark.parametrize('form', ['zip', 'legacy', 'pickle'])
def test_code_in_a_file_is_never_run(number, form, tmp_path):
    target, path = tmp_path / 'executed', tmp_path / 'iter_2.pth'
    evil = list(evils(target))[number]
    for content in (evil, dict(checkpoint(), extra=evil), checkpoint(meta=evil)):
        if form == 'pickle':
            put(path, pickle.dumps(content))
        else:
            put(path, saved(content, form == 'zip'))
        for read in (
            checkpoint_types.load,
            load_by_mmengine,
            start_from.load,
            lambda file: hand_over.load(file, SCENARIO, 1),
        ):
            found = outcome('file with code', lambda read=read: read(path), str(path))
            assert found is None and not target.exists()
        (tmp_path / 'last_checkpoint').write_text(str(path))
        assert not intact.go_on(Config({}), tmp_path) and not target.exists()


def test_the_files_with_code_would_run_it(tmp_path):
    content = pickle.dumps(next(iter(evils(tmp_path / 'executed'))))
    pickle.loads(content)
    assert (tmp_path / 'executed').exists()
