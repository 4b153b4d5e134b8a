"""Images and labels of a step against plain readings of the files."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict
from mmseg.datasets import ADE20KDataset, PascalVOCDataset
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.datasets import FashionDataset, StepDataset
from mmseg_dkd.datasets.pipelines import pipeline_of, show_pipeline

from .step_data import BARE, FASHION, PIPELINE, VOC, bare_cfg, voc_like

pytestmark = pytest.mark.usefixtures('default_scope')


def ids_of(root: Path, split: str) -> list[str]:
    return (root / 'ImageSets' / 'Segmentation' / f'{split}.txt').read_text().split()


def read(file: Path) -> np.ndarray:
    with Image.open(file) as mask:
        return np.asarray(mask)


def expected_label(value: int, scenario: Scenario, step: int, test_mode: bool) -> int:
    """Label of one pixel, from the value in the file; with ids of classes in both kinds of data."""
    if value in (scenario.seen(step) if test_mode else scenario.new(step)):
        return 1 + scenario.order.index(value)
    if value == 255:
        return 255
    hidden = test_mode and not scenario.has_background and value > 0
    return 255 if hidden else 0


def assert_is_plain_reading(data: StepDataset, masks: list[Path], every: int = 1) -> None:
    scenario, step, test_mode = data.scenario, data.step, data.test_mode
    shown = [set(np.unique(read(file)).tolist()) for file in masks]
    wanted = set(scenario.seen(step) if test_mode else scenario.new(step))
    chosen = [file for file, values in zip(masks, shown, strict=True) if values & wanted]
    if scenario.setting == 'disjoint' and not test_mode:
        later = set(scenario.future(step))
        chosen = [file for file in chosen if not set(np.unique(read(file)).tolist()) & later]
    infos = [data.get_data_info(i) for i in range(len(data))]
    assert [info['seg_map_path'] for info in infos] == [str(file) for file in chosen]
    assert len(data) < len(masks), 'the test needs images that the step may not see'
    label_of = np.vectorize(lambda value: expected_label(value, scenario, step, test_mode))
    for index in range(0, len(data), every):
        item = data[index]
        assert item['data_samples'].img_path == infos[index]['img_path']
        label = item['data_samples'].gt_sem_seg.data.squeeze(0).numpy()
        assert np.array_equal(label, label_of(read(chosen[index])))


def test_images_are_tried_by_the_loader_of_the_pipeline(bare, tmp_path):
    shutil.copytree(bare, tmp_path / 'bare')
    for file in (tmp_path / 'bare/images').iterdir():
        # Depths that Pillow can read and OpenCV cannot.
        Image.fromarray(np.zeros((3, 4), np.float32)).save(file, 'TIFF')
    cfg = bare_cfg(tmp_path / 'bare')
    with pytest.raises(ValueError, match='5 of 5 images cannot .*trained on'):
        StepDataset(cfg, BARE, 0)
    loader = dict(type='LoadImageFromFile', imdecode_backend='pillow')
    assert len(StepDataset(dict(cfg, pipeline=[loader, *PIPELINE[1:]]), BARE, 0)) > 0


@pytest.mark.parametrize('target', ['..', 'loop'])
def test_ring_of_links_among_the_images_is_named(bare, tmp_path, target):
    shutil.copytree(bare, tmp_path / 'bare')
    (tmp_path / 'bare/images/loop').symlink_to(target)
    (tmp_path / 'bare/images/loop.jpg').symlink_to('loop.jpg')
    with pytest.raises(ValueError, match="'loop(.jpg)?' that leads round in a ring: remove it"):
        StepDataset(bare_cfg(tmp_path / 'bare'), BARE)


@pytest.mark.parametrize('test_mode', [False, True], ids=['train', 'test'])
@pytest.mark.parametrize('setting', ['overlapped', 'disjoint'])
@pytest.mark.parametrize('step', [0, 1, 2])
def test_voc_steps(voc, step, setting, test_mode):
    scenario = dict(VOC, setting=setting)
    data = StepDataset(voc_like('PascalVOCDataset', voc, 'train'), scenario, step, test_mode)
    masks = [voc / 'SegmentationClass' / f'{name}.png' for name in ids_of(voc, 'train')]
    assert any(255 in read(mask) for mask in masks), 'the test needs void'
    assert_is_plain_reading(data, masks, every=8)


@pytest.mark.parametrize('test_mode', [False, True], ids=['train', 'test'])
@pytest.mark.parametrize('step', [0, 1])
def test_steps_without_background(bare, step, test_mode):
    data = StepDataset(bare_cfg(bare), BARE, step, test_mode)
    assert_is_plain_reading(data, sorted((bare / 'masks').iterdir()))


@pytest.mark.parametrize('test_mode', [False, True], ids=['train', 'test'])
@pytest.mark.parametrize('step', [0, 1])
def test_classes_left_out_are_background_or_nothing(voc, bare, step, test_mode):
    scenario = dict(name='3-2', num_classes=20, classes=[20, 2, 7, 13, 9])
    data = StepDataset(voc_like('PascalVOCDataset', voc, 'train'), scenario, step, test_mode)
    masks = [voc / 'SegmentationClass' / f'{name}.png' for name in ids_of(voc, 'train')]
    assert_is_plain_reading(data, masks, every=7)
    names = PascalVOCDataset.METAINFO['classes']
    assert data.metainfo['classes'] == tuple(names[i] for i in (0, 2, 7, 9, 13, 20)[: 4 + 2 * step])
    without = dict(name=[[3], [1]], num_classes=4, classes=[1, 3], has_background=False)
    data = StepDataset(bare_cfg(bare), without, step, test_mode)
    assert_is_plain_reading(data, sorted((bare / 'masks').iterdir()))


@pytest.mark.parametrize('step', [0, 2])
def test_unlabelled_pixels_that_are_ignored_are_void_in_testing_alone(bare, step):
    ignoring = dict(BARE, unlabelled='ignored')
    for test_mode, becomes in ((True, 255), (False, 0)):
        usual, ignored = (
            StepDataset(bare_cfg(bare), scenario, step, test_mode) for scenario in (BARE, ignoring)
        )
        zeros = 0
        for one, other in zip(usual, ignored, strict=True):
            before, after = (np.asarray(s['data_samples'].gt_sem_seg.data) for s in (one, other))
            assert np.array_equal(after, np.where(before == 0, becomes, before))
            zeros += (before == 0).sum()
        assert zeros, 'masks without an unlabelled pixel prove nothing'


def test_concatenated_lists_are_one_data_set(voc):
    parts = [
        voc_like('PascalVOCDataset', voc, 'train'),
        voc_like('PascalVOCDataset', voc, 'aug', 'SegmentationClassAug'),
    ]
    data = StepDataset(dict(type='ConcatDataset', datasets=parts), VOC, 0)
    folders = ['SegmentationClass'] * 30 + ['SegmentationClassAug'] * 30
    names = zip(folders, ids_of(voc, 'trainaug'), strict=True)
    masks = [voc / folder / f'{name}.png' for folder, name in names]
    assert_is_plain_reading(data, masks, every=10)
    assert (voc / '.mmseg_dkd').is_dir(), 'the cache belongs into the first data_root'


def test_names_and_colours_follow_the_order_of_learning(fashion):
    cfg = voc_like('FashionDataset', fashion, 'train')
    names, colours = (FashionDataset.METAINFO[key] for key in ('classes', 'palette'))
    for step, ids in [
        (0, (0, 8, 3, 1)),
        (1, (0, 8, 3, 1, 6, 2)),
        (None, (0, 8, 3, 1, 6, 2, 4, 7, 5)),
    ]:
        meta = StepDataset(cfg, FASHION, step).metainfo
        assert meta['classes'] == tuple(names[i] for i in ids)
        assert meta['palette'] == [colours[i] for i in ids]
        assert meta['base'] == [1, 2, 3] and not meta['label_map']
        assert meta['mask_values'] == list(ids)


def test_pipeline_of_the_data_sets_is_shown_where_mmseg_looks_for_it():
    def config(*pipelines, **own):
        parts = [dict(pipeline=pipeline) for pipeline in pipelines]
        inner = parts[0] if len(parts) == 1 else dict(datasets=parts)
        return Config(dict(test_dataloader=dict(dataset=dict(dataset=inner, **own))))

    load, flip = [dict(type='LoadImageFromFile')], [dict(type='RandomFlip')]
    for parts, own, expected in [
        ([load], {}, load),
        ([load, load], {}, load),
        ([load, flip], {}, None),
        ([load], dict(pipeline=flip), flip),
    ]:
        cfg = show_pipeline(config(*parts, **own))
        assert cfg.test_dataloader.dataset.get('pipeline') == expected
        assert cfg.get('test_pipeline') == expected
        assert pipeline_of(cfg.test_dataloader.dataset) == (expected or load), 'another is tested'
    cfg = show_pipeline(Config(dict(config(load).to_dict(), test_pipeline=flip)))
    assert cfg.test_pipeline == flip


def test_class_zero_without_background_is_unlabelled(bare):
    meta = StepDataset(bare_cfg(bare), BARE, 1).metainfo
    assert meta['classes'] == ('unlabelled', 'sand', 'sky', 'tree')
    assert meta['palette'] == [[0] * 3, [2] * 3, [0] * 3, [3] * 3]
    assert meta['reduce_zero_label'] is False, 'the metric must not take labels for shifted ones'
    assert meta['mask_values'] == [0, 3, 1, 4], 'as in the masks, where 0 is unlabelled'


def test_caller_cannot_change_the_meta_information(fashion):
    data = StepDataset(voc_like('FashionDataset', fashion, 'train'), FASHION, 0)
    data.metainfo['palette'][1][:] = [1, 2, 3]
    assert data.metainfo['palette'][1] == FashionDataset.METAINFO['palette'][8]


def test_config_is_left_as_it_was(fashion):
    cfg = ConfigDict(voc_like('FashionDataset', fashion, 'train'))
    before = copy.deepcopy(cfg)
    first, second = (StepDataset(cfg, FASHION, 0) for _ in range(2))
    assert cfg == before and len(first) == len(second)
    assert [type(t).__name__ for t in first.dataset.pipeline.transforms] == [
        'LoadImageFromFile',
        'LoadAnnotations',
        'Relabel',
        'PackSegInputs',
    ]


def test_every_branch_of_test_time_augmentation_is_relabelled(voc):
    cfg = voc_like('PascalVOCDataset', voc, 'val')
    flips = [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)]
    stages = [[dict(type='Resize', scale_factor=1.0)], flips, [PIPELINE[1]], [PIPELINE[2]]]
    cfg['pipeline'] = [PIPELINE[0], dict(type='TestTimeAug', transforms=stages)]
    plain = StepDataset(voc_like('PascalVOCDataset', voc, 'val'), VOC, 1, test_mode=True)
    augmented = StepDataset(cfg, VOC, 1, test_mode=True)
    assert len(augmented) == len(plain) > 0
    expected = plain[0]['data_samples'].gt_sem_seg.data
    assert len(augmented[0]['data_samples']) == len(flips), 'two flips make two branches'
    for sample in augmented[0]['data_samples']:
        assert (sample.gt_sem_seg.data == expected).all()


def test_installed_data_sets_have_the_layout_that_is_assumed():
    # Class id c is label c with background (VOC), label c - 1 without (ADE20K).
    assert PascalVOCDataset.METAINFO['classes'][0] == 'background'
    assert len(PascalVOCDataset.METAINFO['classes']) == 21
    assert ADE20KDataset.METAINFO['classes'][0] == 'wall'
    assert len(ADE20KDataset.METAINFO['classes']) == 150


def test_pipeline_is_that_of_all_wrapped_data_sets(fashion):
    parts = [voc_like('FashionDataset', fashion, split) for split in ('train', 'val')]
    for part in parts:
        del part['pipeline']
    keys = ('img_path', 'seg_map_path', 'reduce_zero_label')
    pipeline = [*PIPELINE[:2], dict(type='PackSegInputs', meta_keys=keys)]
    cfg = dict(type='ConcatDataset', datasets=parts)
    dataset = StepDataset(cfg, FASHION, 0, pipeline=pipeline)
    assert {Path(dataset[i]['data_samples'].seg_map_path).stem for i in (0, len(dataset) - 1)} == {
        Path(dataset.names[i]).stem for i in (0, len(dataset) - 1)
    }
    assert set(np.unique(dataset[0]['data_samples'].gt_sem_seg.data)) <= {0, 1, 2, 3, 255}
    assert all('pipeline' not in part for part in parts), "the caller's config is changed"


@pytest.mark.parametrize(
    'step, train, test',
    [
        (0, dict(sand=2), dict(sand=2)),
        (1, dict(sky=2, tree=2), dict(sand=2, sky=2, tree=2)),
    ],
)
def test_images_are_counted_by_the_classes_that_have_a_label(bare, step, train, test):
    for test_mode, expected in enumerate((train, test)):
        data = StepDataset(bare_cfg(bare), BARE, step, bool(test_mode))
        assert data.images_per_class == expected and list(data.images_per_class) == list(expected)


def test_class_without_an_image_counts_none(bare):
    cfg = dict(bare_cfg(bare), indices=[0, 1])
    assert StepDataset(cfg, BARE, 1).images_per_class == dict(sky=1, tree=0)
