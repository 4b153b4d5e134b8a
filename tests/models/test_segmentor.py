"""Student, teacher and freezing, and inference of a whole tiny network."""

import copy
import math

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_dkd.models import IncrementalSegmentor

TAU = 0.7


@MODELS.register_module(force=True)
class TinyBackbone(nn.Module):
    """One map of a quarter of the size, of both signs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 5, stride=4, padding=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.drop(nn.functional.gelu(self.norm(self.conv(image))))]


@pytest.fixture(autouse=True, scope='module')
def one_thread():
    # More of them only wait for each other in networks as small as these.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build(step: int = 1, head: dict | None = None, **changes) -> IncrementalSegmentor:
    torch.manual_seed(step)
    decode_head = dict(
        type='DKDHead',
        base_type='OfficialASPPHead',
        in_channels=6,
        in_index=0,
        channels=8,
        dilations=(1, 2),
        dropout_ratio=0.5,
        projection_dropout=0.5,
        norm_cfg=dict(type='BN'),
        align_corners=False,
        scenario=dict(name='2-1', num_classes=4),
        step=step,
        num_classes=5,
        tau=TAU,
        loss_kd=dict(type='BinaryKDLoss'),
        loss_dkd=dict(type='DecomposedKDLoss'),
        loss_aux=dict(type='AuxiliaryLoss'),
    )
    cfg = dict(
        type='IncrementalSegmentor',
        backbone=dict(type='TinyBackbone'),
        decode_head=decode_head | (head or {}),
        test_cfg=dict(mode='whole'),
    )
    model = MODELS.build(ConfigDict(cfg | changes))
    for conv in model.decode_head.conv_seg.steps:
        # Far apart and around tau, so that predictions have several outcomes.
        nn.init.normal_(conv.weight, std=3)
        nn.init.constant_(conv.bias, math.log(TAU / (1 - TAU)) - 0.5)
    return model


def images(height: int = 16, width: int = 24) -> Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def samples(height: int = 16, width: int = 24) -> list[SegDataSample]:
    label = torch.tensor([0, 3, 3, 255]).repeat(height * width // 4).reshape(1, height, width)
    meta = dict(img_shape=(height, width), ori_shape=(height, width), pad_shape=(height, width))
    return [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta) for _ in range(2)]


def test_teacher_is_no_part_of_the_model():
    model = build()
    names = ['state_dict', 'named_parameters', 'named_modules', 'named_buffers']
    before = [sorted(dict(getattr(model, name)())) for name in names]
    teacher = build(step=0)
    model.set_teacher(teacher)
    assert model.teacher is teacher
    assert [sorted(dict(getattr(model, name)())) for name in names] == before
    ids = {id(p) for p in teacher.parameters()}
    assert not ids & {id(p) for p in model.parameters()}


class Asked(Exception):
    """The teacher was."""


@pytest.mark.parametrize('kd', [False, True])
@pytest.mark.parametrize('dkd', [False, True])
def test_teacher_is_run_only_if_a_loss_asks_it(monkeypatch, kd, dkd):
    given = dict(loss_kd=kd, loss_dkd=dkd)
    model = build(head={name: None for name, there in given.items() if not there})
    model.set_teacher(build(step=0))

    def refuse(inputs):
        raise Asked

    monkeypatch.setattr(model.teacher, 'extract_feat', refuse)
    if kd or dkd:
        with pytest.raises(Asked):
            model.loss(images(), samples())
    else:
        losses = model.loss(images(), samples())
        assert set(losses) == {'decode.loss_mbce', 'decode.loss_ac'}


def test_teacher_stays_frozen_when_the_student_trains():
    model, teacher = build(), build(step=0)
    model.set_teacher(teacher)
    before = copy.deepcopy(teacher.state_dict())
    model.train()
    losses = model.loss(images(), samples())
    assert set(losses) == {f'decode.loss_{term}' for term in ('mbce', 'kd', 'dkd', 'ac')}
    sum(losses.values()).backward()
    assert not any(module.training for module in teacher.modules())
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), f'{name} has changed'


def test_loss_is_the_heads_with_the_teachers_view_of_the_same_images():
    model, teacher = build().eval(), build(step=0)
    model.set_teacher(teacher)
    losses = model.loss(images(), samples())
    head, old_head = model.decode_head, teacher.decode_head
    reasoning = old_head.teacher_outputs(teacher.backbone(images()), student=head)
    expected = head.loss(model.backbone(images()), samples(), {}, reasoning)
    torch.testing.assert_close(losses, {f'decode.{k}': v for k, v in expected.items()})
    model.set_teacher(None)
    assert set(model.loss(images(), samples())) == {'decode.loss_mbce', 'decode.loss_ac'}


def modules_of(model: nn.Module, *kinds: type) -> list[nn.Module]:
    found = [module for module in model.modules() if isinstance(module, kinds)]
    assert len(found) >= 2, f'the test needs {kinds} in backbone and head'
    return found


def test_frozen_norm_keeps_statistics_and_parameters():
    model = build(freeze_norm=True)
    norms = modules_of(model, nn.BatchNorm2d)
    before = [copy.deepcopy(norm.state_dict()) for norm in norms]
    for _ in range(2):
        model.eval()
        model.train()
        assert model.training and model.backbone.conv.training
        assert not any(norm.training for norm in norms)
        sum(model.loss(images(), samples()).values()).backward()
    for norm, old in zip(norms, before, strict=True):
        assert not norm.weight.requires_grad and not norm.bias.requires_grad
        assert norm.weight.grad is None
        assert all(torch.equal(value, old[key]) for key, value in norm.state_dict().items())
    assert all(drop.training for drop in modules_of(model, nn.Dropout, nn.Dropout2d))


def test_frozen_norm_is_frozen_in_what_alone_is_trained_too():
    model = build(freeze_norm=True, train_only=['decode_head.bottleneck']).train()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {f'decode_head.bottleneck.{i}.conv.weight' for i in (0, 2)}
    assert not any(norm.training for norm in modules_of(model, nn.BatchNorm2d))


def test_frozen_dropout_is_off_in_training():
    model = build(freeze_dropout=True)
    for _ in range(2):
        model.eval()
        model.train()
        assert not any(drop.training for drop in modules_of(model, nn.Dropout, nn.Dropout2d))
        assert all(norm.training for norm in modules_of(model, nn.BatchNorm2d))
    first, second = (model.loss(images(), samples()) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_dropout_stays_on_in_what_is_frozen_if_asked():
    for asked in (False, True):
        model = build(train_only=['decode_head.conv_seg'], frozen_dropout=asked).train()
        dropouts = modules_of(model, nn.Dropout, nn.Dropout2d)
        assert {drop.training for drop in dropouts} == {asked}
        assert not any(norm.training for norm in modules_of(model, nn.BatchNorm2d))
        model.eval()
        assert not any(drop.training for drop in dropouts)
    for wrong in (dict(), dict(train_only=['decode_head.conv_seg'], freeze_dropout=True)):
        with pytest.raises(ValueError, match='frozen_dropout=True leaves dropout on in what'):
            build(frozen_dropout=True, **wrong)


def test_nothing_is_frozen_unless_asked_for():
    model = build()
    assert all(module.training for module in model.train().modules())
    assert all(
        p.requires_grad for norm in modules_of(model, nn.BatchNorm2d) for p in norm.parameters()
    )
    first, second = (model.loss(images(), samples()) for _ in range(2))
    assert first['decode.loss_mbce'] != second['decode.loss_mbce'], 'dropout is on'


def decision(logits: Tensor) -> Tensor:
    """Eq. 12 from logits ``[N, 1 + C, H, W]``: the most probable class where it reaches tau."""
    best, index = logits[:, 1:].sigmoid().max(dim=1)
    return torch.where(best >= TAU, index + 1, 0)


@torch.no_grad()
@pytest.mark.parametrize(
    'test_cfg',
    [
        dict(mode='whole'),
        dict(mode='slide', crop_size=(16, 16), stride=(7, 9)),
        dict(mode='slide', crop_size=(64, 64), stride=(64, 64)),
    ],
    ids=['whole', 'slide', 'slide_with_one_window'],
)
def test_labels_are_thresholded_however_the_image_is_read(test_cfg):
    model = build(test_cfg=test_cfg).eval()
    size = 34, 42
    metas = [sample.metainfo for sample in samples(*size)]
    logits = model.inference(images(*size), metas)
    assert logits.shape == (2, 1 + 3, *size)
    threshold = torch.full((2, *size), math.log(TAU / (1 - TAU)))
    torch.testing.assert_close(logits[:, 0], threshold)
    expected = decision(logits)
    assert len(expected.unique()) > 2 and 0 in expected, 'the test needs several outcomes'
    predicted = model.predict(images(*size), samples(*size))
    assert torch.equal(torch.cat([p.pred_sem_seg.data for p in predicted]), expected)


@pytest.mark.parametrize(
    'changes, message',
    [
        (
            dict(
                decode_head=dict(
                    type='FCNHead', in_channels=6, in_index=0, channels=8, num_classes=5
                )
            ),
            r"decode_head is a FCNHead, .* write it as dict\(type=..., base_type='FCNHead', "
            r'\.\.\.\) with one of the types DKDHead, ',
        ),
        (
            dict(
                auxiliary_head=dict(
                    type='FCNHead', in_channels=6, in_index=0, channels=8, num_classes=5
                )
            ),
            r"auxiliary_head is a FCNHead, .* dict\(type=..., base_type='FCNHead', \.\.\.\) .*"
            'DKDHead.*, or set auxiliary_head=None',
        ),
    ],
    ids=['plain_head', 'auxiliary_head'],
)
def test_softmax_heads_are_refused(changes, message):
    with pytest.raises(TypeError, match=message):
        build(**changes)
