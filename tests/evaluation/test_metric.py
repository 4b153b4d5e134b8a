"""Scores against a plain confusion matrix."""

import logging
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from PIL import Image
from torch.nn.functional import pad

from mmseg_dkd.evaluation import harmonic_mean, summarise
from mmseg_dkd.evaluation.scores import left_out

NAMES = ('background', 'cat', 'dog', 'cow', 'bus', 'car')
ABSENT = 5  # Occurs neither in ground truth nor in predictions.


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Prediction and ground truth of four images of two sizes, void (255) in the ground truth."""
    rng = np.random.default_rng(0)
    found = []
    for size in [(13, 17), (9, 8)] * 2:
        truth = rng.choice([0, 1, 2, 3, 4, 255], size)
        wrong = rng.integers(0, ABSENT, size)
        found.append((np.where((truth != 255) & (rng.random(size) < 0.6), truth, wrong), truth))
    return found


def evaluate(names: tuple[str, ...], num_base: int, data: list, **cfg) -> tuple:
    metric = METRICS.build(dict(type='IncrementalIoUMetric', **cfg))
    metric.dataset_meta = dict(classes=names, base=range(1, 1 + num_base))
    for prediction, truth in data:
        data_of = dict(pred_sem_seg=prediction, gt_sem_seg=truth)
        sample = {key: dict(data=torch.from_numpy(mask)[None]) for key, mask in data_of.items()}
        metric.process({}, [dict(sample, img_path='image.jpg')])
    return metric.evaluate(len(data)), metric


def plain_iou(num_classes: int, data: list) -> list[float]:
    matrix = np.zeros((num_classes, num_classes))
    for prediction, truth in data:
        for p, t in zip(prediction.ravel(), truth.ravel(), strict=True):
            if t != 255:
                matrix[t, p] += 1
    union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
    return [100 * matrix[c, c] / union[c] if union[c] else math.nan for c in range(num_classes)]


def test_scores_are_those_of_the_confusion_matrix():
    logged, metric = evaluate(NAMES, 2, pairs())
    iou = plain_iou(6, pairs())
    assert list(metric.per_class_iou) == list(NAMES)
    assert metric.per_class_iou['car'] is None and math.isnan(iou[ABSENT])
    for name, value in zip(NAMES[:ABSENT], iou, strict=False):
        assert metric.per_class_iou[name] == pytest.approx(value, rel=1e-9)
    base, novel = np.mean(iou[:3]), np.mean(iou[3:5])
    expected = dict(
        miou_base=base,
        miou_novel=novel,
        miou_all=np.mean(iou[:5]),
        hiou=2 * base * novel / (base + novel),
    )
    assert metric.scores == pytest.approx(expected, rel=1e-9)
    rounded = {key: round(value, 2) for key, value in expected.items()}
    assert logged['mIoU_b'] == rounded['miou_base']
    assert logged['mIoU_n'] == rounded['miou_novel']
    assert logged['hIoU'] == rounded['hiou']
    assert logged['mIoU_all'] == rounded['miou_all'] == pytest.approx(logged['mIoU'], abs=0.011)


def test_first_step_has_no_novel_classes():
    logged, metric = evaluate(NAMES[:5], 4, pairs())
    assert metric.scores['miou_novel'] is None and metric.scores['hiou'] is None
    assert metric.scores['miou_base'] == metric.scores['miou_all'] > 0
    assert 'mIoU_n' not in logged and 'hIoU' not in logged
    assert logged['mIoU_b'] == logged['mIoU_all'] == round(metric.scores['miou_all'], 2)


def test_second_run_forgets_the_first():
    metric = evaluate(NAMES, 2, pairs())[1]
    before = metric.scores
    truth = np.zeros((4, 4), int)
    sample = {k: dict(data=torch.from_numpy(truth)[None]) for k in ('pred_sem_seg', 'gt_sem_seg')}
    metric.process({}, [sample])
    metric.evaluate(1)
    assert metric.scores != before
    assert metric.per_class_iou == dict.fromkeys(NAMES, None) | dict(background=100.0)


def test_millions_of_pixels_are_counted_exactly():
    metric = METRICS.build(dict(type='IncrementalIoUMetric'))
    metric.dataset_meta = dict(classes=('background', 'cat'), base=[1])
    # float32 cannot count beyond 2**24 by ones; a data set has more pixels of background.
    # The last row and column are for what nobody looked for.
    many, one = (
        pad(torch.tensor(m), (0, 1, 0, 1)) for m in ([[2**24, 0], [0, 1]], [[0, 1], [0, 0]])
    )
    logged = metric.compute_metrics([many, *[one] * 20_000])
    expected = 100 * 2**24 / (2**24 + 20_000)
    assert metric.per_class_iou['background'] == pytest.approx(expected, rel=1e-9)
    assert metric.per_class_iou['cat'] == pytest.approx(100 / 20_001, rel=1e-9)
    assert logged['aAcc'] == round(100 * (2**24 + 1) / (2**24 + 20_001), 2)


@pytest.fixture
def logged():
    """What is logged."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append((record.levelname, record.getMessage()))
    logger = MMLogger.get_instance('scores')
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_classes_that_the_means_leave_out_are_named(logged):
    metric = evaluate((*NAMES, 'van'), 2, pairs())[1]
    assert left_out(metric.per_class_iou) == ['car', 'van']
    warnings = [t for level, t in logged if level == 'WARNING' and 'means' in t]
    words = (
        'left out of the means, since neither a test image nor a prediction shows them: car, van'
    )
    assert warnings == [words]
    logged.clear()
    evaluate(NAMES[:ABSENT], 2, pairs())
    assert not any('means' in text for _, text in logged)


