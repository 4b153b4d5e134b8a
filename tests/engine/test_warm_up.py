"""The warm-up of the auxiliary classifier: a step 0 in which nothing else is learned."""

import copy
import json
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.distributed.elastic.utils.distributed import get_free_port
from torch.nn.functional import interpolate

from mmseg_dkd.engine import start_from
from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import differences, first_step_of, recipe_of
from mmseg_dkd.utils import checkpoint_types
from tests.softmax import AUXILIARY, CLASSES, incremental
from tests.tiny import REPOSITORY, shrink
from tests.tools.test_tools import run


def weights(path) -> dict:
    return checkpoint_types.load(path)['state_dict']


def changed_from(before: dict, after: dict) -> set[str]:
    assert before.keys() == after.keys()
    return {key for key in after if not torch.equal(before[key], after[key])}


@pytest.fixture(scope='module')
def started(scenes, ordinary, tmp_path_factory) -> Path:
    """Folder of a tiny run that started from the softmax model and has learned step 1."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2_from_softmax.py'), scenes)
    cfg.start_from, cfg.first_step.train_cfg.max_iters = str(ordinary / 'iter_2.pth'), 2
    folder = tmp_path_factory.mktemp('started')
    Run(cfg, folder).run([0, 1])
    return folder


def test_warm_up_changes_the_auxiliary_classifier_and_nothing_else(started, from_softmax, ordinary):
    after = weights(started / 'step_0/iter_2.pth')
    before = start_from.convert(ordinary / 'iter_2.pth', incremental(from_softmax()), CLASSES)
    assert changed_from(before, after) == AUXILIARY
    (file,) = (started / 'step_0').glob('*/vis_data/scalars.json')
    scalars = [json.loads(line) for line in file.read_text().splitlines()]
    terms = {key for line in scalars for key in line if 'loss_' in key}
    assert terms == {'decode.loss_ac'}


def test_warm_up_descends_eq_10_on_features_of_eval_mode(from_softmax):
    cfg = from_softmax()
    model = incremental(cfg).train()
    images = torch.randn(2, 3, 64, 64)
    (loss,) = model.loss(images, []).values()
    loss.backward()
    with torch.no_grad():
        feature = model.eval().decode_head.feature(model.extract_feat(images))
    trained = model.decode_head.conv_seg.auxiliary
    auxiliary = copy.deepcopy(trained)
    logits = interpolate(auxiliary(feature), (64, 64), mode='bilinear')
    expected = -torch.log(1 - logits.sigmoid()).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(trained.weight.grad, auxiliary.weight.grad)
    torch.testing.assert_close(trained.bias.grad, auxiliary.bias.grad)
    for parameter in model.parameters():
        # Distributed training waits for the gradient of everything that says it has one.
        assert parameter.requires_grad == (parameter.grad is not None)
    assert sum(parameter.requires_grad for parameter in model.parameters()) == 2


def test_step_0_is_an_ordinary_step_afterwards(started, ordinary, from_softmax, tmp_path):
    entries = json.loads((started / 'results.json').read_text())
    assert [entry['step'] for entry in entries] == [0, 1]
    chosen = [entry['choices']['start_from'] for entry in entries]
    assert chosen == [str(ordinary / 'iter_2.pth'), None]
    cfg = Config.fromfile(ordinary / 'fashion_4.py')
    cfg.load_from, cfg.work_dir = str(ordinary / 'iter_2.pth'), str(tmp_path)
    cfg.experiment_name = cfg.visualizer.name = 'softmax_tested'
    metrics = Runner.from_cfg(cfg).test()
    assert entries[0]['miou_all'] == pytest.approx(metrics['mIoU'], abs=0.01)
    shutil.copytree(started, tmp_path / 'run')
    run = Run(from_softmax(), tmp_path / 'run')
    assert run.ahead([0, 1, 2], resume=True) == [2]
    with pytest.raises(ValueError, match='step_0 was trained by another recipe'):
        Run(from_softmax('elsewhere.pth'), tmp_path / 'run').ahead([0, 1, 2], resume=True)


def test_resume_in_the_warm_up_does_not_convert_again(from_softmax, tmp_path, monkeypatch):
    run_iter = IterBasedTrainLoop.run_iter

    def die_at_the_third(self, batch):
        if self._iter == 2:
            raise KeyboardInterrupt
        run_iter(self, batch)

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        Run(from_softmax(iterations=3), tmp_path).run([0])
    monkeypatch.undo()
    middle = weights(tmp_path / 'step_0/iter_2.pth')
    Run(from_softmax(iterations=3), tmp_path).run([0], resume=True)
    # One log or two: mmengine names them by the second.
    logs = [log.read_text() for log in (tmp_path / 'step_0').glob('*/*.log')]
    assert sum(log.count('step 0 starts from') for log in logs) == 1
    after = weights(tmp_path / 'step_0/iter_3.pth')
    assert changed_from(middle, after) <= AUXILIARY


def test_first_step_is_merged_at_step_0_only(from_softmax):
    cfg = from_softmax()
    cfg.first_step.optim_wrapper = dict(optimizer=dict(lr=0.25))
    lr = [step_config(cfg, step).optim_wrapper.optimizer.lr for step in (0, 1, 2)]
    assert lr == [0.25, 0.002, 0.002]
    first, second = (step_config(cfg, step) for step in (0, 1))
    assert 'first_step' not in first and 'start_from' not in second
    assert first.model.converted and 'converted' not in second.model
    assert choices_of(first)['start_from'] == cfg.start_from
    cfg.pop('first_step')
    assert step_config(cfg, 0).optim_wrapper.optimizer.lr == 0.01


def test_start_is_part_of_the_recipe_of_step_0_alone(from_softmax):
    one, other = from_softmax('a.pth'), from_softmax('b.pth')
    scratch = from_softmax()
    scratch.pop('start_from')
    assert len({recipe_of(step_config(cfg, 0)) for cfg in (one, other, scratch)}) == 3
    assert len({first_step_of(cfg) for cfg in (one, other, scratch)}) == 3
    assert len({recipe_of(step_config(cfg, 1)) for cfg in (one, other, scratch)}) == 1


def test_runs_of_the_former_name_of_converted_are_known(from_softmax):
    cfg = step_config(from_softmax(), 0)
    former = copy.deepcopy(cfg)
    former.model.only_auxiliary = former.model.pop('converted')
    assert recipe_of(former) == recipe_of(cfg)
    assert differences(cfg, former) == []


@pytest.mark.slow
def test_one_command_starts_in_two_processes(from_softmax, ordinary, tmp_path):
    from_softmax().dump(tmp_path / 'run.py')
    done = run(
        'tools/dist_train.sh', tmp_path / 'run.py', 2, '--steps', '0',
        '--start-from', ordinary / 'iter_2.pth', '--work-dir', tmp_path / 'run',
        PORT=str(get_free_port()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    after = weights(tmp_path / 'run/step_0/iter_2.pth')
    before = start_from.convert(ordinary / 'iter_2.pth', incremental(from_softmax()), CLASSES)
    assert changed_from(before, after) == AUXILIARY
