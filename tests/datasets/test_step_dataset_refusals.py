"""Configs of which no StepDataset can be made, and what it says of each."""

import pytest

from mmseg_dkd.datasets import FashionDataset, StepDataset

from .step_data import BARE, FASHION, PIPELINE, bare_cfg, voc_like

pytestmark = pytest.mark.usefixtures('default_scope')


@pytest.mark.parametrize(
    'change, error, message',
    [
        (dict(data_root='/no'), FileNotFoundError, "/no/JPEGImages does not .* data_root .*'/no'"),
        (dict(ann_file='ImageSets/trian.txt'), FileNotFoundError, 'trian.txt does not exist'),
        (dict(pipeline=PIPELINE[::2]), ValueError, "no 'LoadAnnotations' in the .* of Fashion"),
        (dict(data_prefix=dict(img_path='JPEGImages')), ValueError, 'set seg_map_path in data_pre'),
        (dict(ignore_index=0), ValueError, 'ignore_index=0 of FashionDataset: void is 255 alone'),
        (
            dict(reduce_zero_label=True),
            ValueError,
            'reduce_zero_label=True of FashionDataset makes 0 void .* has_background=False',
        ),
        (
            dict(pipeline=[PIPELINE[0], dict(PIPELINE[1], reduce_zero_label=True), PIPELINE[2]]),
            ValueError,
            'reduce_zero_label=True of LoadAnnotations contradicts reduce_zero_label=False of',
        ),
    ],
    ids=['root', 'list', 'loader', 'masks', 'void', 'shifted', 'shifted by the loader'],
)
def test_unusable_settings_are_refused_by_value(fashion, change, error, message):
    with pytest.raises(error, match=message):
        StepDataset(voc_like('FashionDataset', fashion, 'train') | change, FASHION, 0)


WRAPPERS = dict(
    RepeatDataset=lambda part: dict(type='RepeatDataset', times=3, dataset=part),
    ClassBalancedDataset=lambda part: dict(
        type='ClassBalancedDataset', oversample_thr=0.1, dataset=part
    ),
    ConcatDataset=lambda part: dict(
        type='ConcatDataset', datasets=[dict(type='ConcatDataset', datasets=[part])]
    ),
    StepDataset=lambda part: dict(type='StepDataset', dataset=part, scenario=FASHION),
)


@pytest.mark.parametrize('within', [False, True], ids=['alone', 'in a ConcatDataset'])
@pytest.mark.parametrize('kind', WRAPPERS)
def test_wrapper_is_refused_by_its_name(fashion, kind, within):
    part = voc_like('FashionDataset', fashion, 'train')
    cfg = WRAPPERS[kind](part)
    cfg = dict(type='ConcatDataset', datasets=[part, cfg]) if within else cfg
    with pytest.raises(ValueError, match=f'{kind} in a StepDataset.* write what it wraps in its'):
        StepDataset(cfg, FASHION, 0)


def test_data_sets_that_number_other_classes_are_not_one(fashion):
    parts = [voc_like('FashionDataset', fashion, 'train') for _ in range(2)]
    parts[1]['metainfo'] = dict(classes=FashionDataset.METAINFO['classes'][::-1])
    keys = ['classes', 'palette', 'label_map']
    cfg = dict(type='ConcatDataset', datasets=parts, ignore_keys=keys)
    with pytest.raises(
        ValueError, match=r"ignore_keys=\['classes', .*must number the same classes"
    ):
        StepDataset(cfg, FASHION, 0)


@pytest.mark.parametrize(
    'name, words', [('sea', "have the name 'sea'"), (3, '3 cannot be the nam')]
)
def test_names_are_looked_at_before_the_masks(bare, name, words):
    cfg = dict(bare_cfg(bare), metainfo=dict(classes=('sky', 'sea', name, 'tree')))
    cfg['data_prefix'] = dict(cfg['data_prefix'], seg_map_path='images')  # unusable ones
    with pytest.raises(ValueError, match=words):
        StepDataset(cfg, BARE, 0)


def test_class_cannot_have_the_name_of_what_nobody_labelled(bare):
    cfg = dict(bare_cfg(bare), metainfo=dict(classes=('sky', 'sea', 'unlabelled', 'tree')))
    with pytest.raises(ValueError, match="several classes have the name 'unlabelled'"):
        StepDataset(cfg, BARE, 0)


def test_scenario_of_another_data_set_is_refused(fashion):
    message = "FashionDataset has 9 classes, but Scenario.'15-5'.* needs 21, background included"
    with pytest.raises(ValueError, match=message):
        StepDataset(voc_like('FashionDataset', fashion, 'train'), dict(name='15-5', num_classes=20))


def test_step_that_selects_no_image_is_refused(bare):
    # Class 4 occurs, but not in an image without a class of a later step.
    scenario = dict(name=[[2, 4, 3], [1]], num_classes=4, has_background=False)
    cfg = dict(bare_cfg(bare), indices=[3])
    assert len(StepDataset(cfg, scenario, 0)) == 1
    with pytest.raises(
        ValueError, match='step 0 .* none of 1 images: .* sea, tree, sand without a'
    ):
        StepDataset(cfg, dict(scenario, setting='disjoint'), 0)
