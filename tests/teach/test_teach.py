"""A model that is there, a folder, a new class: one command from labels to certificate."""

import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from PIL import Image

from mmseg_dkd.cli.main import main
from mmseg_dkd.reports.certificate import model_files
from mmseg_dkd.teach import recipe, speed
from mmseg_dkd.utils import checkpoint_types

OLD = ('t-shirt', 'trouser', 'pullover', 'dress')
QUICK = ['--iterations', '3', '--crop', '64', '64', '--batch', '2']
LOADERS = ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
LOADERS += [option.replace('train', 'test') for option in LOADERS]


@pytest.fixture(scope='module')
def folders(scenes, tmp_path_factory) -> Path:
    """Folders ``sandal``, ``trouser`` and ``dress``, in whose masks these are 255, ``sneaker``,
    where it is 1, and ``test`` with all classes."""
    root = tmp_path_factory.mktemp('folders')

    def put(folder: str, path: Path, mask: np.ndarray) -> None:
        for kind in ('images', 'masks'):
            (root / folder / kind).mkdir(parents=True, exist_ok=True)
        image = (scenes / 'JPEGImages' / path.name).with_suffix('.jpg')
        shutil.copy(image, root / folder / 'images')
        Image.fromarray(mask).save(root / folder / 'masks' / path.name)

    for path in sorted((scenes / 'SegmentationClass').glob('*.png')):
        mask = np.asarray(Image.open(path))
        if path.name.startswith('val'):
            put('test', path, np.where(mask > 6, np.uint8(0), mask))
        elif (mask == 5).any():
            put('sandal', path, np.where(mask == 5, np.uint8(255), np.uint8(0)))
        elif (mask == 6).any():
            put('sneaker', path, np.where(mask == 6, np.uint8(1), np.uint8(0)))
        for label, name in ((2, 'trouser'), (4, 'dress')):
            if path.name.startswith('train') and (mask == label).any():
                put(name, path, np.where(mask == label, np.uint8(255), np.uint8(0)))
    names = ['background', *OLD, 'sandal', 'sneaker']
    (root / 'test/masks/classes.txt').write_text('\n'.join(names))
    return root


@pytest.fixture(scope='module')
def stock(ordinary, tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """Config and checkpoint of a stock model with background and of one without, untrained, whose
    classes all appear somewhere."""
    found = {}
    for kind, names in (('background', ('background', *OLD)), ('bare', OLD)):
        folder = tmp_path_factory.mktemp(kind)
        cfg = Config.fromfile(ordinary / 'fashion_4.py')
        cfg.model.decode_head.num_classes = len(names)
        cfg.custom_imports = None
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.decode_head.conv_seg.weight.data.normal_(std=3)
        palette = [[number, 9, 9] for number in range(len(names))]
        meta = dict(dataset_meta=dict(classes=names, palette=palette))
        cfg.dump(folder / 'stock.py')
        torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'stock.pth')
        found[kind] = folder / 'stock.py', folder / 'stock.pth'
    return found


def teach(*arguments, options=()) -> None:
    main(['teach', *map(str, arguments), *QUICK, '--cfg-options', *LOADERS, *options])


def said_by(model, image: Path) -> np.ndarray:
    return inference_model(model, str(image)).pred_sem_seg.data[0].numpy()


