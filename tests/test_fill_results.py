"""docs/results.md is what dev/fill_results.py makes of its data; runs land in their row."""

import copy
import sys

import pytest

from dev import fill_results
from dev.fill_results import MEASURED, PAGE, PAPER, filled, read_table, render
from mmseg_dkd.evaluation.scores import SCORES
from mmseg_dkd.runs.manifest import read_manifest
from mmseg_dkd.runs.results import read_results
from mmseg_dkd.runs.run import Run
from mmseg_dkd.scenario import Scenario
from mmseg_dkd.utils.json_file import write_json
from tests.configs.names import load
from tests.reports.made_up_run import write_run

DKD = ('15-5', 'overlapped', 'dkd/voc_15-5.py')
ROWS = read_table(PAPER)
BASELINES = {'Fine-tuning (cross entropy)': 'Softmax', 'Frozen baseline': 'DKD'}


@pytest.fixture
def made_up(tmp_path):
    """Writes a run of a config: the four scores of its last step, and where it is."""

    def write(where, config, scores, seed=0, finished=None, options=None, **scenario):
        folder = tmp_path / where
        cfg = copy.deepcopy(load(config))
        cfg.scenario.update(scenario)
        cfg.merge_from_dict({'randomness.seed': seed} | (options or {}))
        learned = Scenario(**cfg.scenario)
        sizes = [len(learned.new(step)) for step in range(learned.num_steps)]
        write_run(folder, sizes, finished or len(sizes), samples=0)
        entries = read_results(folder)
        names = list(entries[-1]['per_class_iou'])
        base = 1 + int(config.split('_')[1].split('-')[0]) if '-' in config else 16
        novel = scores[1] if len(names) > base else None
        # All classes of a kind have its mean.
        entries[-1]['per_class_iou'] = {
            name: scores[0] if place < base else novel for place, name in enumerate(names)
        }
        entries[-1]['provenance'] = dict(seed=seed, revision='0123456789', dirty=False)
        write_json(folder / 'results.json', entries)
        manifest = read_manifest(folder)
        steps = Run(cfg, folder).steps
        for step, entry in manifest['steps'].items():
            entry['checkpoint'] = f'step_{step}/epoch_60.pth'
            entry['recipe'] = steps[int(step)].recipe
        manifest |= dict(config=config, fingerprint=learned.fingerprint)
        write_json(folder / 'manifest.json', manifest)
        return folder

    return write


def evaluate(folder, scores, step=1, checkpoint='epoch_60', **row):
    """What tools/evaluate.py writes, of this step and checkpoint; rows before stay."""
    named = dict(zip(SCORES, scores, strict=True))
    path = folder / f'step_{step}/{checkpoint}.pth'
    own = dict(step=step, checkpoint=str(path), convention='DKD', view='centre', **named) | row
    decoys = [
        own | dict(view='whole', hiou=1.0),
        own | dict(convention='PLOP', hiou=2.0),
        own | dict(checkpoint=str(path.with_name('epoch_55.pth')), hiou=3.0),
        own | dict(step=0, miou_novel=None, hiou=None),
    ]
    write_json(folder / 'evaluation.json', [*decoys, own])


def row_of_page(page, title, method):
    """Cells of a row by the titles of its table."""
    lines = page.split(f'## {title}\n\n')[1].split('\n\n')[0].splitlines()
    titles, _, *rows = ([cell.strip() for cell in line.split('|')[1:-1]] for line in lines)
    (row,) = (row for row in rows if row[0] == method)
    return dict(zip(titles, row, strict=True))


def test_the_page_is_what_the_data_make_of_it():
    assert PAGE.read_text() == render(ROWS, read_table(MEASURED))


def test_measured_scores_all_have_a_row():
    measured = read_table(MEASURED)
    assert set(measured) <= set(ROWS) and measured
    assert fill_results.as_csv(measured) == MEASURED.read_text()


@pytest.mark.parametrize('key', ROWS, ids='-'.join)
def test_a_config_is_that_of_its_row(key):
    row = ROWS[key]
    cfg = load(row['config'])
    joint, method = row['method'] == 'Joint', row['method']
    assert cfg.scenario.name == ('joint' if joint else row['scenario'])
    assert cfg.scenario.get('setting', 'overlapped') == row['setting']
    assert bool(cfg.get('memory')) == method.endswith('-M')
    kind = 'DKD' if joint or 'mBCE' in method else BASELINES.get(method, method.removesuffix('-M'))
    assert cfg.model.decode_head.type == f'{kind}Head'


def test_paper_scores_are_consistent():
    known = [row for row in ROWS.values() if row['hiou']]
    assert len(known) == 3 * 19 - 2 + 3 * 6
    for row in known:
        base, novel, both = (float(row[key]) for key in ('miou_base', 'miou_novel', 'hiou'))
        # A mean of five harmonic means is not that of the means.
        near = 0.4 if row['hiou_sd'] else 0.02
        assert abs(2 * base * novel / (base + novel) - both) < near, row


def test_seeds_are_a_row_with_centre_crops_where_they_are_known(made_up):
    runs = [made_up(f'a/seed_{k}', DKD[2], (70.0, 50.0), seed=k) for k in (0, 1)]
    evaluate(runs[0], (78.0, 58.0, 66.0, 73.0))
    evaluate(runs[1], (79.0, 59.0, 68.0, 74.0))
    measured, unfit = filled([runs[0].parent], ROWS, {})
    assert not unfit and list(measured) == [DKD]
    page = render(ROWS, measured)
    row = row_of_page(page, 'PASCAL VOC, 15-5, overlapped (Table 1)', 'DKD')
    assert row['ours: mIoU_b'] == '78.50 ±0.71' and row['ours: mIoU_n'] == '58.50 ±0.71'
    assert row['ours: hIoU'] == '67.00 ±1.41' and row['ours: mIoU_all'] == '73.50 ±0.71'
    assert row['runs'] == '2, centre, 0123456' and row['paper: hIoU'] == '66.98 ±0.31'
    changed = set(page.splitlines()) ^ set(render(ROWS, {}).splitlines())
    assert len(changed) == 2


