"""A softmax model as step 0: the same predictions, and nothing learned but the auxiliary one."""

import copy
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop, Runner
from mmseg.registry import MODELS
from torch.nn.functional import interpolate

from mmseg_dkd import checkpoint_types
from mmseg_dkd.engine import Sequence, start_from, step_config
from mmseg_dkd.engine.choices import choices
from mmseg_dkd.engine.recipe import first_step_of, recipe_of
from tests.tiny import REPOSITORY, shrink

CLASSES = ('background', 't-shirt', 'trouser', 'pullover', 'dress')
HEAD = 'decode_head.conv_seg'


@pytest.fixture(scope='module')
def ordinary(scenes, tmp_path_factory) -> Path:
    """Folder of a tiny softmax model, trained by tools/train.py."""
    folder = tmp_path_factory.mktemp('ordinary')
    path = folder / 'fashion_4.py'
    shrink(Config.fromfile(REPOSITORY / 'configs/softmax/fashion_4.py'), scenes).dump(path)
    argv, sys.argv = sys.argv, ['train.py', str(path), '--work-dir', str(folder)]
    try:
        runpy.run_path(str(REPOSITORY / 'tools/train.py'), run_name='__main__')
    finally:
        sys.argv = argv
    return folder


@pytest.fixture
def config(tiny, ordinary):
    """The tiny config that starts from it."""

    def make(path=ordinary / 'iter_2.pth', iterations=2) -> Config:
        cfg = tiny('dkd/fashion_4-2_from_softmax.py', iterations)
        cfg.start_from, cfg.first_step.train_cfg.max_iters = str(path), iterations
        return cfg

    return make


