"""A softmax model as step 0: the same predictions, or a reason why not."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.nn.functional import interpolate

from mmseg_dkd.engine import start_from
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.sigmoid_head import against_background
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.softmax import CLASSES, HEAD, command, incremental
from tests.tiny import REPOSITORY


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
    new_weight, new_bias = against_background(weight, bias, logit.item())
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
def test_network_predicts_what_the_softmax_predicts(mode, tau, from_softmax, ordinary, tiny):
    test_cfg = dict(mode=mode, crop_size=(48, 48), stride=(32, 32))
    plain_cfg = tiny('softmax/fashion_4.py').model
    plain_cfg.test_cfg = test_cfg
    plain = MODELS.build(plain_cfg)
    state = checkpoint_types.load(ordinary / 'iter_2.pth')['state_dict']
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
    cfg = from_softmax(path)
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


def test_classes_in_another_order_are_found_by_name(from_softmax, ordinary, changed):
    order = [3, 0, 4, 2, 1]

    def shuffle(state, meta):
        meta['dataset_meta']['classes'] = tuple(CLASSES[k] for k in order)
        for part in ('weight', 'bias'):
            state[f'{HEAD}.{part}'] = state[f'{HEAD}.{part}'][order]

    model = incremental(from_softmax())
    straight = start_from.convert(ordinary / 'iter_2.pth', model, CLASSES)
    shuffled = start_from.convert(changed(shuffle), model, CLASSES)
    assert straight.keys() == shuffled.keys() == model.state_dict().keys()
    assert all(torch.equal(straight[key], shuffled[key]) for key in straight)


@pytest.mark.parametrize('old', [True, False])
def test_files_of_old_mmseg_and_files_without_names(old, from_softmax, changed, said):
    def strip(state, meta):
        classes = meta.pop('dataset_meta')['classes']
        if old:
            meta['CLASSES'] = list(classes)

    path = changed(strip)
    start_from.convert(path, incremental(from_softmax()), CLASSES)
    taken = f'{path} names no classes; taken to be: {", ".join(CLASSES)}'
    assert said == ([] if old else [taken])


def test_auxiliary_heads_of_the_file_are_left_out_and_said(from_softmax, ordinary, changed, said):
    def add(state, meta):
        state.update({f'auxiliary_head.conv_seg.{part}': torch.ones(5) for part in 'ab'})

    model = incremental(from_softmax())
    state = start_from.convert(changed(add), model, CLASSES)
    plain = start_from.convert(ordinary / 'iter_2.pth', model, CLASSES)
    assert all(torch.equal(state[key], plain[key]) for key in plain) and len(state) == len(plain)
    assert len(said) == 1 and 'auxiliary_head, 2 tensors, is left out' in said[0]


@pytest.mark.parametrize('loss_aux', [None, dict(type='AuxiliaryLoss')])
def test_auxiliary_heads_of_the_model_are_converted_and_warmed_up(
    loss_aux, from_softmax, tiny, tmp_path
):
    shape = dict(in_channels=80, in_index=3, channels=4, num_convs=1, norm_cfg=dict(type='BN'))
    plain_cfg, cfg = tiny('softmax/fashion_4.py').model, from_softmax()
    plain_cfg.auxiliary_head = dict(shape, type='FCNHead', num_classes=5)
    cfg.model.auxiliary_head = dict(
        shape, type='DKDHead', base_type='FCNHead', num_classes=9, scenario=cfg.scenario,
        loss_aux=loss_aux, init='auxiliary' if loss_aux else 'random',
    )  # fmt: skip
    plain, model = MODELS.build(plain_cfg), incremental(cfg)
    torch.save(dict(state_dict=plain.state_dict()), tmp_path / 'model.pth')
    model.load_state_dict(start_from.convert(tmp_path / 'model.pth', model, CLASSES), strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps = plain.eval().extract_feat(images)
        for name in ('decode_head', 'auxiliary_head'):
            softmax = plain.get_submodule(name)(maps).softmax(1)
            actual = model.eval().get_submodule(name)(maps).softmax(1)
            torch.testing.assert_close(actual, softmax)
    losses = model.train().loss(images, [])
    taught = ['decode'] if loss_aux is None else ['decode', 'aux']
    assert list(losses) == [f'{name}.loss_ac' for name in taught]
    sum(losses.values()).backward()
    for parameter in model.parameters():
        assert parameter.requires_grad == (parameter.grad is not None)


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
        (
            lambda state, meta: meta.update(incremental=dict(step=2)),
            ["is of an incremental run ({'step': 2})", '--resume'],
        ),
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
def test_checkpoints_that_cannot_be_converted(change, words, from_softmax, changed):
    path = changed(change)
    with pytest.raises(ValueError) as caught:
        start_from.convert(path, incremental(from_softmax()), CLASSES)
    for word in [f'start_from={path}', *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize('content, words', [
    (None, 'no such file'),
    (b'PK nonsense', 'can be trusted'),
    (dict(conv1=1), 'no state_dict'),
])  # fmt: skip
@pytest.mark.parametrize('data_missing', [False, True])
def test_everything_is_told_ahead_of_training(content, words, data_missing, from_softmax, tmp_path):
    path, folder = tmp_path / 'model.pth', tmp_path / 'run'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    cfg = from_softmax(path)
    if data_missing:
        cfg.train_dataloader.dataset.dataset.data_root = '/nowhere'
        cfg.test_dataloader.dataset.dataset.data_root = '/nowhere'
    with pytest.raises(RuntimeError, match='nothing was trained') as caught:
        Run(cfg, folder).run([0, 1])
    assert f'start_from={path}' in str(caught.value) and words in str(caught.value)
    assert ('/nowhere' in str(caught.value)) == data_missing
    assert not folder.exists()


def test_dry_run_tells_of_other_classes(from_softmax, changed, tmp_path, capsys):
    from_softmax('elsewhere.pth').dump(tmp_path / 'run.py')
    path = changed(rename(*CLASSES[:4], 'bag'))
    with pytest.raises(SystemExit) as exit:
        command(
            'tools/incremental_train.py', tmp_path / 'run.py', '--start-from', path,
            '--dry-run', '--steps', 0,
        )  # fmt: skip
    said = capsys.readouterr().out
    assert exit.value.code == 1
    assert f'checkpoint in:  {path}' in said
    assert f'missing: start_from={path}' in said and "missing ['dress'], surplus ['bag']" in said


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
