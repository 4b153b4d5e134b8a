"""Heads of one's own: which can be incremental, and what is said of the others."""

import functools

import pytest
import torch
from mmseg.models.decode_heads import FCNHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_dkd.methods.dkd import DKDClassifier
from mmseg_dkd.models.base_heads import find_base
from tests.models.life import DKD
from tests.models.stock_heads import fcn


def build(base_type: str) -> BaseDecodeHead:
    return MODELS.build(DKD | fcn(base_type=base_type))


def wrapped(method):
    """A decorator as mixed precision of old had it."""

    @functools.wraps(method)
    def call(*args, **kwargs):
        return method(*args, **kwargs)

    return call


@MODELS.register_module(force=True)
class OwnHead(BaseDecodeHead):
    """Classifies in a decorated method that ``forward`` calls."""

    def __init__(self, num_convs: int, concat_input: bool, **kwargs) -> None:
        super().__init__(**kwargs)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return self.classify(self._transform_inputs(inputs))

    @wrapped
    def classify(self, feature: Tensor) -> Tensor:
        return self.cls_seg(feature)


@MODELS.register_module(force=True)
class ScaledHead(FCNHead):
    """Its forward is FCNHead's but for the input."""

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return super().forward([2 * inputs[-1]])


@pytest.mark.parametrize('base_type', ['OwnHead', 'ScaledHead'])
def test_own_head_is_incremental(base_type):
    head = build(base_type)
    assert head([torch.randn(2, 8, 4, 4)]).shape == (2, 1 + 3, 4, 4)
    assert head.conv_seg.num_seen == 3


class Prototypes(FCNHead):
    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.prototypes = nn.Parameter(torch.zeros(self.num_classes, 8))


class Layers(FCNHead):
    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.experts = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(self.num_classes))


class Cosine(FCNHead):
    def cls_seg(self, feat: Tensor) -> Tensor:
        return self.conv_seg(nn.functional.normalize(feat))


class Boundary(FCNHead):
    def loss(self, *args, **kwargs) -> dict:
        return {}


class Large(FCNHead):
    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv_seg = nn.Conv2d(8, self.num_classes, 3)


class Bare(BaseDecodeHead):
    def forward(self, inputs: list[Tensor]) -> Tensor:
        return self.conv_seg(inputs[-1])


REFUSED = {
    Prototypes: 'more than conv_seg that depends on the number of classes: prototypes',
    Layers: r'depends on the number of classes: experts\.4',
    Cosine: 'a cls_seg of its own',
    Boundary: 'a loss of its own',
    Large: r'its classifier is Conv2d\(8, 4, kernel_size=\(3, 3\)',
    Bare: 'does not end with cls_seg',
}


@pytest.mark.parametrize('base', REFUSED, ids=lambda base: base.__name__)
def test_what_would_be_lost_or_not_fit_is_refused_when_built(base):
    MODELS.register_module(module=base, force=True)
    name = base.__name__
    with pytest.raises(TypeError, match=f'{name} cannot be incremental: .*{REFUSED[base]}'):
        build(name)


@pytest.mark.parametrize('name', ['NoSuchHead', 'ResNet', 'DKDHead'])
def test_what_is_no_head_is_refused(name):
    with pytest.raises(TypeError, match=f'{name} cannot .* no registered .*: .*FCNHead, FPNHead'):
        find_base(name)


def test_argument_that_the_head_does_not_know_is_named():
    with pytest.raises(TypeError, match="keyword argument 'dilation_rate'"):
        MODELS.build(DKD | fcn(dilation_rate=2))


def test_output_that_is_more_than_a_map_is_refused():
    @MODELS.register_module(force=True)
    class Pair(FCNHead):
        def forward(self, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
            feature = inputs[-1]
            return self.cls_seg(feature), feature

    with pytest.raises(TypeError, match='Pair cannot be incremental: its forward does not end'):
        build('Pair')([torch.randn(2, 8, 4, 4)])
    with pytest.raises(TypeError, match='FCNHead needs a list of maps'):
        build('FCNHead')(torch.randn(2, 8, 4, 4))


def test_the_check_uses_up_no_random_number():
    torch.manual_seed(0)
    FCNHead(num_classes=4, **{key: value for key, value in fcn().items() if key != 'base_type'})
    DKDClassifier(8, [2, 1])
    expected = torch.rand(3)
    torch.manual_seed(0)
    build('FCNHead')
    assert torch.equal(torch.rand(3), expected)
