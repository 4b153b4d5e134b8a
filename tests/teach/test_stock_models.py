"""mmseg's own model files, converted: before anything is learned they say what they said, bit by
bit."""

from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_dkd.engine import start_from
from mmseg_dkd.engine.resolve import at_step
from mmseg_dkd.teach.known import look_at
from mmseg_dkd.teach.recipe import Choices, model_of

FILES = Path(mmseg.__file__).parent / '.mim/configs/_base_/models'
HEADS = dict(
    fcn='fcn_r50-d8',
    pspnet='pspnet_r50-d8',
    deeplabv3='deeplabv3_r50-d8',
    deeplabv3plus='deeplabv3plus_r50-d8',
    upernet='upernet_r50',
    segformer='segformer_mit-b0',
)
CLASSES = ('background', 'wall', 'sky', 'tree')
CHOICES = Choices(crop=(64, 64), resize=None, batch=2, held_out=False, method='ExactHead')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.mark.parametrize('background', [True, False], ids=['background', 'bare'])
@pytest.mark.parametrize('name', HEADS)
def test_a_stock_model_says_the_same_once_converted(name, background, tmp_path):
    classes = CLASSES if background else ('sea', 'wall', 'sky', 'tree')
    cfg = Config.fromfile(FILES / f'{HEADS[name]}.py')
    cfg.model.pretrained = None
    cfg.model.decode_head.num_classes = len(classes)
    cfg.model.auxiliary_head = None
    if cfg.model.backbone.type == 'ResNetV1c':
        # As deep, a quarter as wide.
        cfg.model.backbone.update(base_channels=16, stem_channels=16)
        head = cfg.model.decode_head
        for key in head.keys() & {'in_channels', 'channels', 'c1_in_channels', 'c1_channels'}:
            wide = head[key]
            head[key] = [w // 4 for w in wide] if isinstance(wide, list) else wide // 4
    cfg.dump(tmp_path / 'stock.py')
    torch.manual_seed(0)
    stock = revert_sync_batchnorm(MODELS.build(cfg.model)).eval()
    for key, tensor in stock.state_dict().items():
        if 'running_var' in key:
            tensor.uniform_(0.5, 1.5)
        elif 'running_mean' in key or 'conv_seg' in key:
            tensor.normal_()
    meta = dict(dataset_meta=dict(classes=classes, palette=[[n, 0, 0] for n in range(4)]))
    torch.save(dict(state_dict=stock.state_dict(), meta=meta), tmp_path / 'stock.pth')

    known = look_at(tmp_path / 'stock.py', tmp_path / 'stock.pth', cfg)
    assert known.background == background
    old = len(known.classes)
    scenario = dict(name=[list(range(1, old + 1)), [old + 1]], num_classes=old + 1)
    scenario |= dict(has_background=background)
    scenario |= {} if background else dict(unlabelled='ignored')
    step_0 = at_step(Config(dict(model=model_of(known, CHOICES, scenario))).model, 0)
    model = revert_sync_batchnorm(MODELS.build(step_0)).eval()
    state = start_from.convert(known.checkpoint, model, ('background', *known.classes))
    model.load_state_dict(state, strict=True)

    image, metas = torch.randn(1, 3, 64, 96), [dict(img_shape=(64, 96), ori_shape=(50, 75))]
    with torch.no_grad():
        before, after = (net.inference(image, metas) for net in (stock, model))
    # Where there is no background, its channel never wins.
    assert torch.equal(after[:, not background :], before)
    assert before.std((2, 3)).min() > 0
