"""Images of the memory come back with their own mask, and with the labels that they shall have."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.datasets import StepDataset
from mmseg_dkd.datasets.memory import Candidate, write_memory
from mmseg_dkd.datasets.recalled import recall
from mmseg_dkd.methods.ssul.labels import with_unknown
from tests.oracle import ORACLE

CLASSES = ('background', 'person', 'forklift', 'pallet')
# A class a step; the step is 2.
SCENARIO = dict(name=[[1], [2], [3]], num_classes=3)
FOLDERS = dict(person={0: 0, 1: 1}, forklift={0: 0, 7: 2}, pallet={0: 0, 1: 3})
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs', meta_keys=('img_path', 'seg_map_path')),
]


@pytest.fixture(autouse=True, scope='module')
def default_scope():
    init_default_scope('mmseg')


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    """Two images, and a folder of masks for every class."""
    root = tmp_path_factory.mktemp('masks')
    (root / 'images').mkdir()
    for number in range(2):
        grey = np.full((8, 8, 3), 90 * number, np.uint8)
        Image.fromarray(grey).save(root / f'images/{number}.jpg')
    for place, (name, meaning) in enumerate(FOLDERS.items()):
        (root / name).mkdir()
        for number in range(2):
            mask = np.zeros((8, 8), np.uint8)
            # Each class in rows of its own.
            mask[place] = max(meaning)
            Image.fromarray(mask).save(root / f'{name}/{number}.png')
    return root


def folder(root: Path, masks: str, labels: dict) -> dict:
    return dict(
        type='LabelledFolder',
        metainfo=dict(classes=CLASSES, palette=[[i] * 3 for i in range(4)]),
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path=masks),
        labels=labels,
        pipeline=PIPELINE,
    )


def folders(root: Path) -> dict:
    parts = [
        folder(root, name, {CLASSES[label]: value for value, label in meaning.items()})
        for name, meaning in FOLDERS.items()
    ]
    return dict(type='ConcatDataset', datasets=parts)


def written(path: Path, *drawn: Candidate, scenario: Scenario, step: int) -> str:
    write_memory(path, scenario, step, 0, '', {1: list(drawn)}, list(drawn))
    return str(path)


@pytest.fixture
def replaying(root, tmp_path):
    """Step 2 with the first image in its memory, with the mask of a folder."""

    def build(mask: str | None, **options) -> StepDataset:
        file = written(
            tmp_path / 'memory.json',
            Candidate('images/0.jpg', mask, (0,), (1,)),
            scenario=Scenario(**SCENARIO),
            step=2,
        )
        memory = dict(file=file, **options)
        return StepDataset(folders(root), SCENARIO, 2, memory=memory, presence_dir=tmp_path)

    return build


@pytest.mark.parametrize(
    ('mask', 'labels', 'shown'),
    [
        ('person/0.png', 'trained', {1: 0}),
        ('person/0.png', 'seen', {1: 0}),
        # The steps that trained on it do not label what its folder does.
        ('forklift/0.png', 'trained', {}),
        ('forklift/0.png', 'seen', {2: 1}),
        ('pallet/0.png', 'trained', {3: 2}),
    ],
)
def test_image_comes_back_with_its_mask(mask, labels, shown, replaying):
    data = replaying(mask, labels=labels)
    sample = data[len(data) - 1]['data_samples']
    assert sample.seg_map_path.endswith(mask)
    expected = np.zeros((8, 8), int)
    for label, row in shown.items():
        expected[row] = label
    assert np.array_equal(sample.gt_sem_seg.data[0].numpy(), expected)
    assert sample.labelled_steps == ((0, 1) if labels == 'seen' else (0,))


def test_mask_that_is_not_there_is_named(replaying):
    with pytest.raises(
        ValueError, match='images/0.jpg with its mask shelf/0.png is not in the data set: bring'
    ):
        replaying('shelf/0.png')


def test_image_without_a_mask_as_of_version_0_1_comes_back_if_it_has_one(replaying, tmp_path):
    with pytest.raises(ValueError, match='images/0.jpg with its mask None is not in'):
        replaying(None)
    (found,) = recall(
        dict(file=str(tmp_path / 'memory.json')),
        Scenario(**SCENARIO),
        2,
        [('images/1.jpg', 'person/1.png'), ('images/0.jpg', 'person/0.png')],
        lambda kept: np.array(kept),
    )
    # It was trained on by step 0, and this is step 2.
    assert found.row == 1 and found.table.tolist() == [1, 3] and found.steps == (0,)


@pytest.mark.parametrize('names', ['person pallet', 'person person', 'person'])
def test_mask_that_is_read_with_two_meanings_is_told(names, root, tmp_path):
    parts = [folder(root, 'person', {'background': 0, name: 1}) for name in names.split()]
    cfg = dict(type='ConcatDataset', datasets=[*parts, *folders(root)['datasets'][1:]])
    data = StepDataset(cfg, SCENARIO, 0, presence_dir=tmp_path)
    problems = data.problems_of_replay()
    assert len(problems) == ('pallet' in names)
    for problem in problems:
        assert problem.startswith('person/0.png is read twice for images/0.jpg, with other labels')


def test_labels_of_all_seen_classes_are_those_of_the_program_of_ssul(tmp_path):
    """In the program these labels stay one channel too low, which is not repeated."""
    facts = dict(np.load(ORACLE / 'ssul_memory_labels.npz'))
    truth, expected = facts['ground_truth'], facts['train_image_channel_after_shift']
    scenario, table = Scenario('15-1', 20), {}
    # Step 0 trained on it; class 16 was learned at step 1, and this is step 2.
    old = Candidate('0.jpg', '0.png', (0,), (1, 15))
    file = written(tmp_path / 'memory.json', old, scenario=scenario, step=2)
    data = StepDataset.__new__(StepDataset)
    data.scenario, data.step, data.test_mode = scenario, 2, False
    for labels in ('trained', 'seen'):
        (found,) = recall(
            dict(file=file, labels=labels), scenario, 2, [('0.jpg', '0.png')], data._table
        )
        label = torch.tensor(found.table[truth].astype(int))
        channel = with_unknown(label, unlabelled_is_unknown=False)
        table[labels] = torch.where(label == 255, 255, channel - 1).tolist()
    assert table['seen'] == expected.tolist()
    assert table['trained'] == np.where(truth == 16, 1, expected).tolist()
    lower = np.where(truth == 255, 255, expected - 1)
    assert facts['memory_image_channel_in_program'].tolist() == lower.tolist()
