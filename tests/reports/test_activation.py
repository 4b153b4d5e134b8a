"""Activation of a class by two runs, against a plain computation."""

import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.apis import init_model
from mmseg.registry import DATASETS

from mmseg_dkd.reports import activation
from mmseg_dkd.utils.json_file import read_json, write_json


@pytest.fixture(scope='module')
def pair(finished, tmp_path_factory) -> list[Path]:
    """Two rows of two seeds, whose activations of ``bag`` differ."""
    folder = tmp_path_factory.mktemp('compare')
    rows = [folder / name for name in ('a', 'b')]
    for number, row in enumerate(rows):
        for seed in range(2):
            run = row / f'seed_{seed}'
            shutil.copytree(finished, run)
            enliven(run, 10 * number + seed, active=0.2 + 0.2 * number + 0.1 * seed)
            results = read_json(run / 'results.json', None)
            results[2]['per_class_iou']['bag'] = 10.0 * number + seed
            write_json(run / 'results.json', results)
    return rows


def enliven(run: Path, seed: int, active: float) -> None:
    """A classifier of ``bag`` that answers to the image, and is active in a share of all pixels.

    Two iterations leave statistics of BatchNorm with which all images look the same.
    """
    file = run / 'step_2/iter_2.pth'
    model = init_model(str(run / 'step_2/fashion_4-2.py'), str(file), 'cpu')
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    data = model.data_preprocessor(pseudo_collate([*dataset]), False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            module.train()
    classifier = model.decode_head.conv_seg.steps[2]
    with torch.no_grad():
        generator = torch.Generator().manual_seed(seed)
        classifier.weight.copy_(torch.randn(classifier.weight.shape, generator=generator))
        logits = model.encode_decode(data['inputs'], [dict(img_shape=(64, 64))] * len(dataset))
        classifier.bias[0] -= logits[:, 7].quantile(1 - active)
    checkpoint = torch.load(file, weights_only=False)
    torch.save(dict(checkpoint, state_dict=model.state_dict()), file)


def plain(run: Path, label: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Activation, prediction and truth of all test images, by mmseg's own functions."""
    model = init_model(str(run / 'step_2/fashion_4-2.py'), str(run / 'step_2/iter_2.pth'), 'cpu')
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    found = []
    for index in range(len(dataset)):
        data = model.data_preprocessor(pseudo_collate([dataset[index]]), False)
        metas = [sample.metainfo for sample in data['data_samples']]
        with torch.no_grad():
            logits = model.encode_decode(data['inputs'], metas)[0]
        truth = data['data_samples'][0].gt_sem_seg.data[0].numpy()
        assert logits.shape[1:] == truth.shape
        found.append((1 / (1 + np.exp(-logits[label].numpy())), logits.argmax(0).numpy(), truth))
    return found


@pytest.mark.skipif(torch.cuda.is_available(), reason='compares figures of the CPU')
def test_shares_and_images_are_those_of_a_plain_computation(pair):
    figure, table = activation.compare(*pair)
    looks = [[plain(row / f'seed_{seed}', 7) for seed in range(2)] for row in pair]
    areas = np.array([(truth == 7).sum() for _, _, truth in looks[0][0]])
    empty = np.flatnonzero(areas == 0)
    assert 2 < len(empty) < len(areas)
    lines = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines()]
    assert lines[0] == ["class 'bag', step 2 (%)", 'seed_0', 'seed_1', 'mean']
    for number, (side, name) in enumerate((('without', 'a'), ('with', 'b'))):
        shares = [
            100 * np.mean([np.mean(looks[number][seed][i][0] >= 0.5) for i in empty])
            for seed in range(2)
        ]
        assert 0 < min(shares) and max(shares) < 100
        mean, deviation = np.mean(shares), np.std(shares, ddof=1)
        assert lines[2 + number] == [
            f'{side} ({name}): pixels >= 0.5 in {len(empty)} images without it',
            f'{shares[0]:.2f}', f'{shares[1]:.2f}', f'{mean:.2f} (±{deviation:.2f})',
        ]  # fmt: skip
        low, high = f'{10 * number:.2f}', f'{10 * number + 1:.2f}'
        middle = f'{10 * number + 0.5:.2f} (±0.71)'
        assert lines[4 + number] == [f'{side} ({name}): IoU', low, high, middle]
    with_bag = sorted(range(len(areas)), key=lambda i: -areas[i])[:2]
    peaks = {i: looks[0][0][i][0].max() + looks[1][0][i][0].max() for i in empty}
    chosen = [*with_bag, *sorted(empty, key=lambda i: -peaks[i])[:2]]
    grid = np.reshape(figure.axes[:24], (4, 6))
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ['bag', 'bag', 'no bag', 'no bag']
    colours = matplotlib.colormaps[activation.COLOUR_MAP]
    for row, index in zip(grid, chosen, strict=True):
        pixels = np.asarray(row[0].images[0].get_array()).astype(float)
        assert pixels.shape == (64, 64, 3)
        grey = pixels @ [0.299, 0.587, 0.114] / 255
        pale = (0.71 + 0.25 * grey)[..., None]
        for number in range(2):
            seen, prediction, truth = looks[number][0][index]
            drawn = row[2 + 2 * number].images[0].get_array()
            np.testing.assert_allclose(drawn, pale * colours(seen)[..., :3], atol=0.006)
            for axes, mask in ((row[1], truth), (row[3 + 2 * number], prediction)):
                plainly = np.isclose(axes.images[0].get_array(), pale, atol=0.002).all(-1)
                assert np.array_equal(plainly, mask == 0) or mask.all()
    bar = figure.axes[24]
    assert bar.get_ylim() == (0, 1) and 'bag' in bar.get_ylabel()


def test_chosen_images_show_the_class_or_activate_it_the_most():
    area = np.array([0, 5, 0, 9, 7, 0])
    peak = np.array([0.1, 1, 0.9, 1, 1, 0.5])
    assert activation.choose_images(area, peak) == [3, 4, 2, 5]
    assert activation.choose_images(area[:2], peak[:2]) == [1, 0]


def test_another_class_and_step_and_a_single_run(finished):
    figure, table = activation.compare(finished, finished, step=1, class_name='dress')
    assert table.startswith("| class 'dress', step 1 (%) | run | mean |\n|---|---|---|\n")
    assert figure.axes[0].get_ylabel() == 'dress'
    assert not figure.axes[0].yaxis.label.get_parse_math(), 'a name is no formula'


def test_unknown_classes_list_the_known_ones(finished):
    for name in ('boot', 'background'):
        with pytest.raises(ValueError, match=f"no class '{name}' at step 1.* pullover, .*sneaker$"):
            activation.compare(finished, finished, step=1, class_name=name)


def test_rows_without_a_common_seed_are_refused(pair, finished):
    with pytest.raises(ValueError, match='a .seed_0, seed_1. and .*no seed in common'):
        activation.compare(pair[0], finished)
    with pytest.raises(FileNotFoundError, match='has no run that has finished step 3'):
        activation.compare(*pair, step=3)


def test_other_test_images_are_refused(finished, tmp_path):
    shutil.copytree(finished, tmp_path / 'run')
    config = tmp_path / 'run' / 'step_2' / 'fashion_4-2.py'
    text = config.read_text()
    assert 'Segmentation/val.txt' in text
    config.write_text(text.replace('Segmentation/val.txt', 'Segmentation/train.txt'))
    with pytest.raises(ValueError, match='other test images at step 2'):
        activation.compare(finished, tmp_path / 'run')