@pytest.fixture
def changed(ordinary, tmp_path):
    """Write the checkpoint, changed by a function of state dict and meta, to a file."""

    def write(change) -> Path:
        checkpoint = checkpoint_types.load(ordinary / 'iter_2.pth')
        change(checkpoint['state_dict'], checkpoint['meta'])
        torch.save(checkpoint, tmp_path / 'changed.pth')
        return tmp_path / 'changed.pth'

    return write


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What the conversion logs."""
    texts = []
    monkeypatch.setattr(start_from, 'print_log', lambda text, **_: texts.append(text))
    return texts


def incremental(cfg: Config):
    torch.manual_seed(0)
    return MODELS.build(step_config(cfg, 0).model)


def weights(path) -> dict:
    return checkpoint_types.load(path)['state_dict']


@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(1, 6),
    tau=st.floats(0.05, 0.95),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_head_compares_the_softmax_logits_less_one_number_a_pixel(seed, classes, tau, size):
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(1 + classes, 5, 1, 1, generator=random, dtype=torch.float64)
    bias = torch.randn(1 + classes, generator=random, dtype=torch.float64)
    feature = torch.randn(2, 5, 4, 6, generator=random, dtype=torch.float64)
    logit = torch.logit(torch.tensor(tau, dtype=torch.float64))
    softmax = torch.einsum('kd,ndhw->nkhw', weight[:, :, 0, 0], feature) + bias[:, None, None]
    new_weight, new_bias = start_from.against_background(weight, bias, logit.item())
    z = torch.einsum('kd,ndhw->nkhw', new_weight[:, :, 0, 0], feature) + new_bias[:, None, None]
    head = torch.cat([torch.full_like(z[:, :1], logit), z], dim=1)
    for a, b in [(softmax, head), [interpolate(x, size, mode='bilinear') for x in (softmax, head)]]:
        torch.testing.assert_close(a.softmax(1), b.softmax(1))
        assert torch.equal(a.argmax(1), b.argmax(1))
        # Eq. 12, in its own words.
        probability, best = (b[:, 1:].sigmoid()).max(1)
        assert torch.equal(torch.where(probability > tau, best + 1, 0), a.argmax(1))


@pytest.mark.parametrize('mode', ['whole', 'slide'])
@pytest.mark.parametrize('tau', [0.5, 0.7])
def test_network_predicts_what_the_softmax_network_predicts(mode, tau, config, ordinary, tiny):
    test_cfg = dict(mode=mode, crop_size=(48, 48), stride=(32, 32))
    plain_cfg = tiny('softmax/fashion_4.py').model
    plain_cfg.test_cfg = test_cfg
    plain = MODELS.build(plain_cfg)
    state = weights(ordinary / 'iter_2.pth')
    # As if it had been trained longer: every class is predicted somewhere.
    torch.manual_seed(1)
    image = torch.randn(2, 3, 64, 80)
    state[f'{HEAD}.weight'] = torch.randn_like(state[f'{HEAD}.weight'])
    plain.load_state_dict(state)
    with torch.no_grad():
        logits = plain.eval().decode_head(plain.extract_feat(image))
    state[f'{HEAD}.bias'] -= logits.mean((0, 2, 3))
    plain.load_state_dict(state)
    path = ordinary / 'sharp.pth'
    torch.save(dict(state_dict=state), path)
    cfg = config(path)
    cfg.model.test_cfg, cfg.model.decode_head.tau = test_cfg, tau
    model = incremental(cfg)
    model.load_state_dict(start_from.convert(path, model, CLASSES), strict=True)
    meta = [dict(img_shape=(64, 80), ori_shape=(96, 120), pad_shape=(64, 80), flip=False)] * 2
    with torch.no_grad():
        expected, actual = (
            net.double().eval().inference(image.double(), meta) for net in (plain, model)
        )
    assert expected.argmax(1).unique().numel() > 3
    torch.testing.assert_close(actual.softmax(1), expected.softmax(1), rtol=1e-5, atol=1e-7)
    same = actual.argmax(1) == expected.argmax(1)
    # The difference of the weights was rounded to float32.
    margin = expected.topk(2, dim=1).values.diff(dim=1)[:, 0].abs()
    assert same[margin > 1e-5].all() and same.float().mean() > 0.999


def test_classes_in_another_order_are_found_by_name(config, ordinary, changed):
    order = [3, 0, 4, 2, 1]

    def shuffle(state, meta):
        meta['dataset_meta']['classes'] = tuple(CLASSES[k] for k in order)
        for part in ('weight', 'bias'):
            state[f'{HEAD}.{part}'] = state[f'{HEAD}.{part}'][order]

    model = incremental(config())
    straight = start_from.convert(ordinary / 'iter_2.pth', model, CLASSES)
    shuffled = start_from.convert(changed(shuffle), model, CLASSES)
    assert straight.keys() == shuffled.keys() == model.state_dict().keys()
    assert all(torch.equal(straight[key], shuffled[key]) for key in straight)


@pytest.mark.parametrize('old', [True, False])
def test_files_of_old_mmseg_and_files_without_names(old, config, changed, said):
    def strip(state, meta):
        classes = meta.pop('dataset_meta')['classes']
        if old:
            meta['CLASSES'] = list(classes)

    path = changed(strip)
    start_from.convert(path, incremental(config()), CLASSES)
    taken = f'{path} names no classes; taken to be: {", ".join(CLASSES)}'
    assert said == ([] if old else [taken])


def test_auxiliary_heads_of_the_file_are_left_out_and_said(config, ordinary, changed, said):
    def add(state, meta):
        state.update({f'auxiliary_head.conv_seg.{part}': torch.ones(5) for part in 'ab'})

    model = incremental(config())
    state = start_from.convert(changed(add), model, CLASSES)
    plain = start_from.convert(ordinary / 'iter_2.pth', model, CLASSES)
    assert all(torch.equal(state[key], plain[key]) for key in plain) and len(state) == len(plain)
    assert len(said) == 1 and 'auxiliary_head, 2 tensors, is left out' in said[0]


def rename(*names):
    return lambda state, meta: meta['dataset_meta'].update(classes=names)


def keep(rows, named=True):
    """The classifier of some classes only."""

    def change(state, meta):
        for part in ('weight', 'bias'):
            state[f'{HEAD}.{part}'] = state[f'{HEAD}.{part}'][rows]
        if named:
            meta['dataset_meta']['classes'] = tuple(CLASSES[row] for row in rows)
        else:
            del meta['dataset_meta']

    return change


@pytest.mark.parametrize(
    'change, words',
    [
        (rename(*CLASSES[:4], 'bag'), ["missing ['dress'], surplus ['bag']", 'first step']),
        (keep([1, 2, 3, 4]), ["4 classes and no 'background'", 'train it with']),
        (keep([1, 2, 3, 4], named=False), ["4 classes and no 'background'"]),
        (keep([0, 1, 2], named=False), ['classifier of 3 channels', "'dress'"]),
        (keep([0, 1, 2]), ["missing ['pullover', 'dress']"]),
        (rename(*CLASSES[:3]), ['classifier of 5 channels', "'trouser']: only a softmax"]),
        (lambda state, meta: meta.update(incremental=dict(step=2)), ['is step 2', '--resume']),
        (lambda state, meta: state.pop(f'{HEAD}.weight'), [f'no {HEAD}', '1x1']),
        (
            lambda state, meta: state.update({f'{HEAD}.weight': torch.ones(5, 12, 1, 1)}),
            [f'{HEAD}.steps.0.weight: (4, 12, 1, 1) instead of (4, 8, 1, 1)'],
        ),
        (
            lambda state, meta: state.pop('backbone.conv1.conv.weight'),
            ['in 1 tensors', 'backbone.conv1.conv.weight: missing'],
        ),
        (
            lambda state, meta: state.update({'neck.weight': torch.ones(1)}),
            ['neck.weight: left over'],
        ),
    ],
)
def test_checkpoints_that_cannot_be_converted(change, words, config, changed):
    path = changed(change)
    with pytest.raises(ValueError) as caught:
        start_from.convert(path, incremental(config()), CLASSES)
    for word in [f'start_from={path}', *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize('content, words', [
    (None, 'no such file'),
    (b'PK nonsense', 'can be read'),
    (dict(conv1=1), 'no state_dict'),
])  # fmt: skip
@pytest.mark.parametrize('data_missing', [False, True])
def test_everything_is_told_ahead_of_training(content, words, data_missing, config, tmp_path):
    path, folder = tmp_path / 'model.pth', tmp_path / 'run'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    cfg = config(path)
    if data_missing:
        cfg.train_dataloader.dataset.dataset.data_root = '/nowhere'
        cfg.test_dataloader.dataset.dataset.data_root = '/nowhere'
    with pytest.raises(RuntimeError, match='nothing was trained') as caught:
        Sequence(cfg, folder).run([0, 1])
    assert f'start_from={path}' in str(caught.value) and words in str(caught.value)
    assert ('/nowhere' in str(caught.value)) == data_missing
    assert not folder.exists()


def test_a_model_of_other_classes_is_told_ahead_with_the_plan(config, changed, tmp_path):
    path = changed(rename(*CLASSES[:4], 'bag'))
    (plan,) = Sequence(config(path), tmp_path / 'run').plan([0])
    assert f'checkpoint in:  {path}' in str(plan)
    assert "missing ['dress'], surplus ['bag']" in plan.missing[0]


@pytest.fixture(scope='module')
def started(scenes, ordinary, tmp_path_factory) -> Path:
    """Folder of a tiny run that started from the softmax model and has learned step 1."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2_from_softmax.py'), scenes)
    cfg.start_from, cfg.first_step.train_cfg.max_iters = str(ordinary / 'iter_2.pth'), 2
    folder = tmp_path_factory.mktemp('started')
    Sequence(cfg, folder).run([0, 1])
    return folder


