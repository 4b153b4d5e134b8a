"""Mixed precision is what --amp asks for, and is refused where it cannot run."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper
from mmseg.registry import OPTIM_WRAPPERS

from mmseg_dkd.cli.main import main
from mmseg_dkd.engine import amp
from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from tests.configs.names import load

WORDS = "optim_wrapper.type is 'AmpOptimWrapper', but mixed precision needs a GPU"


@pytest.fixture
def device(monkeypatch):
    """Choose the device that mmengine finds."""
    return lambda name: monkeypatch.setattr(amp, 'get_device', lambda: name)


@pytest.fixture
def config(tiny, tmp_path) -> str:
    tiny().dump(tmp_path / 'tiny.py')
    return str(tmp_path / 'tiny.py')


@pytest.mark.parametrize(
    'options',
    [['--amp'], ['--cfg-options', 'optim_wrapper.type=AmpOptimWrapper']],
    ids=['option', 'config'],
)
def test_without_a_gpu_it_is_refused(options, config, device, tmp_path, capsys):
    device('cpu')
    arguments = ['train', config, '--work-dir', str(tmp_path / 'run'), *options]
    with pytest.raises(SystemExit, match=f'nothing was trained:\nstep 0, 1, 2: {WORDS}'):
        main(arguments)
    with pytest.raises(SystemExit) as left:
        main([*arguments, '--dry-run'])
    told = capsys.readouterr().out
    assert left.value.code == 1 and told.count(f'missing: {WORDS}') == 3
    assert '16 to train on' in told, 'all else is told as well'
    assert not (tmp_path / 'run').exists()


def test_of_later_steps_alone_it_is_refused_too(config, device, capsys):
    device('mps')
    option = 'later_steps.optim_wrapper.type=AmpOptimWrapper'
    with pytest.raises(SystemExit):
        main(['train', config, '--dry-run', '--cfg-options', option])
    first, *later = capsys.readouterr().out.split('\nstep ')
    assert 'missing' not in first and [WORDS in each for each in later] == [True, True]


@pytest.mark.parametrize('kind', ['AmpOptimWrapper', AmpOptimWrapper], ids=['name', 'class'])
@pytest.mark.parametrize('name', ['cpu', 'cuda', 'npu'])
def test_a_gpu_is_all_it_needs(kind, name, device):
    device(name)
    found = amp.problems_of_device(Config(dict(optim_wrapper=dict(type=kind))))
    assert len(found) == (name == 'cpu')


@pytest.mark.skipif(torch.cuda.is_available(), reason='it would be built')
@pytest.mark.parametrize('dtype', [None, 'bfloat16'])
def test_mmengine_has_none_on_a_cpu(dtype):
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    cfg = dict(type='AmpOptimWrapper', dtype=dtype, optimizer=optimizer)
    with pytest.raises(AssertionError, match='only available training on gpu'):
        OPTIM_WRAPPERS.build(cfg)


def test_single_precision_and_classes_of_ones_own_run_anywhere(device):
    @OPTIM_WRAPPERS.register_module()
    class OwnAmpOptimWrapper(AmpOptimWrapper):
        pass

    device('cpu')
    for wrapper in (dict(), dict(type='OptimWrapper'), dict(type='OwnAmpOptimWrapper')):
        assert amp.problems_of_device(Config(dict(optim_wrapper=wrapper))) == []


@pytest.mark.parametrize('step', [0, 1])
def test_amp_holds_in_every_step_whatever_preset(step):
    cfg = copy.deepcopy(load('dkd/voc_15-5.py'))
    cfg.preset = 'paper'
    assert not choices_of(step_config(cfg, step))['amp']
    amp.switch_on(cfg)
    assert choices_of(step_config(cfg, step))['amp']


def test_an_ordinary_training_is_refused_too(tiny, device, tmp_path):
    device('cpu')
    cfg = tiny('softmax/fashion_4.py')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.dump(tmp_path / 'softmax.py')
    arguments = ['train-softmax', str(tmp_path / 'softmax.py'), '--work-dir', str(tmp_path / 'run')]
    with pytest.raises(SystemExit, match=WORDS):
        main(arguments)
    assert not (tmp_path / 'run').exists()
