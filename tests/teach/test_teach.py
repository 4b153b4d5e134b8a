"""A model that is there, a folder, a new class: one command from labels to certificate."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS

from mmseg_dkd.cli.main import main
from mmseg_dkd.reports.certificate import model_files
from mmseg_dkd.teach import recipe, speed
from mmseg_dkd.utils import checkpoint_types
from tests.teach.command import OLD, teach


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
