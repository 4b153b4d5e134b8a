"""Damaged files: found, named, and where possible gone back behind."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmseg_dkd.reports.page import write_page
from mmseg_dkd.runs import Run
from mmseg_dkd.runs import resume as intact
from mmseg_dkd.runs.manifest import sha256_of, verify
from mmseg_dkd.runs.results import read_results
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


def swap(entry):
    return dict(reversed(entry['per_class_iou'].items()))


CHANGES = {
    'manifest.json': {
        'no steps': lambda m: m.pop('steps'),
        'a list of steps': lambda m: m.update(steps=[]),
        'a step without checkpoint': lambda m: m['steps']['1'].pop('checkpoint'),
        'a step without recipe': lambda m: m['steps']['1'].pop('recipe'),
        'a step of another name': lambda m: m['steps'].update(x=m['steps'].pop('1')),
        'a step that is none': lambda m: m['steps'].update({'9': m['steps']['1']}),
        'text for seconds': lambda m: m['steps']['1'].update(seconds='long'),
        'another scenario': lambda m: m.update(fingerprint=3),
    },
    'results.json': {
        'no scores': lambda r: r[1].clear(),
        'no class': lambda r: r[1].update(per_class_iou={}),
        'text for a score': lambda r: r[1].update(miou_all='41.5'),
        'a step that is none': lambda r: r[2].update(step=3),
        'a step twice': lambda r: r[2].update(step=1),
        'a class less': lambda r: r[2]['per_class_iou'].popitem(),
        'a class more': lambda r: r[2]['per_class_iou'].update(cat=1.0),
        'another order of classes': lambda r: r[2].update(per_class_iou=swap(r[2])),
        'components that are none': lambda r: r[2]['choices'].update(components=[3]),
    },
}


@pytest.mark.parametrize(
    'name, change', [(name, change) for name, changes in CHANGES.items() for change in changes]
)
def test_json_of_another_shape_is_named_before_anything_is_trained(name, change, run, tiny):
    file = run / name
    content = json.loads(file.read_text())
    CHANGES[name][change](content)
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f'{file} is damaged .*bring it back'):
        Run(tiny(), run).run([0, 1, 2], resume=True)
    if change != 'a step that is none' or name != 'manifest.json':
        with pytest.raises(ValueError, match=f'{file} is damaged .*bring it back'):
            write_page(run)


def test_scores_may_be_unknown(run):
    file = run / 'results.json'
    results = json.loads(file.read_text())
    for entry in results:
        entry.update(dict.fromkeys(('miou_base', 'miou_novel', 'miou_all', 'hiou')))
        entry['per_class_iou'] = dict.fromkeys(entry['per_class_iou'])
    file.write_text(json.dumps(results))
    assert read_results(run) == results
    assert write_page(run).is_file()


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
