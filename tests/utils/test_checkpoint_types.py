"""The safe reader: what mmengine writes comes back as it was, and nothing else comes in."""

import builtins
import io
import itertools
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, history_buffer

from mmseg_dkd.utils import checkpoint_types
from mmseg_dkd.utils.checkpoint_types import load

from .pickles import BUILD, SETITEM, attribute, call, file_of, name, new, raw, value

HISTORY = 'mmengine.logging.history_buffer.HistoryBuffer'
RECONSTRUCT = 'numpy._core.multiarray._reconstruct'
SCALAR = 'numpy._core.multiarray.scalar'


def read_back(content, tmp_path):
    torch.save(content, tmp_path / 'iter_1.pth')
    return load(tmp_path / 'iter_1.pth')


def pickle_in(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(buffer) as archive:
        return archive.read('archive/data.pkl')


@pytest.mark.parametrize('numbers', [[0.1, float('nan'), 1e300], [3], [True, False]])
def test_histories_are_histories_again(numbers, tmp_path):
    history = HistoryBuffer(numbers, [1] * len(numbers), max_length=7)
    hub = dict(message_hub=dict(log_scalars=OrderedDict(loss=history, same=history)))
    scalars = read_back(hub, tmp_path)['message_hub']['log_scalars']
    found = scalars['loss']
    assert type(found) is HistoryBuffer and found is scalars['same']
    assert found.max_length == 7 and found._statistics_methods is history._statistics_methods
    for one, other in zip(found.data, history.data, strict=True):
        assert type(one) is np.ndarray and one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    found.update(2.5)
    history.update(2.5)
    assert found.current() == 2.5 and found.statistics('max', 1) == 2.5
    assert pickle_in(found) == pickle_in(history), 'other tools could not read what is saved next'


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.arange(3, dtype='>f4'),
    np.array(5, np.uint8),
    np.array([[True], [False]]),
    np.array([1j], np.complex64),
]


@pytest.mark.parametrize('array', ARRAYS, ids=lambda array: array.dtype.str)
def test_arrays_are_as_they_were(array, tmp_path):
    found = read_back(dict(palette=array), tmp_path)['palette']
    # pickle itself turns the bytes of a foreign order.
    array = pickle.loads(pickle.dumps(array, 2))
    assert isinstance(found, np.ndarray) and found.dtype == array.dtype
    assert found.flags.f_contiguous == array.flags.f_contiguous and found.flags.writeable
    np.testing.assert_array_equal(found, array)
    assert pickle_in(found) == pickle_in(array)


@pytest.mark.parametrize('kind', sorted(checkpoint_types.NUMBERS))
def test_numbers_of_numpy_are_as_they_were(kind, tmp_path):
    number = np.dtype(kind).type(1)
    found = read_back(dict(best=[number, number]), tmp_path)['best'][1]
    assert type(found) is type(number) and found == number


def test_files_of_numpy_1_are_read(tmp_path):
    content = dict(numbers=[np.float32(2), np.arange(3)], loss=HistoryBuffer([1.0], [1]))
    old = pickle_in(content).replace(b'cnumpy._core.', b'cnumpy.core.')
    assert b'_core' not in old and old.count(b'numpy.core') == 2
    (tmp_path / 'old.pth').write_bytes(file_of(old[2:-1]))
    found = load(tmp_path / 'old.pth')
    assert found['numbers'][0] == 2 and found['loss'].mean() == 1
    assert found['numbers'][1].tolist() == [0, 1, 2]


def dtype(code='f8', *state) -> bytes:
    made = call('numpy.dtype', code, False, True)
    return made + value((3, '<', None, None, None, -1, -1, 0) if not state else state) + BUILD


def array(of: bytes, content: object, shape=(1,)) -> bytes:
    made = call(RECONSTRUCT, name('numpy.ndarray'), (0,), raw(b'b'))
    return made + value((1, shape, of, False, content)) + BUILD


def history(**state) -> bytes:
    return new(HISTORY) + value(state) + BUILD


