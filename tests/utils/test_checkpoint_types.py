"""A checkpoint is read as what it holds, and can name nothing that runs."""

import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmseg_dkd.utils.checkpoint_types import load

NUMBERS = ['?', 'u1', '<i4', '>i8', '<u2', 'f2', 'f4', '>f8']


def named(module, attribute):
    return f'c{module}\n{attribute}\n'.encode()


def text(value):
    return b'X' + struct.pack('<I', len(value.encode())) + value.encode()


def called(function, *arguments):
    return function + b'(' + b''.join(arguments) + b'tR'


def attribute(thing, of):
    return called(named('builtins', 'getattr'), thing, text(of))


HISTORY = named('mmengine.logging.history_buffer', 'HistoryBuffer')
EVAL = attribute(attribute(named('builtins', 'getattr'), '__self__'), 'eval')
GLOBALS = attribute(attribute(HISTORY, '__init__'), '__globals__')
CODE = text("__import__('os').mkdir(EXECUTED)")
RECONSTRUCT = named('numpy._core.multiarray', '_reconstruct')
ARRAY, DTYPE = named('numpy', 'ndarray'), named('numpy', 'dtype')
SCALAR = named('numpy._core.multiarray', 'scalar')
EMPTY = called(RECONSTRUCT, ARRAY, b'K\x00\x85', text('b'))
NEW_HISTORY = HISTORY + b')\x81'
ESCAPES = {
    'eval by getattr': called(EVAL, CODE),
    'eval in the place of a name that HistoryBuffer calls': GLOBALS
    + text('len')
    + EVAL
    + b's'
    + called(HISTORY, CODE, CODE),
    'the globals of a method': GLOBALS,
    'subclasses of object': called(attribute(attribute(HISTORY, '__base__'), '__subclasses__')),
    'a module': attribute(named('builtins', 'getattr'), '__self__'),
    'a function as data': named('builtins', 'getattr'),
    'a type as data': HISTORY,
    'a history of texts': called(HISTORY, CODE, CODE),
    'a history without numbers': NEW_HISTORY + b'}(' + text('_log_history') + CODE + b'ub',
    'an array of objects': EMPTY
    + b'(K\x01K\x01\x85'
    + called(DTYPE, text('O'))
    + b'\x89]'
    + EVAL
    + b'atb',
    'an array of another class': called(RECONSTRUCT, HISTORY, b'K\x00\x85', text('b')),
    'an array that was never filled': EMPTY,
    'numbers that are not there': EMPTY
    + b'(K\x01M\xff\xff\x85'
    + called(DTYPE, text('f8'))
    + b'\x89'
    + text('abc')
    + b'tb',
    'a type of records': called(DTYPE, text('f8,O')),
    'a type of texts': called(DTYPE, text('U8')),
    'a number of objects': called(SCALAR, called(DTYPE, text('O')), EVAL),
    'an attribute of an array': EMPTY + b'}(' + text('__class__') + EVAL + b'ub',
    'os.system': called(named('os', 'system'), text('mkdir EXECUTED')),
    'torch.load': called(named('torch', 'load'), text('EXECUTED')),
    'numpy.load': called(named('numpy', 'load'), text('EXECUTED')),
}


def write(path, pickled):
    """A checkpoint with this in the place of its pickle."""
    torch.save({}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in parts.items():
            archive.writestr(name, pickled if name.endswith('data.pkl') else content)


@pytest.mark.parametrize('escape', ESCAPES)
@pytest.mark.parametrize('allowed', [[], [getattr, HistoryBuffer, np.ndarray]])
def test_no_way_out(escape, allowed, tmp_path):
    target, path = tmp_path / 'executed', tmp_path / 'iter_2.pth'
    pickled = ESCAPES[escape].replace(b'EXECUTED', repr(str(target)).encode())
    # The length of the text is another one now.
    pickled = pickled.replace(
        CODE[:5], b'X' + struct.pack('<I', len(CODE) - 5 - 8 + len(repr(str(target))))
    )
    write(path, b'\x80\x02' + pickled + b'.')
    known = dict(HistoryBuffer.__init__.__globals__)
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(allowed)
    try:
        try:
            assert load(path) is None, 'an attribute is nothing'
        except ValueError as error:
            assert 'can be trusted' in str(error)
        assert set(torch.serialization.get_safe_globals()) == set(allowed), 'they are as they were'
    finally:
        torch.serialization.clear_safe_globals()
    assert not target.exists()
    assert HistoryBuffer.__init__.__globals__.keys() == known.keys()


def test_torchscript_is_no_checkpoint(tmp_path):
    torch.jit.script(torch.nn.ReLU()).save(tmp_path / 'model.pth')
    with pytest.raises(ValueError, match='TorchScript'):
        load(tmp_path / 'model.pth')


@pytest.mark.parametrize(
    'pickled',
    [
        # A list in itself, lists as deep as no recursion goes, pairs of the same pair 60 times.
        b']q\x00h\x00a',
        b']' * 100_000 + b'a' * 99_999,
        b'K\x01' + b''.join(b'q%ch%c\x86' % (i, i) for i in range(60)),
    ],
    ids=['endless', 'deep', 'doubled'],
)
def test_odd_shapes_end(pickled, tmp_path):
    write(tmp_path / 'x.pth', b'\x80\x02' + pickled + b'.')
    try:
        load(tmp_path / 'x.pth')
    except ValueError as error:
        assert 'recursion' in str(error)


@pytest.mark.parametrize('kind', NUMBERS)
def test_numbers_come_back(kind, tmp_path):
    whole = np.arange(6).reshape(2, 3).astype(kind)
    content = dict(
        arrays=[whole, np.asfortranarray(whole), whole[:0], whole[0, 0].reshape(())],
        scalar=whole[1, 2],
        tuple=(1, (whole, 'text')),
    )
    torch.save(content, tmp_path / 'x.pth')
    found = load(tmp_path / 'x.pth')
    pairs = zip(
        [*content['arrays'], content['scalar'], content['tuple'][1][0]],
        [*found['arrays'], found['scalar'], found['tuple'][1][0]],
        strict=True,
    )
    for expected, array in pairs:
        assert type(array) is type(expected) and array.dtype == expected.dtype
        assert array.shape == expected.shape and np.array_equal(array, expected)
    assert found['tuple'][0] == 1 and found['arrays'][0].flags.writeable


def test_history_comes_back_whole(tmp_path):
    history = HistoryBuffer([1.0, 2.5], [1, 3], max_length=7)
    history.update(4.0)
    state = OrderedDict(weight=torch.ones(2))
    state._metadata = dict(version=1)
    torch.save(dict(hub=dict(loss=history, again=history), state_dict=state), tmp_path / 'x.pth')
    found = load(tmp_path / 'x.pth')
    loss = found['hub']['loss']
    assert type(loss) is HistoryBuffer and found['hub']['again'] is loss
    assert [a.tolist() for a in loss.data] == [[1.0, 2.5, 4.0], [1, 3, 1]]
    assert loss.max_length == 7 and loss.statistics('max') == 4.0
    assert type(found['state_dict']) is OrderedDict and found['state_dict']._metadata == {
        'version': 1
    }
