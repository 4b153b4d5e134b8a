"""Damaged files: found, named, and where possible gone back behind."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmseg_dkd.runs import Run
from mmseg_dkd.runs import resume as intact
from mmseg_dkd.runs.manifest import sha256_of, verify
from mmseg_dkd.runs.resume import clear, durable, go_on
from mmseg_dkd.utils import checkpoint_types


@pytest.fixture
def folder(tmp_path):
    """Three checkpoints, of which the last is noted as such, and another file."""
    for number in (2, 4, 10):
        torch.save(dict(meta=dict(seed=number)), tmp_path / f'iter_{number}.pth')
    torch.save({}, tmp_path / 'best_iter_4.pth')
    (tmp_path / 'last_checkpoint').write_text('/moved/since/iter_10.pth')
    return tmp_path


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def found(folder, **cfg):
    cfg = Config(cfg)
    return go_on(cfg, folder) and (cfg.load_from.rpartition('/')[2], cfg.resume)


def test_the_newest_intact_checkpoint_is_gone_back_to_and_the_damage_told(folder, monkeypatch):
    assert found(folder) == ('iter_10.pth', True)
    cut(folder / 'iter_10.pth')
    assert found(folder) == ('iter_4.pth', True)
    (folder / 'iter_4.pth').unlink()
    assert found(folder) == ('iter_2.pth', True)
    (folder / 'iter_2.pth').write_bytes(b'')
    told = []
    monkeypatch.setattr(intact, 'print_log', lambda text, **kwargs: told.append(text))
    assert not found(folder)
    assert [
        m
        for m in told
        if 'iter_10.pth is no checkpoint that can be trusted' in m and 'going back' in m
    ]
    assert [m for m in told if 'the step starts from its beginning' in m]


def test_a_note_cut_by_a_kill_is_no_hindrance_and_without_one_there_is_nothing(folder):
    (folder / 'last_checkpoint').write_text('')
    assert found(folder) == ('iter_10.pth', True)
    (folder / 'last_checkpoint').write_text('/run/step_1/iter_4.pth')
    assert found(folder) == ('iter_4.pth', True), 'iter_10 is of an earlier training'
    (folder / 'last_checkpoint').unlink()
    assert not found(folder)


def test_a_drawn_seed_is_drawn_once(folder):
    for given, seed in [(None, 10), (dict(deterministic=True), 10), (dict(seed=0), 0)]:
        cfg = Config(dict(randomness=given))
        assert go_on(cfg, folder)
        assert cfg.randomness.seed == seed


def test_checkpoints_of_an_earlier_training_are_cleared(folder):
    clear(folder, keep=folder / 'iter_4.pth')
    assert {f.name for f in folder.glob('*.pth')} == {'iter_4.pth', 'best_iter_4.pth'}


def test_the_old_checkpoint_stays_until_the_new_one_is_there(tiny):
    cfg = tiny()
    cfg.default_hooks.checkpoint.max_keep_ckpts = 1
    durable(cfg)
    hook = cfg.default_hooks.checkpoint
    assert hook.max_keep_ckpts == 2 and hook.backend_args == dict(backend='atomic')
    for keep in (3, -1):
        cfg = tiny()
        cfg.default_hooks.checkpoint.max_keep_ckpts = keep
        durable(cfg)
        assert cfg.default_hooks.checkpoint.max_keep_ckpts == keep


@pytest.fixture
def run(finished, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(finished, folder)
    return folder


def test_a_finished_run_has_the_hashes_of_its_only_checkpoints(finished):
    steps = json.loads((finished / 'manifest.json').read_text())['steps']
    for step, entry in steps.items():
        file = finished / entry['checkpoint']
        assert entry['sha256'] == sha256_of(file) and len(entry['sha256']) == 64
        assert [f.name for f in (finished / f'step_{step}').glob('*.pth')] == [file.name]


def test_a_start_that_changed_since_is_refused(run, tiny):
    file = run / 'step_0/iter_2.pth'
    checkpoint = checkpoint_types.load(file)
    checkpoint['state_dict']['decode_head.conv_seg.steps.0.bias'][0] += 1e-3
    torch.save(checkpoint, file)
    before = (run / 'step_1/iter_2.pth').stat().st_mtime_ns
    with pytest.raises(ValueError, match=r'step_0/iter_2.pth is not what step 0 wrote.*--steps'):
        Run(tiny(), run).run([1], resume=False)
    assert (run / 'step_1/iter_2.pth').stat().st_mtime_ns == before
    manifest = run / 'manifest.json'
    content = json.loads(manifest.read_text())
    del content['steps']['0']['sha256']
    manifest.write_text(json.dumps(content))
    verify(run, 0, file)


@pytest.mark.parametrize('name', ['manifest.json', 'results.json'])
def test_a_damaged_json_file_is_named_with_a_remedy(name, run, tiny):
    file = run / name
    file.write_text(file.read_text()[:40])
    with pytest.raises(ValueError, match=f'{file} is damaged .*bring it back'):
        Run(tiny(), run).run([0, 1, 2], resume=True)


def test_a_data_set_that_vanishes_in_training_is_named(tiny, scenes, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    shutil.copytree(scenes, root)
    cfg = tiny()
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.dataset.data_root = str(root)
    run_iter = IterBasedTrainLoop.run_iter

    def vanish(self, batch):
        run_iter(self, batch)
        (root / 'JPEGImages').rename(root / 'gone')

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', vanish)
    with pytest.raises(FileNotFoundError, match='JPEGImages/.* was there .*--resume'):
        Run(cfg, tmp_path / 'run').run([0])
