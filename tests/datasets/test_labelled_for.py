"""Folders in which somebody looked for some of the classes: data, losses, scores, refusals."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS
from PIL import Image

from mmseg_dkd.datasets import StepDataset
from mmseg_dkd.evaluation import ConfusionMetric
from mmseg_dkd.models.method_registry import METHODS
from mmseg_dkd.runs import Run
from tests.methods.plain import head_of, samples_of

CLASSES = ['background', 'box', 'forklift', 'pallet']
SCENARIO = dict(name=[[1], [2, 3]], num_classes=3)


@pytest.fixture(autouse=True)
def default_scope():
    init_default_scope('mmseg')


@pytest.fixture
def warehouse(tmp_path):
    """A folder for each new class, and one without either: the config of each by its name."""

    def folder(name: str, mask: list[list[int]], labels: dict, looked_for: list | None) -> dict:
        for kind in ('images', 'masks'):
            (tmp_path / name / kind).mkdir(parents=True)
        pixels = np.array(mask * 2, np.uint8)
        Image.fromarray(pixels).save(tmp_path / name / 'masks/a.png')
        Image.fromarray(np.stack([pixels] * 3, 2)).save(tmp_path / name / 'images/a.jpg')
        loaders = ['LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs']
        return dict(
            type='LabelledFolder',
            metainfo=dict(classes=CLASSES),
            data_root=str(tmp_path),
            data_prefix=dict(img_path=f'{name}/images', seg_map_path=f'{name}/masks'),
            labels=labels,
            labelled_for=looked_for,
            pipeline=[dict(type=kind) for kind in loaders],
        )

    return dict(
        old=folder('old', [[0, 1]], dict(background=0, box=1), None),
        forklift=folder('fork', [[0, 1]], dict(background=0, forklift=1), ['forklift']),
        pallet=folder('pallet', [[1, 0]], dict(background=0, pallet=1), ['pallet']),
        both=folder('both', [[2, 1]], dict(forklift=1, pallet=2), ['pallet', 'forklift']),
    )


def of(*folders: dict, step: int = 1, **options) -> StepDataset:
    whole = dict(type='ConcatDataset', datasets=list(folders))
    return StepDataset(whole, SCENARIO, step, **options)


def test_a_sample_says_which_classes_somebody_looked_for(warehouse):
    data = of(*warehouse.values())
    found = [data[i]['data_samples'].metainfo.get('labelled_for') for i in range(len(data))]
    assert found == [(2,), (3,), None] and data.partly_labelled
    assert not of(warehouse['both']).partly_labelled
    tested = of(*warehouse.values(), test_mode=True)
    found = [tested[i]['data_samples'].metainfo.get('labelled_for') for i in range(len(tested))]
    assert found == [None, (2,), (3,), (2, 3)]


def test_a_file_says_it_for_each_image(warehouse, tmp_path):
    folder = warehouse['both']
    for kind, suffix in (('images', 'jpg'), ('masks', 'png')):
        first = tmp_path / f'both/{kind}/a.{suffix}'
        for name in ('b', 'c'):
            first.with_stem(name).write_bytes(first.read_bytes())
    folder['labelled_for'] = 'both/looked_for.json'
    lists = dict(a=['pallet'], b=[], c=['pallet', 'forklift'], not_there=['box'])
    (tmp_path / 'both/looked_for.json').write_text(json.dumps(lists))
    data = of(folder)
    found = [data[i]['data_samples'].metainfo.get('labelled_for') for i in range(3)]
    assert found == [(3,), (), None]
    del lists['b']
    (tmp_path / 'both/looked_for.json').write_text(json.dumps(lists))
    with pytest.raises(ValueError, match=r"looked_for.json: it has no list for 'b'"):
        of(folder)
    (tmp_path / 'both/looked_for.json').write_text('{"a": "pallet"}')
    with pytest.raises(ValueError, match=r'looked_for.json.*a must be a list.*for each image'):
        of(folder)


def test_every_image_is_taken_if_asked_for(warehouse):
    assert len(of(warehouse['old'], warehouse['both'])) == 1
    assert len(of(warehouse['old'], warehouse['both'], every_image=True)) == 2


def test_without_background_a_pixel_of_no_class_stays_one_in_testing(warehouse):
    part = warehouse['forklift']
    part['metainfo'] = dict(classes=CLASSES[1:])
    part['labels'] = dict(void=0, forklift=1)
    scenario = dict(SCENARIO, has_background=False, unlabelled='ignored')
    for looked_for, first in ((['forklift'], 0), (None, 255)):
        part['labelled_for'] = looked_for
        data = StepDataset(part, scenario, 1, test_mode=True)
        assert data[0]['data_samples'].gt_sem_seg.data[0].tolist() == [[first, 2]] * 2


@pytest.mark.parametrize(
    ('looked_for', 'message'),
    [
        (
            ['forklft'],
            r"labelled_for=\['forklft'\] of .*fork/masks: write a list .*'box'",
        ),
        (
            'forklift',
            'labelled_for=forklift of .*fork/masks: write a list .*forklift does not exist',
        ),
        (['pallet'], "labels have 'forklift', too: add it, or make its value void"),
    ],
)
def test_contradictions_are_refused(warehouse, looked_for, message):
    warehouse['forklift']['labelled_for'] = looked_for
    with pytest.raises(ValueError, match=message):
        of(warehouse['forklift'])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_class_is_scored_where_somebody_looked_for_it(seed):
    rng = np.random.default_rng(seed)
    metric = METRICS.build(dict(type='IncrementalIoUMetric'))
    metric.dataset_meta = dict(classes=('background', 'a', 'b', 'c'), base=[1])
    hits, union = np.zeros(4), np.zeros(4)
    for _ in range(4):
        looked_for = None
        if rng.random() < 0.7:
            looked_for = tuple(c for c in (1, 2, 3) if rng.random() < 0.5)
        guess = rng.integers(0, 4, (5, 6))
        labels = [0, 255, *(looked_for if looked_for is not None else (1, 2, 3))]
        truth = rng.choice(labels, (5, 6))
        # Background is known where all classes were looked for.
        for c in looked_for if looked_for is not None else range(4):
            known = truth != 255
            hits[c] += ((guess == c) & (truth == c))[known].sum()
            union[c] += ((guess == c) | (truth == c))[known].sum()
        data = dict(pred_sem_seg=guess, gt_sem_seg=truth)
        sample = {key: dict(data=torch.from_numpy(mask)[None]) for key, mask in data.items()}
        meta = {} if looked_for is None else dict(labelled_for=looked_for)
        metric.process({}, [dict(sample, img_path='a.jpg', **meta)])
    metric.evaluate(4)
    expected = [100 * h / u if u else None for h, u in zip(hits, union, strict=True)]
    assert list(metric.per_class_iou.values()) == pytest.approx(expected)


def test_conventions_are_not_compared_on_such_images():
    sample = dict(img_path='fork/a.jpg', labelled_for=(1,))
    with pytest.raises(ValueError, match='fork/a.jpg: its folder is labelled_for some'):
        ConfusionMetric().process({}, [sample])


ABLE = sorted(name for name, method in METHODS.module_dict.items() if method.PARTLY_LABELLED)
LOSSES = dict(
    DKDHead=dict(init='random', loss_kd=dict(type='BinaryKDLoss')),
    ExactHead=dict(maps=[5], penalty=0.0),
)


@pytest.mark.parametrize('kind', ABLE)
def test_a_class_learns_nothing_where_nobody_looked_for_it(kind):
    changes = LOSSES.get(kind, {})
    old, new = (head_of(kind, step, '2-2', **changes).eval() for step in (0, 1))
    torch.manual_seed(0)
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    label = torch.randint(0, 2, (2, 8, 8))
    label = torch.stack([label[0] * 3, label[1] * 4])
    told = old.teacher_outputs(maps, student=new)

    def gradients(samples, maps, told) -> list[torch.Tensor]:
        losses = new.loss(maps, samples, {}, told)
        step = new.conv_seg.steps[1]
        weight = step.conv.weight if kind == 'ExactHead' else step.weight
        (found,) = torch.autograd.grad(sum(losses.values()), weight)
        return [row.flatten() for row in found]

    samples = samples_of(label)
    for sample, looked_for in zip(samples, ((3,), (4,)), strict=True):
        sample.set_metainfo(dict(labelled_for=looked_for))
    for row, other in itertools.permutations(range(2)):
        alone = None if told is None else _row(told, row)
        found = gradients(samples[row : row + 1], [maps[0][row : row + 1]], alone)
        assert found[row].abs().max() > 0 and (found[other] == 0).all()
    whole = samples_of(label)
    for sample in whole:
        sample.set_metainfo(dict(labelled_for=(3, 4)))
    for one, same in zip(
        gradients(whole, maps, told), gradients(samples_of(label), maps, told), strict=True
    ):
        assert torch.equal(one, same)


def _row(told, row: int):
    if isinstance(told, torch.Tensor):
        return told[row : row + 1]
    return type(told)(*(part if part is None else part[row : row + 1] for part in told))


def test_a_method_that_cannot_honour_it_says_so(tiny, warehouse, monkeypatch, tmp_path):
    monkeypatch.setattr(StepDataset, 'partly_labelled', True)
    for method, refused in (('plop', True), ('mib', False)):
        (plan,) = Run(tiny(f'{method}/fashion_4-2.py'), tmp_path).plan([1])
        said = [text for text in plan.missing if 'all classes of the step are labelled' in text]
        assert bool(said) == refused
        assert not said or 'PLOPHead' in said[0] and 'DKDHead, ExactHead, MiBHead' in said[0]
