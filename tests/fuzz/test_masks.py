"""Whatever lies where an image, a mask or the index of classes should: right labels, or none."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from mmseg_dkd.datasets import presence as module
from mmseg_dkd.datasets.presence import class_presence
from mmseg_dkd.runs import evaluate

from .trial import EFFORT, TALLY, damaged, fuzz, outcome, put

NUM_CLASSES, SIZE = 3, (4, 6)
LOADERS = [dict(type='LoadAnnotations', imdecode_backend=name) for name in ('pillow', 'cv2')]
CLASS_ID_OF = np.full(256, -1)
CLASS_ID_OF[: NUM_CLASSES + 1], CLASS_ID_OF[255] = range(NUM_CLASSES + 1), 255
VALID = [*range(NUM_CLASSES + 1), 255]
# Mode of Pillow to what an array of it holds, and a format that keeps it.
DEEP = {'I;16': (np.uint16, 'PNG'), 'I': (np.int32, 'TIFF'), 'F': (np.float32, 'TIFF')}


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """Processes take longer to start, and files to be flushed, than these masks to be read."""

    def write(path, write, remedy):
        path.parent.mkdir(exist_ok=True)
        with path.open('wb') as file:
            write(file)

    monkeypatch.setattr(module, 'ProcessPoolExecutor', ThreadPoolExecutor)
    monkeypatch.setattr(module, 'write_atomically', write)


@pytest.fixture
def image(tmp_path):
    Image.new('RGB', SIZE[::-1]).save(tmp_path / 'image.jpg')
    return tmp_path / 'image.jpg'


def encode(array, mode, kind):
    buffer = io.BytesIO()
    array = np.ascontiguousarray(array)
    if mode in DEEP:
        picture = Image.fromarray(array)
    else:
        picture = Image.fromarray(array.astype(np.uint8)).convert('L')
        if mode == 'P':
            picture.putpalette(list(range(256)) * 3)
        else:
            picture = picture.convert(mode)
    picture.save(buffer, kind)
    return buffer.getvalue()


@st.composite
def masks(draw):
    """Bytes of a mask, and the values that it holds; None for those that nobody knows."""
    size = draw(st.just(SIZE) | st.tuples(st.integers(1, 7), st.integers(1, 7)))
    mode = draw(st.sampled_from(['L', 'L', 'P', 'P', '1', 'LA', 'RGB', 'RGBA', *DEEP]))
    ids = st.sampled_from(VALID) if draw(st.booleans()) else st.integers(0, 255)
    if mode in DEEP:
        ids = ids | st.sampled_from([256, 257, 511, 65535])
    if mode == 'F':
        ids = ids | st.sampled_from([0.5, -1.0, float('nan'), float('inf'), 1e30])
    array = np.array(draw(st.lists(ids, min_size=1, max_size=3)))
    array = np.resize(array, size).astype(DEEP.get(mode, (np.uint8,))[0])
    kind = DEEP[mode][1] if mode in DEEP else draw(st.sampled_from(['PNG', 'TIFF']))
    content = encode(array, mode, kind)
    if draw(st.integers(0, 3)) == 0:
        return draw(damaged(content)), None
    right = size == SIZE and mode in ('L', 'P', *DEEP)
    return content, set(np.unique(array).tolist()) if right else set()


@EFFORT
def test_mask_gives_its_labels_or_is_refused(examples, image, tmp_path):
    path = tmp_path / 'mask.png'
    info = dict(img_path=str(image), seg_map_path=str(path), reduce_zero_label=False)

    def check(case):
        (content, values), loader = case
        put(path, content)
        found = outcome(
            'mask',
            lambda: class_presence(
                [info], loader, CLASS_ID_OF, NUM_CLASSES, tmp_path / 'cache'
            ).tolist(),
            str(path),
            'Mend or remove',
        )
        for file in (tmp_path / 'cache').glob('*'):
            file.unlink()
        if values:
            if not values <= set(VALID):
                assert found is None, values
            elif found is not None:
                assert found == [[c in values for c in range(NUM_CLASSES + 1)]]

    odd = st.sampled_from([(None, None), (b'', None)])
    fuzz(2 * examples, st.tuples(masks() | odd, st.sampled_from(LOADERS)), check)
    assert TALLY['mask', 'taken'] > examples / 10 and TALLY['mask', 'refused'] > examples


@st.composite
def images(draw):
    """Bytes of an image, and whether OpenCV can read it; None where nobody knows."""
    kind = draw(st.sampled_from(['JPEG', 'JPEG', 'PNG', 'BMP', 'PPM', 'WEBP', 'ICO', 'EPS']))
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    whole = buffer.getvalue()
    fate = draw(st.sampled_from(['whole', 'cut', 'damaged']))
    if fate == 'whole':
        return whole, kind not in ('ICO', 'EPS')
    if fate == 'cut':
        return whole[: draw(st.integers(0, len(whole) - 2))], False
    return draw(damaged(whole)), None


@EFFORT
def test_image_is_whole_or_is_refused(examples, tmp_path):
    path, mask = tmp_path / 'image', tmp_path / 'mask.png'
    Image.fromarray(np.ones(SIZE, np.uint8)).save(mask)
    info = dict(img_path=str(path), seg_map_path=str(mask), reduce_zero_label=False)

    def check(case):
        content, readable = case
        put(path, content)
        found = outcome(
            'image',
            lambda: class_presence(
                [info], LOADERS[0], CLASS_ID_OF, NUM_CLASSES, tmp_path / 'cache'
            ).tolist(),
            str(path),
            'Mend or remove',
        )
        if readable is not None:
            assert (found == [[False, True, False, False]]) == readable
        for file in (tmp_path / 'cache').glob('*'):
            file.unlink()

    fuzz(2 * examples, images() | st.just((None, False)), check)
    assert TALLY['image', 'taken'] > examples / 10 and TALLY['image', 'refused'] > examples / 2


@EFFORT
def test_damaged_index_is_made_anew(examples, image, tmp_path):
    mask = tmp_path / 'mask.png'
    Image.fromarray(np.resize(np.array([1, 3], np.uint8), SIZE)).save(mask)
    info = dict(img_path=str(image), seg_map_path=str(mask), reduce_zero_label=False)

    def build():
        return class_presence([info], LOADERS[0], CLASS_ID_OF, NUM_CLASSES, tmp_path / 'cache')

    expected = build().tolist()
    (cache,) = (tmp_path / 'cache').iterdir()
    whole = cache.read_bytes()
    stale = io.BytesIO()
    np.savez(stale, key='of format 1', shape=(1, 4), bits=np.packbits(np.ones(4, bool)))
    foreign = io.BytesIO()
    np.savez(foreign, weights=np.zeros(3))

    def check(content):
        put(cache, content)
        assert outcome('presence cache', build).tolist() == expected == [[False, True, False, True]]

    known = st.sampled_from([stale.getvalue(), foreign.getvalue()])
    fuzz(2 * examples, known | damaged(whole), check)


@pytest.mark.parametrize('reader, save', [(module, np.savez), (evaluate, np.savez_compressed)])
def test_array_with_a_changed_byte_is_as_it_was_or_none(reader, save, tmp_path):
    path, buffer = tmp_path / 'kept.npz', io.BytesIO()
    bits = np.packbits(np.ones((4, 2), bool))
    save(buffer, key='key', shape=(2, 4), bits=bits, confusion=np.ones((2, 4)))
    whole = buffer.getvalue()
    for place, value in enumerate(whole):
        path.write_bytes(whole[:place] + bytes([value ^ 1]) + whole[place + 1 :])
        found = outcome('array with a changed byte', lambda: reader._read(path, 'key'))
        assert found is None or found.all() and found.shape == (2, 4)
