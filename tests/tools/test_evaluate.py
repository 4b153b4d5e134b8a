"""tools/evaluate.py on a tiny run, as a user types it."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.apis import inference_model, init_model
from PIL import Image
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd.runs import evaluate
from tests.forked import forked
from tests.tools.test_tools import run


@pytest.fixture(scope='module')
def evaluated(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp('evaluated') / 'run'
    shutil.copytree(finished, folder)
    done = run(sys.executable, 'tools/evaluate.py', folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done.stdout


def rows_of(folder):
    return json.loads((folder / 'evaluation.json').read_text())


def test_every_step_convention_and_view_has_a_row(evaluated):
    folder, said = evaluated
    rows = rows_of(folder)
    assert len(rows) == 3 * 2 * 5
    assert [row['step'] for row in rows] == 10 * [0] + 10 * [1] + 10 * [2]
    for word in ('MiB', 'PLOP', 'SSUL', 'DKD', "* as the paper's tables count: DKD, centre crops"):
        assert word in said
    (marked,) = {line.split('|')[2:4][0].strip() for line in said.splitlines() if '| * |' in line}
    assert marked == 'DKD'


def test_dkd_on_whole_images_is_what_the_run_reported(evaluated):
    folder, _ = evaluated
    results = json.loads((folder / 'results.json').read_text())
    for row in rows_of(folder):
        # The demo's scenes are squares of the network's size: the centre is the whole.
        if row['convention'] == 'DKD':
            for key in ('miou_base', 'miou_novel', 'miou_all', 'hiou'):
                assert row[key] == pytest.approx(results[row['step']][key], abs=1e-3), row


def test_matrix_counts_what_stock_inference_predicts(evaluated):
    folder, _ = evaluated
    step = folder / 'step_1'
    confusion = np.load(step / 'confusion_whole_iter_2.npz')['confusion']
    model = init_model(str(step / 'fashion_4-2.py'), str(step / 'iter_2.pth'), device='cpu')
    cfg = Config.fromfile(step / 'fashion_4-2.py')
    inner = cfg.test_dataloader.dataset.dataset
    expected = np.zeros((2, 9, 7), int)
    root = inner.data_root
    for name in open(os.path.join(root, inner.ann_file)).read().split():
        mask = np.asarray(Image.open(f'{root}/SegmentationClass/{name}.png'))
        said = inference_model(model, f'{root}/JPEGImages/{name}.jpg').pred_sem_seg.data[0].numpy()
        group = 0 if ((mask >= 1) & (mask <= 6)).any() else 1
        np.add.at(expected[group], (mask, said), 1)
    assert np.array_equal(confusion, expected)
    assert confusion.sum() == 8 * 64 * 64


def test_stored_matrix_is_read_and_a_stale_or_broken_one_is_not(evaluated, monkeypatch, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(evaluated[0], folder)
    checkpoint = folder / 'step_0/iter_2.pth'
    cfg = Config.fromfile(folder / 'step_0/fashion_4-2.py')
    stored = evaluate.confusion_of(cfg, checkpoint, 'whole')
    tested = []
    monkeypatch.setattr(evaluate, '_test', lambda *args: tested.append(args) or stored + 1)
    assert np.array_equal(evaluate.confusion_of(cfg, checkpoint, 'whole'), stored)
    assert not tested
    path = folder / 'step_0/confusion_whole_iter_2.npz'
    path.write_bytes(path.read_bytes()[:-30])
    assert np.array_equal(evaluate.confusion_of(cfg, checkpoint, 'whole'), stored + 1)
    os.utime(checkpoint, (1, 1))
    evaluate.confusion_of(cfg, checkpoint, 'whole')
    assert len(tested) == 2


OTHERWISE = {
    'model.test_cfg.mode': 'slide',
    'model.decode_head.tau': 0.9,
    'test_cfg.fp16': True,
    'test_dataloader.batch_size': 2,
    'test_dataloader.dataset.dataset.ann_file': 'ImageSets/Segmentation/train.txt',
    'test_dataloader.dataset.dataset.data_root': '{copy}',
    'custom_hooks': [dict(type='IncrementalStepHook'), dict(type='EMAHook')],
}


@pytest.mark.parametrize('key', [*OTHERWISE, 'a mended mask', 'workers'])
def test_stored_matrix_is_that_of_one_test_on_one_data_set(
    key, evaluated, scenes, monkeypatch, tmp_path
):
    monkeypatch.setattr(evaluate, '_test', lambda *args: pytest.fail('tested'))
    checkpoint = evaluated[0] / 'step_0/iter_2.pth'
    cfg = Config.fromfile(evaluated[0] / 'step_0/fashion_4-2.py')
    evaluate.confusion_of(cfg, checkpoint, 'whole')
    if key == 'workers':
        cfg.test_dataloader.num_workers = 1
        evaluate.confusion_of(cfg, checkpoint, 'whole')
        return
    shutil.copytree(scenes, tmp_path / 'copy')
    if key == 'a mended mask':
        cfg.test_dataloader.dataset.dataset.data_root = str(tmp_path / 'copy')
        before = evaluate._key(cfg, checkpoint)
        name = (tmp_path / 'copy/ImageSets/Segmentation/val.txt').read_text().split()[0]
        os.utime(tmp_path / f'copy/SegmentationClass/{name}.png', (1, 1))
        assert evaluate._key(cfg, checkpoint) != before
        return
    value = OTHERWISE[key]
    value = value.format(copy=tmp_path / 'copy') if isinstance(value, str) else value
    cfg.merge_from_dict({key: value})
    with pytest.raises(pytest.fail.Exception, match='tested'):
        evaluate.confusion_of(cfg, checkpoint, 'whole')


def test_earlier_checkpoint_in_two_processes(evaluated, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(evaluated[0], folder)
    earlier = folder / 'step_1/iter_1.pth'
    shutil.copy(folder / 'step_1/iter_2.pth', earlier)
    done = run(
        'python', '-m', 'torch.distributed.run', '--nproc_per_node=2',
        f'--master_port={get_free_port()}', 'tools/evaluate.py', folder,
        '--steps', '1', '--checkpoint', earlier, '--views', 'whole', '--launcher', 'pytorch',
        OMP_NUM_THREADS='1',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count('as the paper') == 1, 'one process speaks'
    one, two = (np.load(folder / f'step_1/confusion_whole_iter_{k}.npz') for k in (2, 1))
    assert np.array_equal(one['confusion'], two['confusion'])
    rows = rows_of(folder)
    assert len(rows) == 30 + 5 and sum('iter_1' in row['checkpoint'] for row in rows) == 5


def test_a_damaged_evaluation_is_refused_before_anything_is_tested(evaluated, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(evaluated[0], folder)
    (folder / 'evaluation.json').write_text('[{"step": 0}]')
    done = forked('tools/evaluate.py', folder)
    assert done.returncode != 0 and 'Traceback' not in done.stderr
    assert "evaluation.json is damaged ([0] has no 'checkpoint'): remove it and run" in done.stderr


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['nowhere'], 'nowhere holds no finished step'),
        (['{run}', '--steps', '7'], 'step 7 has no checkpoint'),
        (['{run}', '--checkpoint', 'x.pth'], '--checkpoint needs its step'),
        (['{run}', '--steps', '0', '--checkpoint', 'x.pth'], 'step 0 has no checkpoint x.pth'),
        (
            ['{run}', '--steps', '0', '--checkpoint', '{run}/step_1/iter_2.pth'],
            'is of scenario 4-2',
        ),
    ],
)
def test_what_cannot_be_evaluated_is_said(arguments, words, evaluated):
    filled = [argument.replace('{run}', str(evaluated[0])) for argument in arguments]
    done = forked('tools/evaluate.py', *filled)
    assert done.returncode != 0
    assert words in done.stderr and 'Traceback' not in done.stderr
