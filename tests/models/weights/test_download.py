"""Weights by their address are read by the reader that runs no code."""

import functools
import http.server
import os
import threading

import pytest
import torch
from mmengine.runner import CheckpointLoader

from mmseg_dkd.models.weights import download


class Evil:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Of a folder that is served; what is downloaded lies elsewhere."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    (tmp_path / 'www').mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / 'www'))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def load(name):
    return CheckpointLoader.load_checkpoint(name, 'cpu', logger='silent')


@pytest.fixture(
    params=['', 'torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://', 'mmcls://']
)
def name_of(request, address, monkeypatch):
    """Name of a served file, by its address or in one of mmengine's zoos."""

    def name(file):
        url = f'{address}/{file}'
        if not request.param:
            return url
        zoo = request.param.removesuffix('://')
        monkeypatch.setitem(download.ZOOS, zoo, lambda: {file: url})
        monkeypatch.setattr(download, 'get_external_models', download.ZOOS['open-mmlab'])
        return request.param + file

    return name


def test_weights_are_downloaded_once(name_of, tmp_path):
    weights = {'backbone.conv.weight': torch.arange(3.0)}
    torch.save(dict(state_dict=weights), tmp_path / 'www/net.pth')
    name = name_of('net.pth')
    key = 'conv.weight' if name.startswith('mmcls') else 'backbone.conv.weight'
    for _ in range(2):
        assert torch.equal(load(name)['state_dict'][key], torch.arange(3.0))
        (tmp_path / 'www/net.pth').unlink(missing_ok=True)


def test_code_of_a_server_is_never_run(name_of, tmp_path):
    target = tmp_path / 'executed'
    torch.save(dict(state_dict={}, extra=Evil(target)), tmp_path / 'www/evil.pth')
    with pytest.raises(ValueError, match=r'evil.pth is no checkpoint that can be trusted'):
        load(name_of('evil.pth'))
    assert not target.exists()


@pytest.mark.parametrize(
    'name', ['s3://a/x.pth', 'me:s3://a/x.pth', 'petrel://x.pth', 'pavi://x.pth']
)
def test_stores_are_refused(name):
    with pytest.raises(ValueError, match='download it'):
        load(name)


def test_no_scheme_of_mmengine_is_left():
    loaders = CheckpointLoader._schemes.values()
    assert {loader.__module__ for loader in loaders} == {download.__name__}
