"""What tools/export.py writes, where mmseg_dkd cannot be imported."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from PIL import Image

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.export import export, writer
from mmseg_dkd.export.detach import detach
from mmseg_dkd.export.plain import plain_model, plain_state, plain_test, write_config
from mmseg_dkd.models import IncrementalHead
from mmseg_dkd.scenario import Scenario
from tests.methods.plain import head_of
from tests.tiny import REPOSITORY, shrink, write_outspoken
from tests.tools.test_tools import STOCK_TEST, run

FASHION = REPOSITORY / 'configs/dkd/fashion_4-2.py'
ORDER = [8, 3, 1, 6, 2, 4, 7, 5]


@pytest.fixture(autouse=True, scope='module')
def default_scope():
    init_default_scope('mmseg')


@pytest.fixture(scope='module')
def official(scenes, tmp_path_factory) -> tuple[Path, Path]:
    """Step 1 of 3 on this package's own head, another class order and another tau."""
    cfg = shrink(Config.fromfile(FASHION), scenes)
    cfg.scenario = dict(name='4-2', num_classes=8, order=ORDER)
    cfg.model.decode_head.update(base_type='OfficialASPPHead', tau=0.4)
    return write_outspoken(cfg, 1, tmp_path_factory.mktemp('official'))


def images_of(root: Path) -> list[str]:
    names = (root / 'ImageSets/Segmentation/val.txt').read_text().split()
    return [str(root / 'JPEGImages' / f'{name}.jpg') for name in names]


def miou(images: list[str], labels: np.ndarray, order: list[int]) -> float:
    """Mean IoU in percent, plainly: classes in the order of learning, later ones ignored."""
    number_of = {0: 0, **{class_id: 1 + k for k, class_id in enumerate(order)}}
    masks = [Image.open(i.replace('JPEGImages', 'SegmentationClass')[:-3] + 'png') for i in images]
    truth = np.array([np.vectorize(lambda v: number_of.get(v, 255))(np.array(m)) for m in masks])
    ious = []
    for k in range(1 + len(order)):
        said, there = (labels == k) & (truth != 255), truth == k
        ious.append((said & there).sum() / (said | there).sum())
    return 100 * np.nanmean(ious)


