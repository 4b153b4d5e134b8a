"""What a step's plan says of its data."""

import logging
from pathlib import Path

import numpy as np
import pytest
from mmengine.logging import MMLogger
from PIL import Image

from mmseg_dkd.datasets.demo.fashion import FashionDataset
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.plan import StepPlan

CLASSES = list(FashionDataset.METAINFO['classes'])


def write(root: Path, masks: list[list[int]]) -> None:
    """Images of 4 x 4, with the values of each mask."""
    for kind in ('images', 'masks'):
        (root / kind).mkdir(parents=True)
    for number, values in enumerate(masks):
        mask = np.resize(np.uint8(values), (4, 4))
        Image.fromarray(mask).save(root / f'masks/{number}.png')
        Image.fromarray(np.stack([mask] * 3, axis=2)).save(root / f'images/{number}.jpg')


@pytest.fixture
def planned(tiny, tmp_path):
    """Make the tiny run, in three steps, on own folders with the values of these masks."""

    def make(train: list[list[int]], test: list[list[int]], classes=CLASSES) -> Run:
        cfg = tiny()
        for name, masks in dict(train=train, test=test).items():
            write(tmp_path / name, masks)
            dataset = cfg[f'{name}_dataloader'].dataset.dataset
            dataset.update(
                type='BaseSegDataset',
                metainfo=dict(classes=classes if name == 'test' else CLASSES),
                data_root=str(tmp_path / name),
                data_prefix=dict(img_path='images', seg_map_path='masks'),
                ann_file='',
            )
        return Run(cfg, tmp_path / 'run')

    return make


ALL = [[1, 2, 3, 4], [1, 5, 6], [7, 8, 1], [0, 255]]


def test_images_per_class_are_counted_in_both_splits(planned):
    run = planned(ALL, [[1, 2, 3, 4, 5], [2, 6, 7, 8]])
    plans = run.plan([0, 1])
    assert [plan.missing for plan in plans] == [[], []]
    lines = str(plans[0]).splitlines()
    assert '  images: 3 to train on, 2 to test on' in lines
    assert '  train: t-shirt 3, trouser 1, pullover 1, dress 1' in lines
    assert '  test: t-shirt 1, trouser 2, pullover 1, dress 1' in lines
    assert plans[1].train_per_class == dict(sandal=1, sneaker=1)
    assert plans[1].test_per_class == dict(sandal=1, sneaker=1)
    assert not any(plan.notes for plan in plans)


def test_class_without_a_training_image_keeps_the_run_from_starting(planned):
    run = planned([[1, 2, 4], [5, 6, 7, 8]], ALL)
    assert 'train: t-shirt 1, trouser 1, pullover 0, dress 1' in str(run.plan([0])[0])
    with pytest.raises(RuntimeError, match='none of the 1 training images shows pullover: look at'):
        run.run([0, 1, 2])
    assert not run.work_dir.exists()


@pytest.fixture
def warnings():
    found = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def test_class_without_a_test_image_is_told_at_every_step(planned, warnings):
    run = planned(ALL, [[1, 2, 3], [5], [7, 8]])
    first, second, _ = run.plan([0, 1, 2])
    assert [(plan.missing, len(plan.notes)) for plan in (first, second)] == [([], 1)] * 2
    assert 'dress 0' in str(first) and '  note: no test image shows dress: such a' in str(first)
    assert 'no test image shows dress, sneaker: such a class is left out' in str(second)
    run.check([0, 1, 2])
    assert [w.partition(':')[0] for w in warnings] == ['step 0', 'step 1, 2'], 'one line a note'


def test_other_names_in_testing_are_refused(planned):
    turned = [CLASSES[0], *CLASSES[:0:-1]]
    (plan,) = planned(ALL, ALL, turned).plan([0])
    (problem,) = plan.missing
    assert 'background, t-shirt, trouser, pullover, dress, but the test data back' in problem
    assert 'dress, ankle boot' not in problem and 'boot, bag, sneaker, sandal: write' in problem


def test_a_step_of_many_classes_names_the_rarest():
    images = {f'class {n}': 1000 * n for n in range(1, 151)}
    plan = StepPlan(0, list(images), 1, 1, None, Path('x.pth'), train_per_class=images)
    line = '  train: class 1 1,000, class 2 2,000, class 3 3,000, class 4 4,000, class 5 5,000'
    assert f'{line} are the rarest of 150, the others up to 150,000' in str(plan).splitlines()