NUMBERS = array(dtype(), raw(b'01234567'))
OBJECT = call('numpy.dtype', 'O', False, True)
FIELDS = (3, '|', None, ('a',), {'a': (OBJECT, 0)}, 8, 1, 0)
THEIR_GLOBALS = attribute(attribute(name(HISTORY), '__init__'), '__globals__')
EVAL = attribute(attribute(name('builtins.getattr'), '__self__'), 'eval')
SOURCE = "open('executed', 'w')"
CHAINS = dict(
    globals=THEIR_GLOBALS + value('len') + EVAL + SETITEM,
    eval=EVAL,
    init=attribute(attribute(name(HISTORY), '__init__'), '__code__'),
    mro=attribute(name('collections.OrderedDict'), '__mro__'),
    base_of_a_value=attribute(attribute(value('x'), '__class__'), '__base__'),
    of_the_stand_in=attribute(name('builtins.getattr'), '__globals__'),
    of_a_made_thing=attribute(new(HISTORY), '__class__'),
    reduce=call(EVAL, SOURCE),
    by_torch=call('torch._tensor._rebuild_from_type_v2', EVAL, name(HISTORY), (SOURCE,), {}),
    called_class=call(HISTORY, SOURCE, SOURCE),
    # pickle lets a file set attributes of whatever it has.
    build_class=name(HISTORY) + value((None, {'__setstate__': name('torch.Tensor')})) + BUILD,
    build_function=name('builtins.getattr') + value((None, {'__defaults__': (1,)})) + BUILD,
    build_made=history(_log_history=NUMBERS, _count_history=NUMBERS, max_length=9)
    + value({'max_length': 1})
    + BUILD,
    item_of_class=name(HISTORY) + value('x') + value(1) + SETITEM,
    history_of_texts=history(_log_history='ab', _count_history='ab', max_length=9),
    history_of_callables=history(
        _log_history=[name('torch.Tensor')], _count_history=NUMBERS, max_length=9
    ),
    history_of_lengths=history(
        _log_history=NUMBERS, _count_history=array(dtype(), raw(b'0' * 16), (2,)), max_length=9
    ),
    objects=array(OBJECT, [name('torch.Tensor')]),
    # The eight bytes would be the address of an object.
    address=array(dtype('V8', *FIELDS), raw(b'A' * 8)),
    address_in_numbers=array(dtype('f8', *FIELDS), raw(b'A' * 8)),
    address_number=call(SCALAR, OBJECT, raw(b'A' * 8)),
    short_number=call(SCALAR, dtype(), raw(b'A' * 4)),
    short_array=array(dtype(), raw(b'A' * 8), (2**30,)),
    long_array=array(dtype(), raw(b'A' * 24), (1, 2)),
    text_dtype=array(value('f8'), raw(b'A' * 8)),
    commands_in_dtype=call('numpy.dtype', f'f8, ({SOURCE})f8'),
    importer=call('builtins.__import__', 'os'),
    numpy_load=call('numpy.load', 'x', None, True),
)


@pytest.fixture
def untouched():
    """What an attack could have changed in the process is as before."""
    before = dict(vars(history_buffer)), dict(vars(HistoryBuffer)), len(vars(builtins))
    stand_ins = [(thing, dict(vars(thing))) for thing, _ in checkpoint_types.STAND_INS]
    yield
    after = dict(vars(history_buffer)), dict(vars(HistoryBuffer)), len(vars(builtins))
    assert after == before
    assert all(dict(vars(thing)) == was for thing, was in stand_ins)
    assert checkpoint_types._method.__defaults__ is None


@pytest.mark.parametrize('attack', CHAINS)
def test_attacks_are_refused(attack, tmp_path, monkeypatch, untouched):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'iter_1.pth'
    path.write_bytes(file_of(CHAINS[attack]))
    with pytest.raises(ValueError, match=r'iter_1\.pth is no checkpoint that can be trusted'):
        load(path)
    assert not Path('executed').exists()


