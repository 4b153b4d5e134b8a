"""Wherever mmengine gets a checkpoint from, the safe reader reads it."""

import copy
import functools
import http.server
import io
import os
import threading

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import register_backend
from mmengine.fileio.backends import BaseStorageBackend
from mmengine.fileio.backends.registry_utils import backends
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import _load_checkpoint, load_checkpoint

from mmseg_dkd.utils import checkpoint_sources

WEIGHT = torch.arange(3.0)


class Evil:
    def __reduce__(self):
        return os.mkdir, ('executed',)


@pytest.fixture
def web(tmp_path, monkeypatch):
    """Address and folder of a server, and what was asked for; an empty cache."""
    asked, folder = [], tmp_path / 'www'
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path / 'mmengine'))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}', folder, asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def zoos(web, monkeypatch):
    """Each of mmengine's zoos has ``good`` and ``evil``, at the server."""
    address, folder, _ = web
    torch.save({'backbone.weight': WEIGHT, 'fc.bias': WEIGHT}, folder / 'good.pth')
    torch.save(dict(state_dict={}, extra=Evil()), folder / 'evil.pth')
    urls = {name: f'{address}/{name}.pth' for name in ('good', 'evil')}
    for zoo in checkpoint_sources.ZOOS:
        monkeypatch.setitem(checkpoint_sources.ZOOS, zoo, lambda: urls)
    return urls


def from_ceph(folder):
    class Petrel(BaseStorageBackend):
        def get(self, filepath):
            return (folder / filepath.rpartition('/')[2]).read_bytes()

        get_text = get

    return Petrel


def read(name):
    return _load_checkpoint(name, map_location='cpu', logger='silent')


def test_no_address_goes_around_the_safe_reader():
    loaders = set(CheckpointLoader._schemes.values())
    assert loaders == {checkpoint_sources.load_from_safe_reader}
    assert len(CheckpointLoader._schemes) == len(checkpoint_sources.PREFIXES) > 10


ADDRESSES = ['URL', *(f'{zoo}://NAME' for zoo in checkpoint_sources.ZOOS)]
CEPH = ['s3://bucket/NAME.pth', 'cluster:s3://bucket/NAME.pth', 'petrel://bucket/NAME.pth']


@pytest.mark.parametrize('address', ADDRESSES + CEPH)
def test_weights_are_read_and_code_is_refused(address, zoos, web, monkeypatch, tmp_path):
    monkeypatch.setitem(backends, 'petrel', None)
    register_backend('petrel', from_ceph(web[1]), force=True)
    good, evil = (
        address.replace('URL', zoos[kind]).replace('NAME', kind) for kind in ('good', 'evil')
    )
    state = read(good)
    if address.startswith('mmcls'):
        assert state.keys() == {'state_dict'} and list(state['state_dict']) == ['weight']
        state = state['state_dict']
    assert all(torch.equal(tensor, WEIGHT) for tensor in state.values())
    model = torch.nn.Module()
    for _ in range(2):
        with pytest.raises(ValueError, match=r'evil.*is no checkpoint that can be trusted') as told:
            load_checkpoint(model, evil, 'cpu', logger='silent')
        assert evil in str(told.value) and 'mkdir' in str(told.value)
    assert not (tmp_path / 'executed').exists()
    assert sum('evil' in path for path in web[2]) == (0 if address in CEPH else 1), 'cached'


def test_the_file_with_code_would_run_it(zoos, web, tmp_path):
    torch.load(web[1] / 'evil.pth', weights_only=False)
    assert (tmp_path / 'executed').exists()


@pytest.mark.parametrize(
    'address',
    ['pavi://NAME', 'ftp://host/NAME.pth', 'file:///NAME.pth', 'HTTP://host/NAME', 'hf://a/NAME'],
)
def test_other_addresses_are_refused(address, zoos):
    with pytest.raises(
        ValueError, match='checkpoints are read from files, http, https, s3'
    ) as told:
        read(address)
    assert address in str(told.value)


def test_zoo_that_leads_elsewhere_is_refused(zoos):
    zoos['good'] = 'file:///etc/passwd'
    with pytest.raises(ValueError, match='open-mmlab://good: .*not from file:///etc/passwd'):
        read('open-mmlab://good')