@pytest.mark.parametrize('kind', ['background', 'bare'])
def test_two_classes_are_taught_one_after_the_other_and_nothing_old_moves(
    kind, stock, folders, tmp_path, capsys
):
    first, second = tmp_path / 'first', tmp_path / 'second'
    teach('sandal', '--model', *stock[kind], '--data', folders / 'sandal', '--out', first)
    said = capsys.readouterr().out
    for line in ('model:', 'data:', 'keep:   exact, by ExactHead', 'images: crops of 64 x 64'):
        assert line in said
    teach('sneaker', '--model', first, '--data', folders / 'sneaker', '--out', second)
    models = [stock[kind], model_files(first / 'model'), model_files(second / 'model')]
    states = [checkpoint_types.load(checkpoint)['state_dict'] for _, checkpoint in models]
    channels = 5 if kind == 'background' else 4
    for grown, state in enumerate(states):
        rows = {key.split('.')[2] for key in state if key.startswith('decode_head.rows.')}
        assert len(rows) == grown
        for key, tensor in states[0].items():
            inside = key.replace('decode_head.', 'decode_head.head.') if grown else key
            assert torch.equal(tensor, state[inside])
    nets = [init_model(str(config), str(path), device='cpu') for config, path in models]
    assert nets[2].dataset_meta['classes'][-3:] == ['dress', 'sandal', 'sneaker']
    changed = 0
    for image in sorted((folders / 'sneaker/images').iterdir()):
        logits = [inference_model(net, str(image)).seg_logits.data for net in nets]
        for before, after in zip(logits, logits[1:], strict=False):
            assert torch.equal(before, after[: len(before)])
        before, after = (logit.argmax(0) for logit in logits[1:])
        assert ((before == after) | (after == channels + 1)).all()
        changed += int((before != after).sum())
    certificate = json.loads((second / 'certificate/certificate.json').read_text())
    assert certificate['exact'] is True
    gone = [sum(found['went_to'].values()) for found in certificate['classes'].values()]
    assert sum(gone) == changed
    assert (second / 'run/report.html').is_file()
    results = json.loads((second / 'run/results.json').read_text())
    assert results[1]['per_class_iou']['sneaker'] is not None
    # Nobody looked for the old classes there.
    assert results[1]['per_class_iou']['trouser'] is None


def test_learned_is_dkd_with_a_background_and_mib_without(stock, folders, tmp_path, capsys):
    for kind, method in (('background', 'DKDHead'), ('bare', 'MiBHead')):
        out = tmp_path / kind
        teach(
            'sandal', '--model', *stock[kind], '--data', folders / 'sandal', '--out', out,
            '--keep', 'learned', '--test', folders / 'test',
        )  # fmt: skip
        assert 'sandal was hardly learned: try twice the learning rate' in capsys.readouterr().out
        cfg = Config.fromfile(out / 'teach.py')
        assert cfg.model.decode_head.type == method
        assert cfg.later_steps.optim_wrapper.clip_grad.max_norm == 10
        entry = json.loads((out / 'run/results.json').read_text())[1]
        assert entry['per_class_iou']['trouser'] is not None
        # The config is whole: train goes on by it, and finds nothing to do.
        written = (out / 'run/step_1/iter_3.pth').stat().st_mtime_ns
        main(['train', str(out / 'teach.py'), '--resume'])
        assert (out / 'run/step_1/iter_3.pth').stat().st_mtime_ns == written


def test_a_known_class_is_learned_anew(stock, folders, tmp_path, capsys):
    out = tmp_path / 'out'
    teach('dress', '--refresh', '--keep', 'learned', '--model', *stock['background'],
          '--data', folders / 'dress', '--out', out, '--test', folders / 'test')  # fmt: skip
    assert 'images of dress (known, and learned anew) in' in capsys.readouterr().out
    before, after = json.loads((out / 'run/results.json').read_text())
    assert before['per_class_iou'].keys() == after['per_class_iou'].keys()
    assert after['per_class_iou']['dress'] is not None
    config, checkpoint = model_files(out / 'model')
    classes = init_model(str(config), str(checkpoint), device='cpu').dataset_meta['classes']
    assert classes == ['background', *OLD], 'dress was the last one already'
    found = json.loads((out / 'certificate/certificate.json').read_text())['classes']
    assert found.keys() == {'background', *OLD}
    # The next one starts from it.
    teach('trouser', '--refresh', '--keep', 'learned', '--model', out,
          '--data', folders / 'trouser', '--out', tmp_path / 'next')  # fmt: skip
    config, checkpoint = model_files(tmp_path / 'next/model')
    classes = init_model(str(config), str(checkpoint), device='cpu').dataset_meta['classes']
    assert classes == ['background', 't-shirt', 'pullover', 'dress', 'trouser']


