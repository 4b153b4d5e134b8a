"""The command line, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.apis import MMSegInferencer, inference_model, init_model
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd import Scenario
from mmseg_dkd.cli.train import steps_of
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import differences
from mmseg_dkd.runs.resume import durable
from mmseg_dkd.utils import checkpoint_types
from tests.forked import forked
from tests.tiny import REPOSITORY

STOCK_TEST = Path(mmseg.__file__).parent / '.mim/tools/test.py'


def run(*command, **environment) -> subprocess.CompletedProcess:
    """A command in the repository, with what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    return subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=dict(os.environ, PATH=path, PYTHONPATH=str(REPOSITORY), **environment),
        capture_output=True,
        text=True,
    )


@pytest.fixture
def config(tiny, tmp_path):
    """Write a tiny config, changed by a function, to a file."""

    def write(change=lambda cfg: None, name='fashion_4-2.py') -> Path:
        cfg = tiny()
        change(cfg)
        path = tmp_path / name
        cfg.dump(path)
        return path

    return write


def test_dry_run_says_what_would_be_done_and_trains_nothing(config, tmp_path):
    done = forked(
        'tools/incremental_train.py', config(),
        '--work-dir', tmp_path / 'run', '--dry-run',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in (
        'step 0: learns 4 classes: t-shirt, trouser, pullover, dress',
        'step 2: learns 2 classes: bag, ankle boot',
        f'checkpoint in:  {tmp_path}/run/step_0/iter_2.pth',
    ):
        assert words in done.stdout
    assert not (tmp_path / 'run').exists()


def test_dry_run_says_what_is_missing(config, tmp_path):
    done = forked(
        'tools/incremental_train.py', config(),
        '--work-dir', tmp_path / 'run', '--dry-run', '--steps', '1',
        '--cfg-options', 'train_dataloader.dataset.dataset.data_root=/nowhere',
    )  # fmt: skip
    assert done.returncode == 1
    assert 'missing: /nowhere/JPEGImages does not exist' in done.stdout
    assert 'step_0/iter_2.pth: the checkpoint of step 0 is missing' in done.stdout


@pytest.mark.parametrize('steps', ['3', '2-1', 'one', '0-3', '-1', '1-', '0,2', '1,0'])
def test_steps_out_of_range_are_refused(steps):
    with pytest.raises(ValueError, match=f'--steps {steps!r}'):
        steps_of(steps, Scenario('4-2', 8))


@pytest.mark.parametrize('steps, expected', [(None, [0, 1, 2]), ('1', [1]), ('0-1', [0, 1])])
def test_steps_are_a_number_or_a_range(steps, expected):
    assert steps_of(steps, Scenario('4-2', 8)) == expected


@pytest.mark.parametrize('resolved', [True, False])
def test_stock_mmseg_test_evaluates_a_trained_step(resolved, finished, config, tmp_path):
    step = 1 if resolved else 2
    path = finished / f'step_{step}/fashion_4-2.py' if resolved else config()
    done = run(
        sys.executable, STOCK_TEST, path, finished / f'step_{step}/iter_2.pth',
        '--work-dir', tmp_path / 'test',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (metrics,) = (json.loads(f.read_text()) for f in (tmp_path / 'test').glob('*/*.json'))
    entry = json.loads((finished / 'results.json').read_text())[step]
    assert metrics['mIoU'] == pytest.approx(entry['miou_all'], abs=0.01)
    assert metrics['hIoU'] == pytest.approx(entry['hiou'], abs=0.01)


def test_stock_mmseg_inference_on_a_trained_step(finished, scenes):
    model = init_model(
        str(finished / 'step_1/fashion_4-2.py'), str(finished / 'step_1/iter_2.pth'), 'cpu'
    )
    assert model.dataset_meta['classes'][-2:] == ('sandal', 'sneaker')
    result = inference_model(model, str(next((scenes / 'JPEGImages').glob('*.jpg'))))
    assert result.pred_sem_seg.data.shape == (1, 64, 64)
    assert result.seg_logits.data.shape == (7, 64, 64)


def test_stock_mmseg_inferencer_on_a_trained_step(finished, scenes):
    paths = [str(finished / f'step_1/{name}') for name in ('fashion_4-2.py', 'iter_2.pth')]
    inferencer = MMSegInferencer(*paths, device='cpu')
    image = str(next((scenes / 'JPEGImages').glob('*.jpg')))
    result = inferencer(image, return_vis=True)
    assert inferencer.model.dataset_meta['classes'][-2:] == ('sandal', 'sneaker')
    expected = inference_model(init_model(*paths, 'cpu'), image).pred_sem_seg.data[0]
    assert (result['predictions'] == expected.numpy()).all()
    assert result['visualization'].shape == (64, 64, 3)


@pytest.mark.usefixtures('undrawn')
def test_stock_mmseg_inferencer_where_the_data_set_alone_has_a_pipeline(tiny, scenes, tmp_path):
    cfg = tiny()
    dataset = cfg.test_dataloader.dataset
    dataset.dataset.pipeline = dataset.pop('pipeline')
    cfg.pop('test_pipeline')
    Run(cfg, tmp_path).run([0])
    paths = [str(tmp_path / f'step_0/{name}') for name in ('fashion_4-2.py', 'iter_2.pth')]
    image = str(next((scenes / 'JPEGImages').glob('*.jpg')))
    expected = inference_model(init_model(*paths, 'cpu'), image).pred_sem_seg.data[0]
    result = MMSegInferencer(*paths, device='cpu')(image)
    assert (result['predictions'] == expected.numpy()).all()
    # That is no other recipe.
    there = Config.fromfile(paths[0])
    assert differences(durable(Run(cfg, tmp_path).steps[0].cfg), there) == []


def test_stock_mmseg_and_two_processes_test_with_augmentation(outspoken, tmp_path):
    cfg = Config.fromfile(outspoken[0])
    cfg.load_from, cfg.work_dir = str(outspoken[1]), str(tmp_path / 'plain')
    plain = Runner.from_cfg(cfg).test()
    stock = forked(STOCK_TEST, *outspoken, '--tta', '--work-dir', tmp_path / 'stock')
    two = run(
        'tools/dist_test.sh', *outspoken, 2, '--tta', '--work-dir', tmp_path / 'two',
        PORT=str(get_free_port()),
    )  # fmt: skip
    for done in (stock, two):
        assert done.returncode == 0, done.stderr[-3000:]
    stock, two = (
        json.loads(next(tmp_path.glob(f'{name}/*/*.json')).read_text()) for name in ('stock', 'two')
    )
    for key in ('mIoU', 'hIoU'):
        assert stock[key] == two[key] != pytest.approx(plain[key], abs=0.01)


def test_stock_mmseg_test_refuses_the_checkpoint_of_another_step(finished, tmp_path):
    done = forked(
        STOCK_TEST, finished / 'step_1/fashion_4-2.py', finished / 'step_0/iter_2.pth',
        '--work-dir', tmp_path / 'test',
    )  # fmt: skip
    assert done.returncode != 0 and 'seen differs' in done.stderr


def deterministic(cfg, batch_size: int) -> None:
    """No chance, and no statistics of a batch: two processes must equal one."""
    cfg.train_dataloader.batch_size = batch_size
    cfg.train_dataloader.sampler.shuffle = False
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    cfg.later_steps.model.freeze_dropout = True


def test_two_processes_learn_what_one_does(finished, config, tmp_path):
    checkpoints = []
    for processes, batch_size in ((1, 4), (2, 2)):
        path = config(lambda cfg, size=batch_size: deterministic(cfg, size), f'p{processes}.py')
        folder = tmp_path / f'run_{processes}'
        (folder / 'step_0').mkdir(parents=True)
        os.link(finished / 'step_0/iter_2.pth', folder / 'step_0/iter_2.pth')
        arguments = ['--work-dir', folder, '--steps', '1']
        if processes == 1:
            done = forked('tools/incremental_train.py', path, *arguments)
        else:
            port = str(get_free_port())
            done = run('tools/dist_train.sh', path, processes, *arguments, PORT=port)
        assert done.returncode == 0, done.stderr[-3000:]
        checkpoints.append(checkpoint_types.load(folder / 'step_1/iter_2.pth')['state_dict'])
    one, two = checkpoints
    start = checkpoint_types.load(finished / 'step_0/iter_2.pth')['state_dict']
    moved = 0
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-6, msg=key)
        moved += key in start and not torch.equal(value, start[key])
    assert moved > 10, 'nothing was learned, so nothing was compared'


def test_dist_test_gives_the_same_figures(finished, tmp_path):
    done = run(
        'tools/dist_test.sh', finished / 'step_2/fashion_4-2.py', finished / 'step_2/iter_2.pth',
        2, '--work-dir', tmp_path / 'test', PORT=str(get_free_port()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (metrics,) = (json.loads(f.read_text()) for f in (tmp_path / 'test').glob('*/*.json'))
    entry = json.loads((finished / 'results.json').read_text())[2]
    assert metrics['mIoU'] == pytest.approx(entry['miou_all'], abs=0.01)
