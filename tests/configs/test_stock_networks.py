"""mmseg's own networks, learned step by step: DKD's recipe around the stock model."""

import json
import re
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from tests.meta import on_meta
from tests.tiny import REPOSITORY

INSTALLED = Path(mmseg.__file__).parent / '.mim' / 'configs'
STOCK = {
    'segformer-b2': 'segformer/segformer_mit-b2_8xb2-160k_ade20k-512x512.py',
    'upernet-swin-t': 'swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py',
    'deeplabv3plus-r50-d8': 'deeplabv3plus/deeplabv3plus_r50-d8_4xb4-80k_ade20k-512x512.py',
    'pspnet-r50-d8': 'pspnet/pspnet_r50-d8_4xb4-80k_ade20k-512x512.py',
}
FULL = [f'{data}_{network}' for network in STOCK for data in ('voc_15-1', 'ade_100-10')]
THIN = [f'fashion_4-2_{re.sub("-(b2|t|r50-d8)$", "", network)}' for network in STOCK]
AUXILIARY = {
    f'aux.loss_{term}': dict(type=kind, loss_weight=weight)
    for term, kind, weight in (('mbce', 'MultiBCELoss', 0.4), ('kd', 'BinaryKDLoss', 2.0))
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def load(name: str, preset: str = 'official') -> Config:
    cfg = Config.fromfile(REPOSITORY / f'configs/dkd/{name}.py')
    cfg.preset = preset
    return cfg


def without_losses(head: dict | None) -> dict | None:
    of_a_run = ('num_classes', 'scenario', 'init')
    return head and {k: v for k, v in head.items() if k not in of_a_run and 'loss' not in k}


@pytest.mark.parametrize('name', FULL)
def test_everything_but_the_losses_is_mmsegs_own(name):
    if not INSTALLED.is_dir():
        pytest.skip(f'the installed mmsegmentation carries no configs: {INSTALLED} is missing')
    own = load(name).model.to_dict()
    stock = Config.fromfile(INSTALLED / STOCK[name.split('_')[-1]]).model.to_dict()
    assert own.pop('type') == 'IncrementalSegmentor' and stock.pop('type') == 'EncoderDecoder'
    for model in (own, stock):
        for part in ('decode_head', 'auxiliary_head'):
            model[part] = without_losses(model.get(part))
        if 'init_cfg' in model['backbone']:
            # The original distributions and the maintained ones name different servers.
            address = model['backbone']['init_cfg']['checkpoint']
            model['backbone']['init_cfg']['checkpoint'] = address.split('/mmsegmentation/')[1]
    for head in (own['decode_head'], own['auxiliary_head'] or {}):
        if head:
            assert head.pop('type') == 'DKDHead'
            head['type'] = head.pop('base_type')
    assert own == stock


@pytest.mark.parametrize('step', [0, 1])
@pytest.mark.parametrize('name', [name for name in FULL if 'segformer' not in name])
def test_losses_of_the_auxiliary_head(name, step):
    cfg = step_config(load(name), step)
    gamma = cfg.model.decode_head.loss_decode.pos_weight
    head = cfg.model.auxiliary_head
    assert head.loss_decode == dict(AUXILIARY['aux.loss_mbce'], pos_weight=gamma)
    assert head.loss_kd == AUXILIARY['aux.loss_kd']
    assert head.init == 'random'
    assert not {'loss_dkd', 'loss_aux', 'loss_replay'} & set(head)


def expected_groups(model: nn.Module, preset: str, step: int, lr: float, decay: float) -> dict:
    """(lr, decay) of every parameter in words of the recipe, from the module that owns it."""
    expected = {}
    for path, module in model.named_modules():
        for part, parameter in module.named_parameters(path, recurse=False):
            of_backbone = path.startswith('backbone')
            new = f'conv_seg.steps.{step}' in path
            keeps = isinstance(module, nn.LayerNorm) or part.endswith('position_bias_table')
            decays = new or (step == 0 and not keeps)
            if preset == 'paper':
                decays = not keeps
            behind = 10 if preset == 'official' and not of_backbone else 1
            expected[part] = (lr * behind, decay * decays)
            if not parameter.requires_grad:
                del expected[part]
    return expected


@pytest.mark.parametrize('preset', ['official', 'paper'])
@pytest.mark.parametrize('name', FULL)
def test_parameter_groups(name, preset):
    for step in (0, 1):
        cfg = step_config(load(name, preset), step)
        cfg.optim_wrapper.type = 'OptimWrapper'  # mixed precision wants a GPU
        with on_meta():
            model = MODELS.build(cfg.model)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
        names = {id(parameter): key for key, parameter in model.named_parameters()}
        actual = {
            names[id(parameter)]: (group['lr'], group['weight_decay'])
            for group in optimizer.param_groups
            for parameter in group['params']
        }
        adamw = 'segformer' in name or 'swin' in name
        base = 6e-5 if adamw else 2.5e-3 if name.startswith('ade') else 1e-3
        decay = 0.01 if adamw else 1e-4 * (preset == 'official')
        expected = expected_groups(model, preset, step, base * (0.1 if step else 1), decay)
        assert actual.keys() == expected.keys()
        for key, values in expected.items():
            assert actual[key] == pytest.approx(values), key


@pytest.mark.parametrize('name', FULL)
def test_paper_leaves_out_what_only_the_program_does(name):
    for step in (0, 1):
        chosen = choices_of(step_config(load(name, 'paper'), step))
        assert not (chosen['amp'] or chosen['nesterov'])
        assert not (chosen['freeze_norm'] or chosen['freeze_dropout'])
        warm_up = 0.1 if name.startswith('ade') else 0.05 if chosen['optimizer'] == 'AdamW' else 0
        assert chosen['warm_up'] == warm_up
        assert chosen['optimizer'] == ('AdamW' if re.search('segformer|swin', name) else 'SGD')


@pytest.mark.parametrize('name', THIN)
@pytest.mark.usefixtures('undrawn')
def test_a_thin_one_learns_all_steps_and_predicts(name, tiny, tmp_path, scenes):
    cfg = tiny(f'dkd/{name}.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        # Serialising collects garbage, which takes longer than the data.
        loader.dataset.dataset.serialize_data = False
    results = Run(cfg, tmp_path).run([0, 1, 2])
    assert [len(entry['per_class_iou']) for entry in results] == [5, 7, 9]
    folder = tmp_path / 'step_2'
    model = init_model(folder / f'{name}.py', str(folder / 'iter_2.pth'), device='cpu')
    image = next((scenes / 'JPEGImages').iterdir())
    prediction = inference_model(model, str(image)).pred_sem_seg.data
    assert prediction.shape == (1, 64, 64) and set(prediction.unique().tolist()) <= set(range(9))
    (log,) = (tmp_path / 'step_1').glob('*/vis_data/scalars.json')
    terms = {key for line in log.read_text().splitlines() for key in json.loads(line)}
    expected = {f'decode.loss_{term}' for term in ('mbce', 'kd', 'dkd', 'ac')}
    expected |= set() if 'segformer' in name else set(AUXILIARY)
    assert {term for term in terms if '.loss_' in term} == expected


def second_step(cfg: Config, **changes) -> nn.Module:
    """The model of step 1 as it starts: from step 0, and with its teacher."""
    torch.manual_seed(0)
    first = revert_sync_batchnorm(MODELS.build(step_config(cfg, 0).model)).state_dict()
    model_cfg = step_config(cfg, 1).model
    model_cfg.update(changes)
    model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.load_state_dict(hand_over.start_state(first, model))
    model.set_teacher(hand_over.build_teacher(model_cfg, first, 0, torch.device('cpu')))
    return model.train()


def losses_of(model: nn.Module, size: int) -> dict[str, torch.Tensor]:
    samples = [SegDataSample(), SegDataSample()]
    for sample in samples:
        label = torch.randint(0, model.decode_head.num_classes, (1, size, size))
        sample.gt_sem_seg = PixelData(data=label)
    return model.loss(torch.randn(2, 3, size, size), samples)


@pytest.mark.parametrize('frozen', [True, False])
@pytest.mark.parametrize('name', ['fashion_4-2_segformer', 'fashion_4-2_upernet-swin'])
def test_with_drop_path_off_distillation_starts_at_rest(name, frozen):
    model = second_step(load(name), freeze_dropout=frozen)
    losses = losses_of(model, 64)
    loss = sum(value for key, value in losses.items() if key.endswith('kd'))
    trained = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    largest = max(g.abs().max() for g in gradients if g is not None)
    assert largest < 1e-5 if frozen else largest > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize('name', FULL)
def test_full_network_learns_from_its_teacher(name):
    model = second_step(load(name))
    losses = losses_of(model, 64)
    auxiliary = set() if 'segformer' in name else set(AUXILIARY)
    assert set(losses) == auxiliary | {f'decode.loss_{t}' for t in ('mbce', 'kd', 'dkd', 'ac')}
    assert all(torch.isfinite(loss) for loss in losses.values())
    sum(losses.values()).backward()
    for key, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key
        assert not parameter.requires_grad or parameter.grad.isfinite().all(), key