def test_without_a_background_none_is_learned_anew(stock, folders, tmp_path):
    with pytest.raises(SystemExit, match='has no background, so its softmax compares'):
        teach('dress', '--refresh', '--keep', 'learned', '--model', *stock['bare'],
              '--data', folders / 'dress', '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('method', ['PLOPHead', 'SoftmaxHead'])
def test_another_method_teaches_even_if_it_needs_all_classes_labelled(
    method, stock, folders, tmp_path
):
    # At step 0 the old classes are labelled nowhere, but nothing is trained.
    teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal',
          '--out', tmp_path / 'out', '--keep', 'learned', '--method', method)  # fmt: skip
    entry = json.loads((tmp_path / 'out/run/results.json').read_text())[1]
    assert entry['choices']['method'] == method.removesuffix('Head')
    exported = model_files(tmp_path / 'out/model')
    assert init_model(*map(str, exported), device='cpu').dataset_meta['classes'][-1] == 'sandal'


def test_an_interrupted_one_goes_on(stock, folders, tmp_path, monkeypatch):
    from mmseg_dkd.teach import teach as module

    def dies(*args):
        raise OSError('the power fails')

    out = ['--data', folders / 'sandal', '--out', tmp_path / 'out']
    with monkeypatch.context() as patch:
        patch.setattr(module, 'export', dies)
        with pytest.raises(SystemExit, match='the power fails'):
            teach('sandal', '--model', *stock['background'], *out)
    written = (tmp_path / 'out/run/step_1/iter_3.pth').stat().st_mtime_ns
    teach('sandal', '--model', *stock['background'], *out, '--resume')
    assert (tmp_path / 'out/run/step_1/iter_3.pth').stat().st_mtime_ns == written
    assert (tmp_path / 'out/certificate/certificate.json').is_file()


