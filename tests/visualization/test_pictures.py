"""Pictures of a run, and the choice of the images they show."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_fashion_voc
from mmseg_dkd.visualization import pictures
from mmseg_dkd.visualization.samples import choose_images, predict_samples


def entries(steps: int, classes: int) -> list[dict]:
    """Results of a run that learns one class a step, with background; class 1 occurs nowhere."""
    rng = np.random.default_rng(0)
    found = []
    for step in range(steps):
        seen = classes - steps + step + 1
        iou = {f'class {c}': float(rng.uniform(0, 100)) for c in range(seen)}
        scores = dict.fromkeys(('miou_base', 'miou_novel', 'miou_all', 'hiou'), 40.0 + step)
        if step == 0:
            scores.update(miou_novel=None, hiou=None)
        found.append(dict(scores, step=step, per_class_iou=iou | {'class 1': None}))
    return found


def write_samples(work_dir: Path, steps: int, classes: int, count: int) -> None:
    """Samples of two shapes; image i shows class i + 1 and void, and is predicted without void."""
    palette = [value for c in range(classes) for value in (c, 255 - c, 100)]
    for step in range(steps):
        folder = work_dir / f'step_{step}' / 'samples'
        folder.mkdir(parents=True)
        (folder / 'classes.txt').write_text('\n'.join(f'class {c}' for c in range(classes)))
        for number in range(count):
            size = (30, 20) if number % 2 else (20, 30)
            truth = np.zeros(size, np.uint8)
            truth[5:10, 5:10], truth[10:12, 5:10] = number + 1, 255
            for name, mask in (('truth', truth), ('prediction', np.where(truth == 255, 0, truth))):
                picture = Image.fromarray(mask)
                picture.putpalette(palette)
                picture.save(folder / f'{number}_{name}.png')
            Image.new('RGB', size[::-1], (0, 0, 200)).save(folder / f'{number}_image.png')


@pytest.mark.parametrize('steps, classes', [(1, 2), (3, 9), (11, 151)])
def test_all_pictures_are_written_in_good_time(tmp_path, steps, classes):
    write_samples(tmp_path, steps, classes, count=min(6, classes - 1))
    results = entries(steps, classes)
    pictures.curves(results)  # Fonts are searched once a process.
    start = time.process_time()
    pictures.draw(tmp_path, tmp_path, results)
    seconds = time.process_time() - start
    for name in ('curves', 'iou_matrix', 'samples'):
        with Image.open(tmp_path / f'{name}.png') as picture:
            width, height = picture.size
            assert 100 < width < 4000 and 100 < height < 4000, f'{name} is {width} x {height}'
            assert len(picture.convert('L').getcolors()) > 10, f'{name} is empty'
    assert seconds < 5, f'a step of {steps} waited {seconds:.1f} s for its pictures'


def test_curves_start_where_there_is_a_figure():
    (axes,) = pictures.curves(entries(3, 5)).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines['mIoU novel'] == [[1, 41], [2, 42]]
    assert lines['mIoU base'] == lines['mIoU all'] == [[0, 40], [1, 41], [2, 42]]
    (axes,) = pictures.curves(entries(1, 5)).axes
    assert [line.get_label() for line in axes.lines] == ['mIoU base', 'mIoU all']


def test_matrix_has_a_row_a_step_and_gaps_for_unknown_figures():
    results = entries(3, 5)
    axes = pictures.iou_matrix(results).axes[0]
    table = axes.images[0].get_array()
    assert table.shape == (3, 5)
    gaps = [[0, 1, 0, 1, 1], [0, 1, 0, 0, 1], [0, 1, 0, 0, 0]]
    assert np.ma.getmaskarray(table).astype(int).tolist() == gaps
    assert table[2, 4] == results[2]['per_class_iou']['class 4']
    shown = sorted(int(text.get_text()) for text in axes.texts)
    assert shown == sorted(round(value) for value in table.compressed())
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [f'class {c}' for c in range(5)]


def test_names_are_no_formulas(tmp_path):
    # Matplotlib would fail to parse the first, and set the second in italics.
    odd = {'class 1': r'$\frac$', 'class 2': '$x$'}
    write_samples(tmp_path, steps=1, classes=3, count=2)
    names = tmp_path / 'step_0/samples/classes.txt'
    for old, new in odd.items():
        names.write_text(names.read_text().replace(old, new))
    (entry,) = entries(1, 3)
    entry['per_class_iou'] = {odd.get(n, n): v for n, v in entry['per_class_iou'].items()}
    pictures.draw(tmp_path, tmp_path, [entry])
    assert (tmp_path / 'iou_matrix.png').is_file() and (tmp_path / 'samples.png').is_file()


def test_samples_have_a_row_a_step_and_a_legend_of_the_classes_shown(tmp_path):
    write_samples(tmp_path, steps=2, classes=9, count=3)
    figure = pictures.samples(tmp_path, [0, 1])
    (axes,) = figure.axes
    rows = [tick.get_text() for tick in axes.get_yticklabels()]
    assert rows == ['image', 'ground truth', 'step 0', 'step 1']
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ['class 1', 'class 2', 'class 3']
    sheet = axes.images[0].get_array()
    pitch = pictures.HEIGHT + pictures.GAP
    assert sheet.shape[0] == 4 * pitch - pictures.GAP
    image, truth, first, last = (sheet[i * pitch :][: pictures.HEIGHT] for i in range(4))
    assert (image[:100, :100] == (0, 0, 200)).all(), 'the image itself is not paled'
    assert np.array_equal(first, last) and not np.array_equal(truth, first)
    # Wider than high by half, like the sample: row 7, column 7 of 20 x 30 pixels are its class.
    coloured, void, plain = truth[70, 70], truth[105, 70], truth[5, 5]
    assert coloured[1] > 200 and coloured[0] < 100, 'class 1 is (1, 254, 100)'
    assert (void > plain).all() and len(set(plain.tolist())) == 1, 'background has no colour'
    assert np.array_equal(first[105, 70], plain)


def test_step_without_samples_is_left_empty(tmp_path):
    write_samples(tmp_path, steps=2, classes=4, count=1)
    for file in (tmp_path / 'step_0' / 'samples').glob('*_prediction.png'):
        file.unlink()
    sheet = pictures.samples(tmp_path, [0, 1]).axes[0].images[0].get_array()
    pitch = pictures.HEIGHT + pictures.GAP
    assert len(np.unique(sheet[2 * pitch :][: pictures.HEIGHT])) == 1


def test_step_with_samples_of_other_images_is_left_out(tmp_path):
    write_samples(tmp_path, steps=3, classes=4, count=1)
    image = tmp_path / 'step_0/samples/0_image.png'
    Image.new('RGB', (9, 9)).save(image)
    labels = pictures.samples(tmp_path, [0, 1, 2]).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ['image', 'ground truth', 'step 1', 'step 2']


def test_chosen_images_are_fixed_and_cover_the_classes():
    scenario = Scenario('4-2', 8)
    presence = np.zeros((20, 9), bool)
    presence[:, 0] = True
    presence[np.arange(16), np.arange(16) % 4 + 1] = True  # The first four classes are common.
    presence[16, [5, 6]] = presence[17, [6, 7]] = presence[18, 8] = True
    chosen = choose_images(presence, scenario)
    assert chosen == sorted(set(chosen)) and len(chosen) == 6
    assert chosen == choose_images(presence.copy(), Scenario('4-2', 8))
    assert {16, 17, 18} < set(chosen), 'the latest classes come first'
    assert presence[choose_images(presence, scenario, count=7)].any(axis=0).all()


def test_later_classes_weigh_more():
    presence = np.eye(5, dtype=bool)
    assert choose_images(presence, Scenario('2-2', 4), count=2) == [3, 4]
    assert choose_images(presence, Scenario('2-2', 4, order=[4, 3, 2, 1]), count=2) == [1, 2]


def test_no_more_images_than_there_are():
    assert choose_images(np.ones((3, 5), bool), Scenario('2-2', 4)) == [0, 1, 2]


@pytest.fixture
def runner(tmp_path) -> SimpleNamespace:
    """What of a runner is asked for; its model predicts class 1 everywhere."""
    init_default_scope('mmseg')
    write_fashion_voc(tmp_path / 'data', train=5, val=4, size=48)
    # An image that the data set of the step leaves out, in front of all others.
    names = tmp_path / 'data' / 'ImageSets' / 'Segmentation' / 'val.txt'
    names.write_text('empty\n' + names.read_text())
    Image.new('L', (48, 48)).save(tmp_path / 'data' / 'SegmentationClass' / 'empty.png')
    Image.new('RGB', (48, 48)).save(tmp_path / 'data' / 'JPEGImages' / 'empty.jpg')
    dataset = dict(
        type='FashionDataset',
        data_root=str(tmp_path / 'data'),
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        ann_file='ImageSets/Segmentation/val.txt',
        pipeline=[dict(type=t) for t in ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')],
    )
    scenario = dict(name='4-2', num_classes=8, order=[8, 7, 6, 5, 4, 3, 2, 1])
    cfg = dict(type='StepDataset', dataset=dataset, scenario=scenario, step=0, test_mode=True)

    class Model(torch.nn.Module):
        def test_step(self, data: dict) -> list[SegDataSample]:
            (sample,) = data['data_samples']
            sample.pred_sem_seg = PixelData(data=torch.ones_like(sample.gt_sem_seg.data))
            return [sample]

    return SimpleNamespace(cfg=ConfigDict(test_dataloader=dict(dataset=cfg)), model=Model().train())


def test_samples_of_a_step_are_images_with_classes_in_labels_of_the_last_step(runner, tmp_path):
    folder = tmp_path / 'samples'
    predict_samples(runner, folder)
    dataset = DATASETS.build(runner.cfg.test_dataloader.dataset | dict(step=2))
    names = (folder / 'classes.txt').read_text().splitlines()
    assert names == list(dataset.metainfo['classes']) and names[1] == 'ankle boot'
    assert not runner.model.training
    assert len(list(folder.glob('*.png'))) == 3 * 4, 'four of five images show a class'
    for number in range(4):
        item = dataset[number]
        with Image.open(folder / f'{number}_truth.png') as truth:
            label = item['data_samples'].gt_sem_seg.data[0].numpy()
            assert np.array_equal(np.asarray(truth), label) and label.any()
            assert truth.getpalette()[3:6] == dataset.metainfo['palette'][1]
        with Image.open(folder / f'{number}_prediction.png') as prediction:
            assert (np.asarray(prediction) == 1).all()
        with Image.open(folder / f'{number}_image.png') as image:
            assert np.array_equal(np.asarray(image)[..., ::-1].transpose(2, 0, 1), item['inputs'])
