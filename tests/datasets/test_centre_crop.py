"""The papers' test images: short side resized, centre cut out."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import TRANSFORMS
from PIL import Image

import mmseg_dkd  # noqa: F401
from mmseg_dkd.runs.evaluate import centre_pipeline


@pytest.fixture(autouse=True, scope='module')
def scope():
    init_default_scope('mmseg')


def crop(image, mask, size):
    return TRANSFORMS.build(dict(type='CentreCrop', size=size)).transform(
        dict(img=image, gt_seg_map=mask, img_shape=image.shape[:2], ori_shape=image.shape[:2])
    )


@pytest.mark.parametrize('shape', [(40, 61), (61, 40), (40, 40), (41, 43)])
def test_without_resizing_it_is_the_middle_of_the_picture(shape):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 255, (*shape, 3), np.uint8), rng.integers(0, 9, shape, np.uint8)
    size = min(shape)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    done = crop(image, mask, size)
    assert np.array_equal(done['img'], image[top : top + size, left : left + size])
    assert np.array_equal(done['gt_seg_map'], mask[top : top + size, left : left + size])
    assert done['ori_shape'] == done['img_shape'] == (size, size)


@pytest.mark.parametrize(('shape', 'size'), [((60, 90), 30), ((50, 40), 80), ((33, 100), 47)])
def test_short_side_is_resized_and_labels_stay_labels(shape, size):
    mask = np.zeros(shape, np.uint8)
    mask[:, : shape[1] // 2] = 7
    mask[: shape[0] // 2] += 100
    image = np.repeat(mask[..., None], 3, axis=2)
    done = crop(image, mask, size)
    assert done['img'].shape == (size, size, 3) and done['gt_seg_map'].shape == (size, size)
    assert set(np.unique(done['gt_seg_map'])) == {0, 7, 100, 107}
    scale = size / min(shape)
    large = Image.fromarray(mask).resize(
        (round(shape[1] * scale), round(shape[0] * scale)), Image.Resampling.NEAREST
    )
    left, top = ((side - size) // 2 for side in large.size)
    expected = np.asarray(large.crop((left, top, left + size, top + size)))
    assert (done['gt_seg_map'] == expected).mean() > 0.95, 'but for rounding at the edges'


def test_pipeline_loads_crops_and_packs():
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(2048, 512), keep_ratio=True),
        dict(type='LoadAnnotations', reduce_zero_label=True),
        dict(type='PackSegInputs'),
    ]
    assert centre_pipeline(pipeline, 512) == [
        pipeline[0],
        pipeline[2],
        dict(type='CentreCrop', size=512),
        pipeline[3],
    ]


@pytest.mark.parametrize('kind', ['LoadImageFromFile', 'LoadAnnotations'])
def test_pipeline_that_loads_otherwise_is_refused(kind):
    pipeline = [dict(type=x) for x in ('LoadImageFromFile', 'LoadAnnotations') if x != kind]
    with pytest.raises(ValueError, match="leave view 'centre' out"):
        centre_pipeline(pipeline, 512)