def test_dry_run_writes_nothing(stock, folders, tmp_path, capsys):
    out = tmp_path / 'out'
    teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal', '--out', out,
          '--dry-run')  # fmt: skip
    assert 'length: 3 iterations' in capsys.readouterr().out and not out.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('classes', 'changes', 'message'),
    [
        (['dress'], {}, "'dress' is a class of .*stock.pth already.*--refresh --keep learned"),
        (['background'], {}, "'background' is no class that can be taught"),
        (['dress'], dict(refresh=None), '--keep exact changes none: give --keep learned'),
        (['hat'], dict(refresh=None), "has no class 'hat', it has t-shirt, trouser"),
        (
            ['dress'],
            dict(refresh=None, keep='learned', method='MiBHead'),
            'MiBHead learns no class anew',
        ),
        (['sandal', 'sandal'], {}, 'several classes have the name'),
        (['hat'], dict(data='sneaker', masks=0), "'hat' is in no image"),
        (['sandal'], dict(data='nowhere'), 'nowhere: no such file or folder'),
        (['sandal'], dict(labels='nowhere.json'), 'nowhere.json: no such file or folder'),
        (['sandal'], dict(method='DKDHead'), '--method DKDHead with --keep exact: ExactHead'),
        (['sandal'], dict(budget='0.0001'), '--budget 0.0001: an iteration takes'),
    ],
)
def test_what_cannot_be_taught_is_said_before_and_nothing_is_left(
    classes, changes, message, stock, folders, tmp_path
):
    data = folders / changes.pop('data', 'sandal')
    if 'masks' in changes:
        data = shutil.copytree(data, tmp_path / 'data')
        for path in (data / 'masks').iterdir():
            empty = np.full((64, 64), changes['masks'], np.uint8)
            Image.fromarray(empty).save(path)
        del changes['masks']
    options = [
        text for key, value in changes.items() for text in (f'--{key}', value) if text is not None
    ]
    iterations = [] if 'budget' in changes else QUICK[:2]
    with pytest.raises(SystemExit, match=message):
        main(
            ['teach', *classes, '--model', *map(str, stock['background']), '--data', str(data)]
            + ['--out', str(tmp_path / 'out'), *QUICK[2:], *iterations, *options]
        )
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(type='CascadeEncoderDecoder'), 'the model is a CascadeEncoderDecoder'),
        (dict(decode_head=dict(type='OCRHead')), 'OCRHead cannot be incremental'),
        (dict(decode_head=dict(loss_decode=dict(use_sigmoid=True))), 'use_sigmoid=True'),
        (dict(decode_head=dict(channels=16)), 'does not fit'),
        (dict(backbone=dict(widen_factor=0.5)), 'does not fit'),
    ],
)
def test_models_that_cannot_be_taught_are_told(change, message, stock, folders, tmp_path):
    config, checkpoint = stock['background']
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(dict(model=change))
    cfg.dump(tmp_path / 'other.py')
    with pytest.raises(SystemExit, match=message):
        teach('sandal', '--model', tmp_path / 'other.py', checkpoint, '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


def test_a_softmax_over_one_channel_is_refused(stock, folders, tmp_path):
    config, checkpoint = stock['background']
    loaded = checkpoint_types.load(checkpoint)
    for part in ('weight', 'bias'):
        key = f'decode_head.conv_seg.{part}'
        loaded['state_dict'][key] = loaded['state_dict'][key][:1]
    loaded['meta']['dataset_meta'] = dict(classes=['defect'], palette=[[0, 0, 0]])
    torch.save(loaded, tmp_path / 'one.pth')
    with pytest.raises(SystemExit, match='a softmax over one channel says the same of every'):
        teach('sandal', '--model', config, tmp_path / 'one.pth', '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip


def test_onnx_says_the_same(stock, folders, tmp_path):
    out = tmp_path / 'out'
    teach('sandal', '--model', *stock['bare'], '--data', folders / 'sandal', '--out', out, '--onnx')
    onnxruntime = pytest.importorskip('onnxruntime')
    config, checkpoint = stock['bare']
    model = MODELS.build(Config.fromfile(config).model).eval()
    load_checkpoint(model, str(checkpoint))
    (path,) = (out / 'model').glob('*.onnx')
    image = torch.randn(1, 3, 64, 64)
    said = onnxruntime.InferenceSession(path).run(None, dict(images=image.numpy()))[0]
    with torch.no_grad():
        before = model.encode_decode(image, [dict(img_shape=(64, 64))]).numpy()
    assert np.abs(said[:, :4] - before).max() < 1e-5 * np.abs(before).max()
    assert re.fullmatch(r'teach_step_1\.onnx', path.name)


def test_a_disk_without_room_is_told_before(stock, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=1000))
    with pytest.raises(SystemExit, match='0.0 GB are free, .* GB are needed: make room'):
        teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('size', 'resize', 'trained', 'cuda', 'expected'),
    [
        ((400, 600), None, (512, 1024), True, (384, 576)),
        ((400, 600), None, (512, 1024), False, (256, 256)),
        ((1024, 2048), dict(scale=(1024, 512), keep_ratio=True), (512, 512), True, (512, 512)),
        ((300, 200), dict(scale=(320, 160)), (512, 512), True, (160, 320)),
        ((50, 40), None, (512, 512), False, (64, 64)),
    ],
)
def test_crop_fits_model_image_and_machine(size, resize, trained, cuda, expected):
    cfg = Config(dict(model=dict(data_preprocessor=dict(size=trained))))
    known = SimpleNamespace(cfg=cfg)
    assert recipe.crop_of(known, recipe.seen_at(size, resize), cuda) == expected


def test_pixels_of_new_classes_count_as_a_fifth_within_bounds():
    assert [recipe.gamma_of(share) for share in (0.5, 0.2, 0.05, 0.001)] == [1, 1, 4, 6]


def test_iterations_are_what_the_budget_has_up_to_what_helps():
    assert speed.iterations_in(10, 2.0, 'DKDHead') == 180
    assert speed.iterations_in(10, 0.1, 'DKDHead') == 600
    assert speed.iterations_in(10, 0.1, 'ExactHead') == 400
    with pytest.raises(ValueError, match='50 are the least: give 2.8 minutes'):
        speed.iterations_in(1, 2.0, 'DKDHead')


def test_a_reader_of_labels_that_is_not_installed_is_named(stock, folders, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(SystemExit, match=r"pip install 'mmseg_dkd\[data\]'"):
        teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
