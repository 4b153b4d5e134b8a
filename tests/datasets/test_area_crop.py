"""RandomAreaCrop: geometry, alignment of image and labels, and torchvision's distribution."""

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from mmseg_dkd.datasets.area_crop import RandomAreaCrop

DRAWS = 3000


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    np.random.seed(0)


def sample(height: int, width: int) -> dict:
    """Return an image of 4 x 4 tiles whose pixel value is 10 times the tile's label."""
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    label = (4 * rows[:, None] + columns).astype(np.uint8)
    image = np.repeat(10 * label[..., None], 3, axis=2)
    return dict(
        img=image,
        gt_seg_map=label,
        seg_fields=['gt_seg_map'],
        img_shape=(height, width),
        ori_shape=(height, width),
    )


def central_box(height: int, width: int) -> tuple[int, int, int, int]:
    # mmcv's cache_randomness holds its transform weakly, so a temporary would be gone too early.
    crop = RandomAreaCrop(attempts=0)
    return crop.draw_box(height, width)


def reference_areas(height: int, width: int) -> np.ndarray:
    """Kept area fractions by the rule torchvision documents for RandomResizedCrop."""
    rng = np.random.default_rng(1)
    area = height * width * rng.uniform(0.5, 2.0, (DRAWS, 10))
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), (DRAWS, 10)))
    box_width, box_height = np.sqrt(area * aspect).round(), np.sqrt(area / aspect).round()
    fits = (box_width <= width) & (box_height <= height)
    first = fits.argmax(axis=1)[:, None]
    kept = np.take_along_axis(box_width * box_height, first, axis=1)[:, 0]
    centre = min(width, round(height * 4 / 3)) * min(height, round(width * 4 / 3))
    return np.where(fits.any(axis=1), kept, centre) / (height * width)


def drawn_boxes(height: int, width: int) -> np.ndarray:
    crop = RandomAreaCrop()
    return np.array([crop.draw_box(height, width) for _ in range(DRAWS)])


@pytest.mark.parametrize('shape', [(375, 500), (500, 375), (20, 400)])
def test_shapes_types_and_labels(shape: tuple[int, int]) -> None:
    crop = TRANSFORMS.build(dict(type='RandomAreaCrop', size=(96, 128)))
    results = crop(sample(*shape))
    assert results['img'].shape == (96, 128, 3), f'image shape {results["img"].shape}'
    assert results['gt_seg_map'].shape == (96, 128), f'labels {results["gt_seg_map"].shape}'
    assert results['img_shape'] == (96, 128), f'img_shape {results["img_shape"]}'
    assert results['ori_shape'] == shape, f'ori_shape {results["ori_shape"]} has changed'
    assert results['gt_seg_map'].dtype == np.uint8, f'dtype {results["gt_seg_map"].dtype}'
    surplus = set(np.unique(results['gt_seg_map'])) - set(range(16))
    assert not surplus, f'labels that were not in the input: {surplus}'


def test_image_and_labels_stay_aligned() -> None:
    crop = RandomAreaCrop(size=(256, 256))
    for _ in range(20):
        results = crop(sample(375, 500))
        matches = (results['img'] == 10 * results['gt_seg_map'][..., None]).all(axis=2)
        # Only interpolation at the 3 + 3 tile borders, about 2 pixels wide each, may differ.
        assert matches.mean() > 0.95, f'only {matches.mean():.1%} of the pixels agree'


def test_image_without_labels() -> None:
    results = RandomAreaCrop(size=(32, 32))(dict(img=np.zeros((40, 60, 3), np.uint8)))
    assert results['img'].shape == (32, 32, 3), f'image shape {results["img"].shape}'


def test_numpy_seed_governs_the_draw() -> None:
    first = drawn_boxes(375, 500)
    np.random.seed(0)
    assert (first == drawn_boxes(375, 500)).all(), 'the same seed gave different boxes'


@pytest.mark.parametrize('shape', [(375, 500), (500, 375), (333, 500), (500, 500), (281, 500)])
def test_distribution_of_boxes(shape: tuple[int, int]) -> None:
    height, width = shape
    top, left, box_height, box_width = drawn_boxes(height, width).T
    inside = (top >= 0) & (left >= 0) & (top + box_height <= height) & (left + box_width <= width)
    assert inside.all(), f'{(~inside).sum()} boxes leave the image'

    drawn = np.sort(box_height * box_width / (height * width))
    expected = np.sort(reference_areas(height, width))
    grid = np.union1d(drawn, expected)
    distance = (
        np.abs(
            np.searchsorted(drawn, grid, side='right')
            - np.searchsorted(expected, grid, side='right')
        ).max()
        / DRAWS
    )
    # 0.1 % critical value of the two-sample Kolmogorov-Smirnov test, 1.95 * sqrt(2 / DRAWS).
    assert distance < 0.05, f'areas kept differ from the reference by {distance:.3f}'


# At these ratios the central box is the whole image or its full height, so that box is the
# fallback but for a draw in thousands. Rates by simulation of the rule with 20,000 draws.
@pytest.mark.parametrize(
    ('shape', 'rate'),
    [
        ((375, 500), 0.147),
        ((500, 375), 0.147),
        ((333, 500), 0.285),
        ((500, 500), 0.058),
    ],
)
def test_rate_of_the_central_crop(shape: tuple[int, int], rate: float) -> None:
    boxes = drawn_boxes(*shape)
    centre = central_box(*shape)
    measured = (boxes == centre).all(axis=1).mean()
    assert abs(measured - rate) < 0.025, f'{measured:.3f} of the draws fall back, expected {rate}'


@pytest.mark.parametrize(
    ('shape', 'box'),
    [
        ((375, 500), (0, 0, 375, 500)),
        ((300, 600), (0, 100, 300, 400)),
        ((600, 300), (100, 0, 400, 300)),
    ],
)
def test_central_crop(shape: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    centre = central_box(*shape)
    assert centre == box, f'central box {centre}, expected {box}'


@pytest.mark.parametrize(
    'wrong',
    [
        dict(scale=(2.0, 0.5)),
        dict(scale=(0.0, 1.0)),
        dict(ratio=(2, 1)),
        dict(attempts=-1),
        dict(size=(0, 512)),
    ],
)
def test_wrong_arguments_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RandomAreaCrop(**wrong)
