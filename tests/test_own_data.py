"""docs/own_data.md, from end to end: its configs, on folders that label one new class each."""

import ast
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.memory import Candidate, write_memory
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.manifest import begin, remember
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

PAGE = (REPOSITORY / 'docs/own_data.md').read_text()
BASE, *EDITS, ONE_FOLDER = re.findall(r'```python\n(.*?)```', PAGE, re.S)
# Values in the masks of each folder, and the labels that they stand for when all is learned.
VALUES = {
    'first': {0: 0, 1: 1, 2: 2, 3: 3, 255: 255},
    'forklift': {0: 0, 1: 4, 255: 255},
    'pallet': {0: 0, 255: 5},
    'winter': {0: 0, 1: 2},
}
NAMES = ('background', 'person', 'shelf', 'box', 'forklift', 'pallet')
# With all three folders: the page's last edit leaves the first one out.
ALL_FOLDERS = EDITS[1].replace(
    'dict(\n', 'dict(\n    first=dict(background=0, person=1, shelf=2, box=3),\n', 1
)
# Of scene_0 to scene_19, what is kept for testing.
HELD = [f'scene_{n}.jpg' for n in (3, 7, 8, 10, 14, 16)]


@pytest.fixture(scope='module')
def warehouse(tmp_path_factory) -> Path:
    """Three folders of 20 images of 32 x 32; each mask has all values of its folder."""
    root = tmp_path_factory.mktemp('data') / 'warehouse'
    rng = np.random.default_rng(0)
    for folder, meaning in VALUES.items():
        for kind in ('images', 'masks'):
            (root / folder / kind).mkdir(parents=True)
        for number in range(20):
            blocks = rng.permutation(np.resize(list(meaning), 16)).reshape(4, 4)
            mask = np.kron(blocks, np.ones((8, 8))).astype(np.uint8)
            Image.fromarray(mask).save(root / folder / f'masks/scene_{number}.png')
            image = np.stack([mask * 60 + 7] * 3, axis=2)
            Image.fromarray(image).save(root / folder / f'images/scene_{number}.jpg')
    return root


def edited(text: str, edit: str) -> str:
    """A config with the assignments of the edit in place of its own."""
    new = {node.targets[0].id: ast.get_source_segment(edit, node) for node in ast.parse(edit).body}
    own = {node.targets[0].id: ast.get_source_segment(text, node) for node in ast.parse(text).body}
    for name, segment in new.items():
        text = text.replace(own[name], segment)
    return text