HOSTILE = [
    'x',
    "__import__('os').abort()",
    -1,
    2**31 - 1,
    None,
    [],
    {'__class__': 1, '_log_history': 1, 'real': 2, 'x': 3},
    (3, 'x', 1),
    ((), (None, {'real': 1})),
    (1, (2**30,), name('numpy.dtype'), False, raw(b'x')),
    name(HISTORY),
    name('builtins.getattr'),
]
NAMES = [path for _, path in checkpoint_types.STAND_INS]
DOORS = dict(
    call=lambda path, a, b: call(path, a, b),
    call_one=lambda path, a, b: call(path, a),
    new=lambda path, a, b: new(path, a),
    build=lambda path, a, b: new(path) + value(a) + BUILD,
    build_called=lambda path, a, b: call(path, 'f8', False) + value(a) + BUILD,
    by_torch=lambda path, a, b: call(
        'torch._tensor._rebuild_from_type_v2', name(path), name(path), (a,), b
    ),
)


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('path', NAMES)
def test_hostile_arguments_give_nothing_but_numbers(path, door, tmp_path, untouched):
    kinds = tuple(thing for thing, _ in checkpoint_types.STAND_INS if isinstance(thing, type))
    for a, b in itertools.product(HOSTILE, HOSTILE[::4]):
        file = io.BytesIO(file_of(DOORS[door](path, a, b)))
        try:
            found = checkpoint_types.read(file, 'x.pth', 'cpu')
        except ValueError as error:
            assert 'x.pth is no checkpoint that can be trusted' in str(error)
            continue
        # An empty stand-in, a method's place, or an array of numbers.
        assert found is None or type(found) in kinds
        assert not isinstance(found, np.ndarray) or found.dtype.kind in 'biufc'


@pytest.mark.parametrize('codec', ['zlib', 'bz2', 'rot13', 'unicode_escape', 'os', '../x', 'idna'])
def test_codecs_make_no_more_than_text_and_bytes(codec, tmp_path, untouched):
    """``_codecs.encode`` is on torch's own list, since bytes need it."""
    (tmp_path / 'x.pth').write_bytes(file_of(call('_codecs.encode', 'a', codec)))
    try:
        assert isinstance(load(tmp_path / 'x.pth'), str | bytes)
    except ValueError as error:
        assert 'x.pth is no checkpoint that can be trusted' in str(error)


def test_torchscript_is_refused_by_name(tmp_path):
    path = tmp_path / 'x.pth'
    with pytest.warns(DeprecationWarning):
        torch.jit.save(torch.jit.script(torch.nn.Identity()), path)
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r'x\.pth.*TorchScript'):
        load(path)


def test_reason_is_told_without_advice_to_trust(tmp_path):
    torch.save(dict(code=print), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='GLOBAL print was not an allowed global') as caught:
        load(tmp_path / 'x.pth')
    assert 'weights_only' not in str(caught.value) and 'safe_globals' not in str(caught.value)


def test_what_others_allow_is_theirs_alone(tmp_path):
    def evil():
        raise AssertionError('was called')

    theirs = [getattr, HistoryBuffer, (evil, 'numpy.dtype'), (evil, 'evil.evil')]
    for attack in (CHAINS['init'], CHAINS['address'], call('evil.evil')):
        (tmp_path / 'x.pth').write_bytes(file_of(attack))
        with torch.serialization.safe_globals(theirs):
            with pytest.raises(ValueError, match='no checkpoint that can be trusted'):
                load(tmp_path / 'x.pth')
            assert set(theirs) <= set(torch.serialization.get_safe_globals())


def test_everybody_may_read_what_mmengine_writes_and_gets_no_code(tmp_path, monkeypatch, untouched):
    """The stand-ins are on torch's list for the process, and nothing else of this package is."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / 'x.pth'
    torch.save(dict(best=np.float64(0.5), loss=HistoryBuffer([1.0], [1])), file)
    found = torch.load(file, weights_only=True)
    assert found['best'] == 0.5 and type(found['loss']) is HistoryBuffer
    for attack in CHAINS.values():
        file.write_bytes(file_of(attack))
        with pytest.raises(checkpoint_types.UNREADABLE):
            torch.load(file, weights_only=True)
    assert not Path('executed').exists()