def test_warm_up_changes_the_auxiliary_classifier_and_nothing_else(started, config, ordinary):
    after = weights(started / 'step_0/iter_2.pth')
    before = start_from.convert(ordinary / 'iter_2.pth', incremental(config()), CLASSES)
    assert before.keys() == after.keys()
    trained = {key for key in after if not torch.equal(before[key], after[key])}
    assert trained == {f'{HEAD}.auxiliary.weight', f'{HEAD}.auxiliary.bias'}
    (file,) = (started / 'step_0').glob('*/vis_data/scalars.json')
    scalars = [json.loads(line) for line in file.read_text().splitlines()]
    terms = {key for line in scalars for key in line if 'loss_' in key}
    assert terms == {'decode.loss_ac'}


def test_warm_up_descends_eq_10_on_features_of_eval_mode(config):
    cfg = config()
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


def test_warm_up_without_its_loss_is_refused(config):
    cfg = config()
    cfg.model.decode_head.loss_aux = None
    with pytest.raises(ValueError, match='no loss_aux: set loss_aux=dict'):
        incremental(cfg)


def test_step_0_is_an_ordinary_step_afterwards(started, ordinary, config, tmp_path):
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
    sequence = Sequence(config(), tmp_path / 'run')
    assert sequence.ahead([0, 1, 2], resume=True) == [2]
    with pytest.raises(ValueError, match='step_0 was trained by another recipe'):
        Sequence(config('elsewhere.pth'), tmp_path / 'run').ahead([0, 1, 2], resume=True)