def save(folder, image: str, metric=None):
    """Let a metric save a prediction of all labels of 3 classes in the order 3, 1, 2."""
    metric = metric or METRICS.build(dict(type='IncrementalIoUMetric', output_dir=str(folder)))
    metric.dataset_meta = dict(classes=('', *'cab'), base=[1], mask_values=[0, 3, 1, 2])
    mask = dict(data=torch.tensor([[[0, 1], [2, 3]]]))
    # As a data set with reduce_zero_label has it: mmseg would add 1.
    sample = dict(img_path=image, reduce_zero_label=True, pred_sem_seg=mask, gt_sem_seg=mask)
    metric.process({}, [sample])
    return metric


def test_saved_predictions_have_the_numbers_of_the_data_set(tmp_path):
    metric = save(tmp_path, 'a/street.1.jpg')
    saved = np.asarray(Image.open(tmp_path / 'street.1.png'))
    assert saved.tolist() == [[0, 3], [1, 2]] and saved.dtype == np.uint8
    assert metric.results[0].diagonal().tolist() == [1, 1, 1, 1, 0], 'it is counted, too'


def test_two_images_of_one_name_are_not_saved_over_each_other(tmp_path):
    metric = save(tmp_path, 'a/street.jpg')
    save(tmp_path, 'a/street.jpg', metric)
    with pytest.raises(ValueError, match='street.png .* a/street.jpg and of b/street.jpg'):
        save(tmp_path, 'b/street.jpg', metric)


def test_table_of_the_scores_is_logged():
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_instance('scores')
    logger.addHandler(handler)
    logged = evaluate(NAMES, 2, pairs())[0]
    (table,) = [line for line in lines if line.startswith('base and novel classes')]
    header, values = (
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in table.splitlines()
        if '|' in line
    )
    assert header == ['mIoU_b', 'mIoU_n', 'hIoU', 'mIoU_all']
    assert values == [f'{logged[title]:.2f}' for title in header]
    lines.clear()
    evaluate(NAMES[:5], 4, pairs())
    assert any('|   -    |  -   |' in line for line in lines), 'step 0 has no novel classes'
    logger.removeHandler(handler)


def test_format_only_writes_masks_and_no_scores(tmp_path):
    logged, metric = evaluate(NAMES, 2, pairs()[:1], format_only=True, output_dir=str(tmp_path))
    assert not logged and not hasattr(metric, 'scores')
    assert [file.name for file in tmp_path.iterdir()] == ['image.png']
    saved = np.asarray(Image.open(tmp_path / 'image.png'))
    np.testing.assert_array_equal(saved, pairs()[0][0])


percent = st.floats(0, 100).map(lambda value: round(value, 6))
known = st.lists(percent, min_size=1, max_size=8)
unknown = st.lists(st.sampled_from([None, math.nan]), max_size=3)


@given(percent, percent)
def test_harmonic_mean_lies_between_and_below_the_mean(a, b):
    value = harmonic_mean(a, b)
    assert value == harmonic_mean(b, a)
    assert min(a, b) * (1 - 1e-9) <= value <= (a + b) / 2 * (1 + 1e-9)
    if a and b:
        assert value == pytest.approx(1 / ((1 / a + 1 / b) / 2))


@given(known, known, unknown, unknown)
def test_means_leave_out_classes_that_occur_nowhere(base, novel, no_base, no_novel):
    named = {f'base {i}': v for i, v in enumerate([*base, *no_base])}
    named_novel = {f'novel {i}': v for i, v in enumerate([*no_novel, *novel])}
    scores = summarise(named | named_novel, list(named), list(named_novel))
    assert scores['miou_base'] == pytest.approx(np.mean(base))
    assert scores['miou_novel'] == pytest.approx(np.mean(novel))
    assert scores['miou_all'] == pytest.approx(np.mean(base + novel))
    assert scores['hiou'] == harmonic_mean(scores['miou_base'], scores['miou_novel'])


@given(known, unknown)
def test_nothing_novel_has_no_score_rather_than_zero(base, novel):
    named = {f'base {i}': v for i, v in enumerate(base)}
    named_novel = {f'novel {i}': v for i, v in enumerate(novel)}
    scores = summarise(named | named_novel, list(named), list(named_novel))
    assert scores['miou_novel'] is None and scores['hiou'] is None
    assert scores['miou_base'] == scores['miou_all'] == pytest.approx(np.mean(base))


def test_forgotten_classes_make_the_harmonic_mean_zero():
    scores = summarise(dict(a=0.0, b=80.0), ['a'], ['b'])
    assert scores == dict(miou_base=0.0, miou_novel=80.0, miou_all=40.0, hiou=0.0)


def test_nothing_at_all_has_no_scores():
    assert set(summarise(dict(a=None, b=None), ['a'], ['b']).values()) == {None}
