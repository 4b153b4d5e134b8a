"""A step 0 that is a stock softmax model as it is: nothing is trained, nothing changes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS
from PIL import Image
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd.datasets.demo.fashion import FashionDataset
from mmseg_dkd.engine import start_from
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.softmax import CLASSES, HEAD, incremental
from tests.tools.test_tools import run

NAMES, PALETTE = (FashionDataset.METAINFO[key][1:] for key in ('classes', 'palette'))


def mmseg_tests(cfg: Config, checkpoint: Path, folder: Path) -> dict[str, float]:
    """What mmseg's own test says of a stock model."""
    cfg.load_from, cfg.work_dir = str(checkpoint), str(folder)
    cfg.experiment_name = cfg.visualizer.name = folder.name
    return Runner.from_cfg(cfg).test()


def of_stock(state: dict, stock: dict) -> None:
    """Every tensor of a stock model is in the state of step 0, bit by bit."""
    parts = {
        f'{HEAD}.{part}': torch.cat(
            [
                state[f'{HEAD}.{name}.{part}']
                for name in ('background', 'steps.0')
                if f'{HEAD}.{name}.{part}' in state
            ]
        )
        for part in ('weight', 'bias')
    }
    for key, tensor in stock.items():
        assert torch.equal(tensor, parts.get(key, state.get(key))), key


@pytest.fixture
def bare(tiny, scenes, tmp_path):
    """A stock model of four classes without background, and a run that starts from it.

    The old classes alone are labelled in the test images.
    """
    root = tmp_path / 'val'
    shutil.copytree(scenes, root)
    for path in (root / 'SegmentationClass').glob('val_*.png'):
        with Image.open(path) as mask:
            old = np.where(np.asarray(mask) > 4, np.uint8(0), mask)
        Image.fromarray(old).save(path)
    plain, cfg = tiny('softmax/fashion_4.py'), tiny('mib/fashion_4-2.py')
    plain.model.decode_head.num_classes = 4
    torch.manual_seed(0)
    model = MODELS.build(plain.model)
    with torch.no_grad():
        model.decode_head.conv_seg.weight.normal_(std=3)
    path = tmp_path / 'stock.pth'
    described = dict(classes=NAMES[:4], palette=PALETTE[:4])
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=described)), path)

    def masks(names: int, at: Path) -> dict:
        return dict(
            type='BaseSegDataset',
            metainfo=dict(classes=NAMES[:names], palette=PALETTE[:names]),
            reduce_zero_label=True,
            data_root=str(at),
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        )

    for split, names in (('train', 8), ('test', 8)):
        dataset = cfg[f'{split}_dataloader'].dataset.dataset
        dataset.update(masks(names, scenes if split == 'train' else root))
    steps = [[1, 2, 3, 4], [5, 6], [7, 8]]
    cfg.scenario = dict(name=steps, num_classes=8, has_background=False, unlabelled='ignored')
    cfg.model.decode_head.update(num_classes=8, scenario=cfg.scenario)
    cfg.start_from = str(path)
    plain.test_dataloader.dataset = dict(
        masks(4, root), ann_file='ImageSets/Segmentation/val.txt', pipeline=plain.test_pipeline
    )
    plain.test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
    return plain, cfg, path


@pytest.mark.parametrize('method', ['finetune', 'mib', 'plop', 'recall'])
def test_step_0_is_the_stock_model_with_a_background(method, tiny, ordinary, tmp_path, undrawn):
    cfg, path = tiny(f'{method}/fashion_4-2.py'), ordinary / 'iter_2.pth'
    cfg.start_from = str(path)
    Run(cfg, tmp_path / 'run').run([0, 1] if method == 'mib' else [0])
    first = json.loads((tmp_path / 'run/results.json').read_text())[0]
    assert first['training'] == dict.fromkeys(first['training'])
    plain = Config.fromfile(ordinary / 'fashion_4.py')
    metrics = mmseg_tests(plain, path, tmp_path / 'stock')
    assert first['miou_all'] == pytest.approx(metrics['mIoU'], abs=0.01)
    kept = checkpoint_types.load(tmp_path / 'run/step_0/iter_2.pth')
    of_stock(kept['state_dict'], checkpoint_types.load(path)['state_dict'])