def test_a_run_without_evaluation_is_one_of_whole_images(made_up):
    measured, _ = filled([made_up('a', DKD[2], (80.0, 40.0))], ROWS, {})
    row = measured[DKD]
    assert (row['miou_base'], row['miou_novel'], row['hiou']) == ('80.00', '40.00', '53.33')
    assert (row['miou_all'], row['miou_all_sd']) == (f'{(16 * 80 + 5 * 40) / 21:.2f}', '')
    assert (row['runs'], row['view']) == ('1', 'whole')


def test_rows_of_other_runs_stay(made_up):
    before = read_table(MEASURED)
    measured, _ = filled([made_up('a', DKD[2], (80.0, 40.0))], ROWS, before)
    assert set(measured) - set(before) == {DKD}
    assert {key: measured[key] for key in before} == before


def test_joint_training_is_in_every_scenario(made_up):
    run = made_up('a', 'joint/voc_all.py', (80.0, 0.0))
    measured, _ = filled([run], ROWS, {})
    assert [key[0] for key in measured] == ['19-1', '15-5', '15-1']
    evaluate(run, (77.0, None, None, 77.0), step=0)
    measured, _ = filled([run], ROWS, {})
    row = row_of_page(render(ROWS, measured), 'PASCAL VOC, 15-5, overlapped (Table 1)', 'Joint')
    assert [row[f'ours: {name}'] for name in SCORES.values()] == ['-', '-', '-', '77.00']


def test_what_fits_no_row_is_named(made_up, tmp_path):
    made_up('first_steps/abc', DKD[2], (80.0, 40.0))
    made_up('order', DKD[2], (80.0, 40.0), order=[*range(20, 0, -1)])
    made_up('half', DKD[2], (80.0, 40.0), finished=1)
    made_up('seed_0', DKD[2], (80.0, 40.0))
    made_up('seed_0_again', DKD[2], (90.0, 40.0))
    made_up('tune', 'dkd/voc_15-5_tune.py', (80.0, 40.0))
    measured, unfit = filled([tmp_path], ROWS, {})
    assert measured[DKD]['miou_base'] == '80.00' and list(measured) == [DKD]
    why = {folder.name: reason for folder, reason in unfit.items()}
    assert set(why) == {'order', 'half', 'seed_0_again', 'tune'}
    assert 'class order' in why['order'] and '1 of 2 steps' in why['half']
    assert 'seed 0' in why['seed_0_again'] and 'dkd/voc_15-5_tune.py' in why['tune']


def test_a_run_with_other_options_is_of_no_row(made_up):
    before = read_table(MEASURED)
    demo = 'dkd/fashion_4-2.py'
    whole = made_up('whole', demo, (1.0, 1.0), options={'train_cfg.max_iters': 4})
    later = made_up('later', demo, (2.0, 2.0), options={'later_steps.train_cfg.max_iters': 4})
    measured, unfit = filled([whole, later], ROWS, before)
    assert measured == before
    assert 'step 0 was trained by another recipe' in unfit[whole]
    assert 'step 1 was trained by another recipe' in unfit[later]
    fits = made_up('fits', demo, (3.0, 3.0), seed=5)
    measured, unfit = filled([fits], ROWS, before)
    assert not unfit and measured['4-2', 'overlapped', demo]['hiou'] == '3.00'


def test_a_folder_without_runs_is_named(made_up, tmp_path):
    run = made_up('a', DKD[2], (80.0, 40.0))
    (tmp_path / 'empty').mkdir()
    folders = [run, tmp_path / 'empty', tmp_path / 'mistyped']
    measured, unfit = filled(folders, ROWS, {})
    assert list(measured) == [DKD] and set(unfit) == set(folders[1:])
    assert all('holds no run' in reason for reason in unfit.values())


def test_views_are_not_mixed(made_up, tmp_path):
    evaluate(made_up('seed_0', DKD[2], (80.0, 40.0)), (78.0, 58.0, 66.0, 73.0))
    made_up('seed_1', DKD[2], (80.0, 40.0), seed=1)
    with pytest.raises(ValueError, match='seed_1: no centre crops.*tools/evaluate.py'):
        filled([tmp_path], ROWS, {})


def test_the_command_writes_both_files_and_names_what_is_left_out(made_up, tmp_path, monkeypatch):
    for name, source in (('MEASURED', MEASURED), ('PAGE', PAGE)):
        monkeypatch.setattr(fill_results, name, tmp_path / source.name)
        (tmp_path / source.name).write_bytes(source.read_bytes())
    runs = [made_up('a', DKD[2], (80.0, 40.0)), made_up('b', 'dkd/voc_15-5_tune.py', (1.0, 1.0))]
    monkeypatch.setattr(sys, 'argv', ['fill_results.py', *map(str, runs)])
    with pytest.raises(SystemExit, match=r'left out:\n.*/b is of dkd/voc_15-5_tune.py'):
        fill_results.main()
    measured = read_table(tmp_path / MEASURED.name)
    assert measured[DKD]['hiou'] == '53.33'
    assert (tmp_path / PAGE.name).read_text() == render(ROWS, measured)