def test_resume_in_the_middle_of_the_warm_up_does_not_convert_again(config, tmp_path, monkeypatch):
    run_iter = IterBasedTrainLoop.run_iter

    def die_at_the_third(self, batch):
        if self._iter == 2:
            raise KeyboardInterrupt
        run_iter(self, batch)

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        Sequence(config(iterations=3), tmp_path).run([0])
    monkeypatch.undo()
    middle = weights(tmp_path / 'step_0/iter_2.pth')
    Sequence(config(iterations=3), tmp_path).run([0], resume=True)
    logs = sorted((tmp_path / 'step_0').glob('*/*.log'))
    assert ['step 0 starts from' in log.read_text() for log in logs] == [True, False]
    after = weights(tmp_path / 'step_0/iter_3.pth')
    trained = {key for key in after if not torch.equal(middle[key], after[key])}
    assert trained <= {f'{HEAD}.auxiliary.weight', f'{HEAD}.auxiliary.bias'}


def test_first_step_is_merged_at_step_0_only(config):
    cfg = config()
    cfg.first_step.optim_wrapper = dict(optimizer=dict(lr=0.25))
    lr = [step_config(cfg, step).optim_wrapper.optimizer.lr for step in (0, 1, 2)]
    assert lr == [0.25, 0.002, 0.002]
    first, second = (step_config(cfg, step) for step in (0, 1))
    assert 'first_step' not in first and 'start_from' not in second
    assert first.model.only_auxiliary and 'only_auxiliary' not in second.model
    assert choices(first)['start_from'] == cfg.start_from


def test_start_is_part_of_the_recipe_of_step_0_alone(config):
    one, other = config('a.pth'), config('b.pth')
    scratch = config()
    scratch.pop('start_from')
    assert len({recipe_of(cfg, 0) for cfg in (one, other, scratch)}) == 3
    assert len({first_step_of(cfg) for cfg in (one, other, scratch)}) == 3
    assert len({recipe_of(cfg, 1) for cfg in (one, other, scratch)}) == 1


def test_softmax_config_trains_the_network_of_step_0_on_its_images():
    plain = Config.fromfile(REPOSITORY / 'configs/softmax/fashion_4.py')
    first = step_config(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), 0)
    for part in ('train_dataloader', 'test_dataloader', 'optim_wrapper', 'train_cfg'):
        assert plain[part] == first[part], part
    assert plain.param_scheduler == first.param_scheduler
    assert plain.model.backbone == first.model.backbone
    assert plain.model.type == 'EncoderDecoder'
    shapes = []
    for cfg in (plain, first):
        with torch.device('meta'):
            state = MODELS.build(cfg.model).state_dict()
        shapes.append({key: value.shape for key, value in state.items() if 'conv_seg' not in key})
    assert shapes[0] == shapes[1]


@pytest.mark.slow
def test_one_command_starts_in_two_processes(config, ordinary, tmp_path):
    config().dump(tmp_path / 'run.py')
    done = subprocess.run(
        [
            'tools/dist_train.sh', tmp_path / 'run.py', '2', '--steps', '0',
            '--start-from', ordinary / 'iter_2.pth', '--work-dir', tmp_path / 'run',
        ],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    after = weights(tmp_path / 'run/step_0/iter_2.pth')
    before = start_from.convert(ordinary / 'iter_2.pth', incremental(config()), CLASSES)
    trained = {key for key in after if not torch.equal(before[key], after[key])}
    assert trained == {f'{HEAD}.auxiliary.weight', f'{HEAD}.auxiliary.bias'}