def test_path_below_home_and_missing_file(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    torch.save(dict(a=WEIGHT), tmp_path / 'a.pth')
    assert torch.equal(read('~/a.pth')['a'], WEIGHT)
    with pytest.raises(FileNotFoundError, match=r'b\.pth'):
        read('~/b.pth')


def test_failed_download_leaves_nothing_and_nobody_waiting(web, monkeypatch, tmp_path):
    waited = []
    monkeypatch.setattr(checkpoint_sources, 'barrier', lambda: waited.append(True))
    for main in (True, False):
        monkeypatch.setattr(checkpoint_sources, 'is_main_process', lambda main=main: main)
        url = f'{web[0]}/none.pth'
        with pytest.raises(ValueError, match=f'{url} cannot be downloaded to .*404'):
            read(url)
    assert len(waited) == 2
    assert not [path for path in (tmp_path / 'torch').rglob('*') if path.is_file()]


class Line(BaseModel):
    """The least that mmengine trains."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(2, 1)

    def forward(self, x, mode):
        return dict(loss=self.line(x).square().mean())


class NumpyHook(Hook):
    """Leaves numbers of numpy in the checkpoint."""

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['best'] = np.float64(0.1), np.arange(3)


def trained(folder, iterations, resume_from=None):
    generator = torch.Generator().manual_seed(0)
    data = [dict(x=torch.rand(2, generator=generator)) for _ in range(8)]
    default_collate = dict(type='default_collate')
    loader = dict(dataset=data, sampler=dict(type='InfiniteSampler', shuffle=False))
    torch.manual_seed(0)
    runner = Runner(
        Line(),
        str(folder),
        dict(loader, batch_size=2, num_workers=0, collate_fn=default_collate),
        train_cfg=dict(by_epoch=False, max_iters=iterations),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.1)),
        param_scheduler=dict(type='PolyLR', by_epoch=False, end=6),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)),
        custom_hooks=[dict(type='EMAHook'), NumpyHook()],
        randomness=dict(seed=0),
        load_from=resume_from,
        resume=resume_from is not None,
        log_level='ERROR',
        experiment_name=f'{folder.name}_{iterations}',
    )
    runner.train()
    return folder / f'iter_{iterations}.pth'


def test_a_training_of_mmengine_goes_on_to_the_very_same_checkpoint(tmp_path):
    """Optimizer, scheduler, moving average, histories and numbers of numpy."""
    whole = trained(tmp_path / 'whole', 4)
    half = trained(tmp_path / 'broken', 2)
    resumed = trained(tmp_path / 'broken', 4, str(half))
    a, b = (torch.load(path, weights_only=False) for path in (whole, resumed))
    assert a.keys() == b.keys() >= {'ema_state_dict', 'optimizer', 'param_schedulers', 'best'}
    for key in a.keys() - {'meta', 'message_hub'}:
        assert in_bytes(a[key]) == in_bytes(b[key]), key
    a, b = (content['message_hub']['log_scalars'] for content in (a, b))
    assert 'train/loss' in a and type(b['train/loss']) is HistoryBuffer
    for key in ('train/loss', 'train/lr'):
        assert in_bytes(a[key].data) == in_bytes(b[key].data) and len(a[key].data[0]) == 4


def in_bytes(content) -> bytes:
    out = io.BytesIO()
    torch.save(copy.deepcopy(content), out)
    return out.getvalue()


SOURCE = "__import__('os').mkdir('executed')\n"


def test_configs_in_checkpoints_are_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    info = dict(cfg=SOURCE, iter=3)
    content = dict(
        meta=dict(config=SOURCE, cfg=SOURCE, iter=3), message_hub=dict(runtime_info=info)
    )
    torch.save(content, 'a.pth')
    assert read('a.pth') == dict(meta=dict(iter=3), message_hub=dict(runtime_info=dict(iter=3)))
    Config.fromstring(SOURCE, file_format='.py')
    assert (tmp_path / 'executed').exists(), 'mmengine runs no such text any more'


@pytest.mark.parametrize('content', [[], {}, dict(meta=1, message_hub=[]), WEIGHT])
def test_what_has_no_config_is_as_it_was(content, tmp_path):
    torch.save(content, tmp_path / 'a.pth')
    found = read(str(tmp_path / 'a.pth'))
    assert found is not content and str(found) == str(content)