@pytest.mark.parametrize('kind', ['outspoken', 'official'])
def test_stock_mmseg_predicts_the_same_without_this_package(kind, request, scenes, tmp_path):
    config, checkpoint = request.getfixturevalue(kind)
    if kind == 'official':
        (written,) = export(Config.fromfile(config), checkpoint, tmp_path / 'out')
        assert written.labels == 1
    else:
        done = run(sys.executable, 'tools/export.py', config, checkpoint, tmp_path / 'out')
        assert done.returncode == 0, done.stderr[-2000:]
        assert '100.00 % of the labels are the same' in done.stdout
    images = images_of(scenes)
    name = 'outspoken_step_1' if kind == 'official' else 'outspoken_step_2'
    # The folder may move, under a name that is none of Python's texts.
    moved = """mo'v"ed\n"""
    (tmp_path / 'out').rename(tmp_path / moved)
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    (tmp_path / 'elsewhere').mkdir()
    done = subprocess.run(
        [
            sys.executable, REPOSITORY / 'tests/tools/plain_mmseg.py',
            f'../{moved}/{name}.py', f'../{moved}/{name}.pth', tmp_path / 'answers.npz', STOCK_TEST,
            *images,
        ],
        cwd=tmp_path / 'elsewhere', env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = np.load(tmp_path / 'answers.npz')
    model = init_model(str(config), str(checkpoint), 'cpu')
    expected = [inference_model(model, image) for image in images]
    labels = np.stack([sample.pred_sem_seg.data[0].numpy() for sample in expected])
    assert len(np.unique(labels)) > 5 and (labels == 0).any()
    np.testing.assert_array_equal(said['labels'], labels)
    np.testing.assert_array_equal(said['inferred'], labels)
    logits = np.stack([sample.seg_logits.data.numpy() for sample in expected])
    np.testing.assert_allclose(said['logits'], logits, atol=1e-4)
    assert said['classes'].tolist() == list(model.dataset_meta['classes'])
    assert said['palette'].tolist() == said['drawn_palette'].tolist()
    assert said['drawn'].std() > 0
    assert said['meta'].tolist() == ['dataset_meta', 'exported_from']
    assert str(said['model']) == 'mmseg.models.segmentors.encoder_decoder.EncoderDecoder'
    (metrics,) = (json.loads(f.read_text()) for f in tmp_path.glob('answers.npz_test/*/*.json'))
    order = ORDER[:6] if kind == 'official' else [1, 2, 3, 4, 5, 6, 7, 8]
    assert metrics['mIoU'] == pytest.approx(miou(images, labels, order), abs=0.01)
    assert list(tmp_path.glob('answers.npz_tta/*/*.json')), 'mmseg tests it with --tta as well'


@pytest.mark.parametrize('name', ['dkd/voc_15-5.py', 'dkd/ade_100-50.py', 'joint/voc_all.py',
                                  'dkd/voc_15-5_stock-r101-d8.py'])  # fmt: skip
def test_main_configs_become_plain_ones(name, tmp_path):
    cfg = step_config(Config.fromfile(REPOSITORY / 'configs' / name), 0)
    scenario = Scenario(**cfg.scenario)
    count = 1 + len(scenario.seen(0))
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    classes = list('x' * count)
    test = plain_test(cfg, scenario, 0, classes, [[0, 0, 0]] * count)
    write_config(tmp_path / 'plain.py', cfg, plain_model(cfg.model.to_dict(), count), test, 'about')
    plain = Config.fromfile(tmp_path / 'plain.py')
    assert 'mmseg_dkd' not in plain.pretty_text
    assert (tmp_path / 'dkd_official_aspp_head.py').exists() == ('stock' not in name)
    with torch.device('meta'):
        expected = MODELS.build(plain.model).state_dict()
    assert MODELS.get('OfficialASPPHead').__module__ == 'mmseg_dkd.models.official_aspp_head'
    exported = plain_state(model, expected)
    assert {k: v.shape for k, v in exported.items()} == {k: v.shape for k, v in expected.items()}
    assert not any(key in plain.model.backbone for key in ('init_cfg', 'pretrained'))


@pytest.mark.parametrize(('kind', 'background'), [('DKDHead', 0.2), ('MiBHead', None)])
def test_one_convolution_predicts_as_the_classifiers(kind, background):
    own = dict(tau=0.2, init='random') if background else {}
    head = head_of(kind, 1, **own)
    feature = torch.randn(2, 6, 3, 3, dtype=torch.float64)
    weight, bias = head.as_convolution()
    found = torch.nn.functional.conv2d(feature, weight, bias)
    torch.testing.assert_close(found, head.prediction_of(feature))
    if background:
        assert not weight[0].any() and bias[0].sigmoid().item() == pytest.approx(background)


@pytest.mark.parametrize('name', ['finetune', 'plop', 'recall', 'sdr'])
def test_other_methods_become_plain_models(name, scenes, tmp_path):
    cfg = shrink(Config.fromfile(REPOSITORY / f'configs/{name}/fashion_4-2.py'), scenes)
    config, checkpoint = write_outspoken(cfg, 1, tmp_path)
    (written,) = export(Config.fromfile(config), checkpoint, tmp_path / 'out')
    assert written.labels == 1 and written.largest > 1


def test_a_method_with_a_network_of_its_own_is_refused(scenes, tmp_path):
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/rcil/fashion_4-2.py'), scenes)
    config, checkpoint = write_outspoken(cfg, 1, tmp_path)
    with pytest.raises(TypeError, match='has made another network of the plain one'):
        export(Config.fromfile(config), checkpoint, tmp_path / 'out')


def test_a_method_without_a_1x1_convolution_is_refused():
    with pytest.raises(TypeError, match='does not predict by a 1x1 convolution'):
        IncrementalHead.as_convolution(SimpleNamespace())


@pytest.fixture
def ready(outspoken, tmp_path):
    """Config, checkpoint and a folder that is not there."""
    return Config.fromfile(outspoken[0]), outspoken[1], tmp_path / 'here' / 'out'


def refused(error, words, cfg, checkpoint, out, formats=('mmseg',)):
    there = sorted(out.parent.rglob('*'))
    with pytest.raises(error, match=words):
        export(cfg, checkpoint, out, formats)
    assert sorted(out.parent.rglob('*')) == there, 'something was written'


def test_checkpoint_of_another_step_or_scenario(ready, official):
    cfg, checkpoint, out = ready
    refused(ValueError, 'step 1, .* but step 2 of .* seen differs', cfg, official[1], out)
    cfg.model.decode_head.scenario.setting = 'disjoint'
    refused(ValueError, 'fingerprint differs', cfg, checkpoint, out)


def test_files_that_are_not_there(ready, monkeypatch):
    cfg, _, out = ready
    refused(FileNotFoundError, 'nowhere.pth', cfg, 'nowhere.pth', out)
    monkeypatch.setattr(sys, 'argv', ['export.py', 'nowhere.py', 'nowhere.pth', str(out)])
    with pytest.raises(SystemExit, match='error: .*nowhere.py'):
        runpy.run_path(str(REPOSITORY / 'tools/export.py'), run_name='__main__')


def test_folder_that_holds_something(ready):
    cfg, checkpoint, out = ready
    out.mkdir(parents=True)
    (out / 'thesis.tex').write_text('x')
    refused(ValueError, 'out holds something already', cfg, checkpoint, out)
    refused(ValueError, 'thesis.tex holds something already', cfg, checkpoint, out / 'thesis.tex')
    (out / 'thesis.tex').unlink()
    assert export(cfg, checkpoint, out), 'an empty one will do'
    assert sorted(f.name for f in out.iterdir()) == [
        'dkd_fashion.py',
        'outspoken_step_2.pth',
        'outspoken_step_2.py',
    ]


@pytest.mark.parametrize('name', ["o'brien", "x');open('executed','w');('", 'a"\\N{b}\n#'])
def test_the_name_of_the_folder_is_no_code(name, ready, monkeypatch, tmp_path):
    cfg, checkpoint, out = ready
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    folder = out.parent / name
    export(cfg, checkpoint, folder)
    Config.fromfile(folder / 'outspoken_step_2.py')
    assert sys.path[0] == str(folder) and not (tmp_path / 'executed').exists()


def test_the_name_of_the_config_is_no_code_either(ready):
    cfg, checkpoint, out = ready
    object.__setattr__(cfg, '_filename', 'a\nopen("executed", "w")\n.py')
    (written,) = export(cfg, checkpoint, out)
    head = written.path.with_suffix('.py').read_text().splitlines()[:2]
    assert head[0].startswith('# Step 2') and head[1] == 'import sys'
    object.__setattr__(cfg, '_filename', '{{ fileDirname }}.py')
    refused(ValueError, 'cannot be exported: comment is .* rename it', cfg, checkpoint, out / 'b')


def test_a_model_tested_on_an_own_folder_is_exported_without_a_test(ready):
    cfg, checkpoint, out = ready
    inner = cfg.test_dataloader.dataset.dataset
    inner.update(type='LabelledFolder', labels=dict(background=0, dress=4))
    (written,) = export(cfg, checkpoint, out)
    plain = Config.fromfile(written.path.with_suffix('.py'))
    assert 'test_evaluator' not in plain
    assert plain.test_pipeline[0].type == 'LoadImageFromFile'
    assert [file.suffix for file in sorted(out.iterdir())] == ['.pth', '.py']


def test_config_of_a_plain_model(ready):
    cfg, checkpoint, out = ready
    cfg.model.type = 'EncoderDecoder'
    refused(ValueError, 'a EncoderDecoder, not an IncrementalSegmentor', cfg, checkpoint, out)


def test_checkpoint_without_class_names_is_named_by_the_data_set(ready, tmp_path):
    cfg, checkpoint, out = ready
    loaded = torch.load(checkpoint, weights_only=True)
    expected = loaded['meta'].pop('dataset_meta')
    torch.save(loaded, tmp_path / 'nameless.pth')
    (written,) = export(cfg, tmp_path / 'nameless.pth', out)
    meta = torch.load(written.path, weights_only=True)['meta']['dataset_meta']
    assert tuple(meta['classes']) == expected['classes']
    assert meta['palette'] == expected['palette']
    cfg.test_dataloader.dataset.dataset.data_root = '/nowhere'
    refused(FileNotFoundError, '/nowhere', cfg, tmp_path / 'nameless.pth', out.parent / 'out2')


def test_part_that_needs_this_package_is_named(ready):
    cfg, checkpoint, out = ready
    cfg.tta_pipeline = [dict(type='StepDataset')]
    words = r'StepDataset cannot be exported: step_dataset.py, line \d+, imports more of mmseg_dkd'
    refused(ValueError, words, cfg, checkpoint, out)
    crop = dict(type='CentreCrop', size=4)
    cfg, modules = detach(dict(a=[crop, (crop, dict(type='Resize'))]))
    renamed = dict(type='ExportedCentreCrop', size=4)
    assert cfg == dict(a=[renamed, (renamed, dict(type='Resize'))])
    assert list(modules) == ['dkd_centre_crop']


def test_export_that_says_something_else_is_not_kept(ready, monkeypatch):
    cfg, checkpoint, out = ready
    right = writer.plain_state
    wrong = lambda *args: {k: v * 1.01 for k, v in right(*args).items()}  # noqa: E731
    monkeypatch.setattr(writer, 'plain_state', wrong)
    refused(RuntimeError, 'nothing was written: .* differ by', cfg, checkpoint, out)
