"""Two steps of a tiny model: everything that training and testing ask of head and backbone."""

import copy

import torch
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_dkd.engine.hand_over import build_teacher, start_state
from mmseg_dkd.engine.resolve import at_step
from mmseg_dkd.models import IncrementalSegmentor

# Two classes, then one more.
DKD = dict(
    type='DKDHead',
    scenario=dict(name='2-1', num_classes=3),
    num_classes=4,
    loss_decode=dict(type='MultiBCELoss'),
    loss_kd=dict(type='BinaryKDLoss'),
    loss_dkd=dict(type='DecomposedKDLoss'),
    loss_aux=dict(type='AuxiliaryLoss'),
)
IMAGES = 2
TOLERANCE = dict(rtol=1e-4, atol=1e-5)


def incremental(head: dict | list | None) -> dict | list | None:
    """A stock head's config, or a list of such, as that of a DKD head."""
    if head is None:
        return None
    return [DKD | h for h in head] if isinstance(head, list) else DKD | head


def samples(size: int, labels: list[int]) -> list[SegDataSample]:
    """Images of random labels, whose original size is another one than the network's."""
    meta = dict(img_shape=(size, size), pad_shape=(size, size), ori_shape=(size + 3, size - 5))
    label = torch.tensor([0, 255, *labels])[torch.randint(2 + len(labels), (IMAGES, 1, size, size))]
    return [SegDataSample(gt_sem_seg=PixelData(data=one), metainfo=meta) for one in label]


def train(model: IncrementalSegmentor, size: int, labels: list[int], terms: set[str]) -> set[str]:
    """Two iterations; the names of parameters that got no gradient in one of them."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD(trained.values(), lr=0.01)
    unreached = set()
    model.train()
    for _ in range(2):
        losses = model.loss(torch.randn(IMAGES, 3, size, size), samples(size, labels))
        assert {name.split('.')[1] for name in losses} == terms
        assert len(losses) == len(terms) * len(model.incremental_heads)
        assert all(torch.isfinite(loss) for loss in losses.values()), losses
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        unreached |= {name for name, p in trained.items() if p.grad is None}
    of_heads = [name for name in unreached if name.startswith(('decode_head', 'auxiliary_head'))]
    assert not of_heads, f'no loss reaches {of_heads}: distributed training would wait for them'
    return unreached


@torch.no_grad()
def answer(model: IncrementalSegmentor, size: int) -> torch.Tensor:
    """Logits of one image; the same random numbers, as some heads draw them even in eval mode."""
    torch.manual_seed(1)
    return model.encode_decode(torch.randn(1, 3, size, size), [samples(size, [])[0].metainfo])


def live(model: dict, size: int = 32) -> set[str]:
    """Step 0, hand-over, step 1 with the teacher, prediction.

    Args:
        model: ``backbone``, ``decode_head`` and perhaps ``auxiliary_head`` and ``neck``, stock.
        size: Height and width of the images.

    Returns:
        Names of the backbone's and the neck's trainable parameters without gradient.
    """
    torch.manual_seed(0)
    cfg = ConfigDict(model, type='IncrementalSegmentor', test_cfg=dict(mode='whole'))
    cfg.data_preprocessor = dict(type='SegDataPreProcessor', size=(size, size))
    for part in ('decode_head', 'auxiliary_head'):
        cfg[part] = incremental(model.get(part))
    cfg = ConfigDict(cfg)
    first = revert_sync_batchnorm(MODELS.build(at_step(copy.deepcopy(cfg), 0)))
    first.init_weights()
    unreached = train(first, size, [1, 2], {'loss_mbce', 'loss_ac'})
    old = first.state_dict()
    second = revert_sync_batchnorm(MODELS.build(at_step(copy.deepcopy(cfg), 1)))
    second.load_state_dict(start_state(old, second), strict=True)
    for name, value in second.state_dict().items():
        if '.conv_seg.steps.1.' in name:
            taught = old[name.replace('steps.1', 'auxiliary')]
            assert torch.equal(value, taught.expand_as(value)), name
        else:
            assert torch.equal(value, old[name]), name
    teacher = build_teacher(cfg, old, 0, torch.device('cpu'))
    torch.testing.assert_close(answer(teacher, size), answer(first.eval(), size), **TOLERANCE)
    second.set_teacher(teacher)
    unreached |= train(second, size, [3], {'loss_mbce', 'loss_kd', 'loss_dkd', 'loss_ac'})
    second.eval()
    with torch.no_grad():
        predicted = second.predict(torch.randn(IMAGES, 3, size, size), samples(size, [3]))
    for sample in predicted:
        assert sample.seg_logits.data.shape == (1 + 3, size + 3, size - 5)
        assert torch.isfinite(sample.seg_logits.data).all()
        label = sample.pred_sem_seg.data
        assert label.shape == (1, size + 3, size - 5) and 0 <= label.min() and label.max() <= 3
    return unreached