@pytest.fixture
def page(warehouse, tmp_path, tiny):
    """Make the config of the page, with one of its edits or another, as small as a test needs."""
    (tmp_path / 'my_configs').mkdir()
    (tmp_path / 'configs').symlink_to(REPOSITORY / 'configs')

    def make(edit: str = '', root: Path = warehouse) -> Config:
        file = tmp_path / 'my_configs/warehouse.py'
        file.write_text(edited(BASE, edit).replace("'data/warehouse'", repr(str(root))))
        cfg = Config.fromfile(file)
        init_default_scope('mmseg')
        cfg.model.backbone = tiny().model.backbone
        cfg.model.decode_head.update(
            in_channels=80, channels=8, dilations=(1, 2), norm_cfg=dict(type='BN')
        )
        cfg.model.data_preprocessor.size = (32, 32)
        cfg.optim_wrapper.type = 'OptimWrapper'
        cfg.train_cfg.max_epochs = 1
        for loader in (cfg.train_dataloader, cfg.test_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
            for part in loader.dataset.dataset.datasets:
                part.pipeline = [
                    t for t in part.pipeline if t.type not in ('RandomAreaCrop', 'Resize')
                ]
        cfg.train_dataloader.batch_size = 5
        return cfg

    return make


def scores_of(folder: Path) -> list[dict]:
    return json.loads((folder / 'results.json').read_text())


@pytest.mark.usefixtures('undrawn')
def test_a_run_grows_twice_and_the_old_images_may_be_gone(page, warehouse, tmp_path):
    root, run = tmp_path / 'warehouse', tmp_path / 'run'
    shutil.copytree(warehouse, root)
    Run(page(root=root), run).run([0])
    written = (run / 'step_0/epoch_1.pth').stat().st_mtime_ns
    scores = scores_of(run)[0]
    Run(page(EDITS[0], root), run).run([0, 1], resume=True)
    (run / 'step_1_forklift.py').write_text(ONE_FOLDER)
    alone = DATASETS.build(Config.fromfile(run / 'step_1_forklift.py').test_dataloader.dataset)
    assert sorted(alone.names) == sorted(f'forklift/images/{name}' for name in HELD)
    assert alone.metainfo['classes'] == NAMES[:5]

    shutil.rmtree(root / 'first')
    with pytest.raises(ValueError, match='step_0 was trained by another recipe .*--steps'):
        Run(page(EDITS[1], root), run).run([0, 1, 2], resume=True)
    cfg = page(EDITS[1], root)
    results = Run(cfg, run).run([2])
    assert (run / 'step_0/epoch_1.pth').stat().st_mtime_ns == written
    assert results[0] == scores
    assert [len(entry['per_class_iou']) for entry in results] == [4, 5, 6]
    assert tuple(results[2]['per_class_iou']) == NAMES
    assert [entry['step'] for entry in results] == [0, 1, 2]
    assert list(json.loads((run / 'manifest.json').read_text())['steps']) == ['0', '1', '2']
    last = hand_over.load(run / 'step_2/epoch_1.pth', Scenario(**cfg.scenario), 2)
    assert last['meta']['dataset_meta']['classes'] == NAMES
    sizes = [len(last['state_dict'][f'decode_head.conv_seg.steps.{t}.bias']) for t in range(3)]
    assert sizes == [3, 1, 1]
    before = checkpoint_types.load(run / 'step_1/epoch_1.pth')['state_dict']
    assert set(last['state_dict']) - set(before) == {
        f'decode_head.conv_seg.steps.2.{kind}' for kind in ('weight', 'bias')
    }


@pytest.mark.usefixtures('undrawn')
def test_known_class_is_learned_anew_from_new_photographs(page, tmp_path):
    run = tmp_path / 'run'
    Run(page(), run).run([0])
    Run(page(EDITS[0]), run).run([0, 1], resume=True)
    before = scores_of(run)
    cfg = page(EDITS[2])
    for step, train, test in (
        (0, {'first'}, {'first'}),
        (1, {'forklift'}, {'first', 'forklift'}),
        (2, {'first', 'winter'}, {'first', 'forklift', 'winter'}),
    ):
        found = step_config(cfg, step)
        for loader, folders in ((found.train_dataloader, train), (found.test_dataloader, test)):
            names = DATASETS.build(loader.dataset).names
            assert {name.split('/')[0] for name in names} == folders
    (plan,) = Run(cfg, run).plan([2])
    assert 'learns 1 classes: shelf (known, and learned anew: shelf)' in str(plan)
    results = Run(cfg, run).run([0, 1, 2], resume=True)
    assert results[:2] == before, 'finished steps stay'
    iou = results[2]['per_class_iou']
    assert tuple(iou) == ('background', 'person', 'box', 'forklift', 'shelf')
    base = [iou[name] for name in ('background', 'person', 'box', 'shelf')]
    assert results[2]['miou_base'] == pytest.approx(sum(base) / 4)
    assert results[2]['miou_novel'] == iou['forklift']
    state = checkpoint_types.load(run / 'step_2/epoch_1.pth')['state_dict']
    sizes = [len(state[f'decode_head.conv_seg.steps.{t}.bias']) for t in range(3)]
    assert sizes == [2, 1, 1]


def label_of(folder: str, value: int, step: int, test_mode: bool) -> int:
    """Label of a pixel with this value in a mask: classes are in the order of learning."""
    label = VALUES[folder][value]
    learned = [(1, 2, 3), (4,), (5,)]
    known = [c for part in learned[: step + 1] for c in part] if test_mode else learned[step]
    return label if label == 255 or label in known else 0


@pytest.mark.parametrize('test_mode', [False, True], ids=['train', 'test'])
@pytest.mark.parametrize('step', [0, 1, 2])
def test_every_pixel_has_the_label_that_its_folder_gives_it(page, warehouse, step, test_mode):
    cfg = step_config(page(ALL_FOLDERS), step)
    dataset = (cfg.test_dataloader if test_mode else cfg.train_dataloader).dataset
    for part in dataset.dataset.datasets:
        part.pipeline = [t for t in cfg.test_pipeline if t.type != 'Resize']
    data = DATASETS.build(dataset)
    folders = list(VALUES)[: step + 1] if test_mode else [list(VALUES)[step]]
    names = {f'{folder}/images/{n}' for folder in folders for n in HELD}
    if not test_mode:
        everything = {f'{folders[0]}/images/scene_{n}.jpg' for n in range(20)}
        names = everything - names
    assert set(data.names) == names and len(data) == len(names)
    assert data.metainfo['classes'] == NAMES[: 4 + step]
    for index, name in enumerate(data.names):
        folder, _, file = name.split('/')
        with Image.open(warehouse / folder / 'masks' / file.replace('jpg', 'png')) as mask:
            values = np.asarray(mask)
        meaning = [
            label_of(folder, v, step, test_mode) if v in VALUES[folder] else 99 for v in range(256)
        ]
        label = data[index]['data_samples'].gt_sem_seg.data[0].numpy()
        assert np.array_equal(label, np.array(meaning)[values])


def test_images_of_the_memory_have_the_labels_of_their_folder(page, warehouse, tmp_path):
    grown, base = page(ALL_FOLDERS), page()
    file = tmp_path / 'memory.json'
    old = Candidate('first/images/scene_0.jpg', 'first/masks/scene_0.png', (0,), (1, 2, 3))
    # Written by the run before it grew to its last step.
    before = Scenario(**grown.scenario).until(1)
    write_memory(file, before, 1, 0, '', {1: [old]}, [old])
    cfg = step_config(grown, 1).train_dataloader.dataset
    cfg.memory = dict(file=str(file), share=1.0)
    for part in cfg.dataset.datasets:
        part.pipeline = [t for t in base.test_pipeline if t.type != 'Resize']
    sample = DATASETS.build(cfg)[0]['data_samples']
    with Image.open(warehouse / 'first/masks/scene_0.png') as mask:
        assert np.array_equal(sample.gt_sem_seg.data[0].numpy(), np.asarray(mask))
    assert sample.labelled_steps == (0,)


def test_folder_that_is_smaller_than_a_batch_is_named_before_training(page, tmp_path):
    cfg = page(EDITS[0])
    cfg.train_dataloader.batch_size = 15
    with pytest.raises(RuntimeError, match='14 training images make no batch of 15.*at most 14'):
        Run(cfg, tmp_path).check([0])


def finish(run: Run, step: int) -> None:
    """Let the manifest say that a step is finished."""
    of = run.steps[step]
    begin(run.work_dir, 'my_configs/warehouse.py', run.scenario)
    remember(run.work_dir, step, of.checkpoint, of.recipe, {})


@pytest.fixture
def trained(page, tmp_path, monkeypatch) -> Path:
    """Folder of a run of two steps, with what a checkpoint says of itself but no weights."""
    folder = tmp_path / 'run'
    for steps in ([0], [0, 1]):
        run = Run(page(EDITS[0] if steps[1:] else ''), folder)
        step = steps[-1]
        meta = dict(incremental=hand_over.describe(run.scenario, step))
        (folder / f'step_{step}').mkdir(parents=True)
        torch.save(dict(meta=meta, state_dict={}), folder / f'step_{step}/epoch_1.pth')
        finish(run, step)
    return folder


def test_what_was_finished_before_is_finished_after_growth(page, trained):
    assert Run(page(EDITS[0]), trained).ahead([0, 1], resume=True) == []
    assert Run(page(ALL_FOLDERS), trained).ahead([0, 1, 2], resume=True) == [2]


@pytest.mark.parametrize(
    'change',
    [
        lambda edit: edit.replace("'person', 'shelf', 'box'", "'shelf', 'person', 'box'"),
        lambda edit: edit.replace("'person', 'shelf'", "'human', 'shelf'").replace(
            'person=', 'human='
        ),
        lambda edit: edit.replace("'box'], ['forklift']", "'box', 'forklift']"),
        lambda edit: edit.replace('forklift=1', 'forklift=2'),
        lambda edit: edit.replace('box=3', 'box=[3, 4]'),
        lambda edit: edit.replace("['forklift'], ['pallet']", "['pallet'], ['forklift']"),
    ],
)
def test_growth_that_changes_a_finished_step_is_refused(page, trained, change):
    edit = change(ALL_FOLDERS)
    assert edit != ALL_FOLDERS
    with pytest.raises(ValueError, match='holds a run of scenario|by another recipe'):
        run = Run(page(edit), trained)
        run.ahead(list(range(run.scenario.num_steps)), resume=True)


def test_another_schedule_of_a_finished_step_is_refused_after_growth(page, trained):
    cfg = page(ALL_FOLDERS)
    cfg.later_steps.optim_wrapper.optimizer.lr = 0.5
    with pytest.raises(ValueError, match='step_1 was trained by another recipe'):
        Run(cfg, trained).ahead([0, 1, 2], resume=True)


def test_disjoint_run_cannot_grow(page, tmp_path):
    base, grown = page(), page(EDITS[0])
    for cfg in (base, grown):
        cfg.scenario.setting = 'disjoint'
    run = Run(base, tmp_path / 'run')
    (tmp_path / 'run/step_0').mkdir(parents=True)
    (tmp_path / 'run/step_0/epoch_1.pth').touch()
    finish(run, 0)
    with pytest.raises(ValueError, match='holds a run of .* disjoint scenario cannot grow'):
        Run(grown, tmp_path / 'run').ahead([0, 1], resume=True)
    meta = dict(incremental=hand_over.describe(run.scenario, 0))
    state = dict(weight=torch.zeros(1))
    with pytest.raises(ValueError, match='fingerprint differs .* disjoint scenario cannot grow'):
        hand_over.check(dict(meta=meta, state_dict=state), Scenario(**grown.scenario), 0, 'step_0')