@pytest.mark.slow
def test_step_0_is_the_stock_model_in_two_processes(tiny, ordinary, tmp_path):
    tiny('mib/fashion_4-2.py').dump(tmp_path / 'run.py')
    done = run(
        'tools/dist_train.sh', tmp_path / 'run.py', 2, '--steps', '0-1',
        '--start-from', ordinary / 'iter_2.pth', '--work-dir', tmp_path / 'run',
        PORT=str(get_free_port()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    kept = checkpoint_types.load(tmp_path / 'run/step_0/iter_2.pth')
    of_stock(kept['state_dict'], checkpoint_types.load(ordinary / 'iter_2.pth')['state_dict'])
    assert len(json.loads((tmp_path / 'run/results.json').read_text())) == 2


def test_step_0_is_the_stock_model_without_a_background(bare, tmp_path, undrawn):
    plain, cfg, path = bare
    Run(cfg, tmp_path / 'run').run([0, 1])
    first, second = json.loads((tmp_path / 'run/results.json').read_text())
    metrics = mmseg_tests(plain, path, tmp_path / 'stock')
    assert metrics['mIoU'] > 1, 'a stock model that says a class or two proves nothing'
    assert first['miou_all'] == pytest.approx(metrics['mIoU'], abs=0.01)
    assert second['per_class_iou'].keys() >= {'sandal', 'sneaker'}
    kept = checkpoint_types.load(tmp_path / 'run/step_0/iter_2.pth')
    of_stock(kept['state_dict'], checkpoint_types.load(path)['state_dict'])


def test_every_pixel_is_what_the_stock_model_says(bare):
    plain, cfg, path = bare
    stock, model = MODELS.build(plain.model).eval(), incremental(cfg).eval()
    stock.load_state_dict(checkpoint_types.load(path)['state_dict'])
    model.load_state_dict(start_from.convert(path, model, ('unknown', *NAMES[:4])), strict=True)
    image, meta = torch.randn(2, 3, 64, 80), [dict(img_shape=(64, 80), ori_shape=(96, 120))] * 2
    with torch.no_grad():
        expected, actual = (net.inference(image, meta) for net in (stock, model))
    torch.testing.assert_close(actual[:, 1:], expected)
    assert (actual[:, 0] == -1e4).all()
    assert torch.equal(actual.argmax(1), 1 + expected.argmax(1))


def test_plain_model_of_a_head_without_background_says_the_same(bare):
    _, cfg, path = bare
    model = incremental(cfg).eval()
    model.load_state_dict(start_from.convert(path, model, ('unknown', *NAMES[:4])), strict=True)
    feature = torch.randn(2, 8, 5, 4)
    weight, bias = model.decode_head.as_convolution()
    with torch.no_grad():
        torch.testing.assert_close(
            torch.nn.functional.conv2d(feature, weight, bias),
            model.decode_head.prediction_of(feature)[:, 1:],
        )


def test_dkd_needs_a_background(bare):
    _, cfg, path = bare
    del cfg.model.decode_head['kd_weight']
    cfg.model.decode_head.update(type='DKDHead', init='random', loss_decode=None)
    cfg.scenario.pop('unlabelled')
    with pytest.raises(ValueError, match="no 'unknown'.* Eq. 12 .*MiBHead.* unlabelled='ignored'"):
        start_from.convert(path, incremental(cfg), ('unknown', *NAMES[:4]))


def test_a_method_that_needs_a_background_says_so(bare):
    _, cfg, _ = bare
    del cfg.model.decode_head['kd_weight']
    cfg.model.decode_head.update(type='SoftmaxHead')
    with pytest.raises(ValueError, match="unlabelled='ignored'.* choose MiBHead"):
        incremental(cfg)


def test_other_classes_without_background_are_told(bare):
    _, cfg, path = bare
    with pytest.raises(ValueError, match=r"missing \['bag'\], surplus \['t-shirt'\]"):
        start_from.convert(path, incremental(cfg), ('unknown', 'bag', *NAMES[1:4]))


@pytest.mark.parametrize('method', ['sdr', 'rcil'])
def test_methods_that_keep_more_of_step_0_say_so(method, tiny, ordinary):
    model = incremental(tiny(f'{method}/fashion_4-2.py'))
    with pytest.raises(ValueError, match=r'does not fit(.|\n)*: missing'):
        start_from.convert(ordinary / 'iter_2.pth', model, CLASSES)


def test_nothing_more_to_train_is_no_error_of_dkd(from_softmax):
    cfg = from_softmax()
    cfg.model.decode_head.update(init='random', loss_aux=None)
    assert incremental(cfg).complete and not incremental(from_softmax()).complete
    assert CLASSES[0] == 'background'
