"""Retrieved images among those of a step: which, how often, and what is refused."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_dkd.datasets.demo.retrieved import write_fashion_web
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.replay import _as_tested
from tests.configs.names import all_steps, classes_of, load

NAMES = [f'recall/{n}.py' for n in ('voc_15-5', 'voc_15-1', 'voc_19-1', 'ade_100-50', 'ade_50-50')]


@pytest.fixture(scope='module')
def web(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('web') / 'fashion_web'
    write_fashion_web(root, per_class=2, size=64)
    return root


@pytest.fixture
def step_of(tiny, web):
    """Config of a step, with another place and share of the retrieved images if asked for."""

    def make(step: int, **changes) -> Config:
        cfg = tiny('recall/fashion_4-2.py')
        cfg.later_steps.train_dataloader.dataset.update({'web_root': str(web), **changes})
        return step_config(cfg, step)

    return make


def build(cfg: Config):
    return DATASETS.build(cfg.train_dataloader.dataset)


def test_retrieved_images_come_as_often_as_asked_and_their_classes_too(step_of, web, monkeypatch):
    dataset, paths = build(step_of(2, share=0.25)), []
    # What is read is counted, not read: the rest of the pipeline has tests of its own.
    monkeypatch.setattr(
        Compose, '__call__', lambda self, info: paths.append(info['img_path']) or _Sample()
    )
    np.random.seed(0)
    samples = [dataset[i % len(dataset)] for i in range(4000)]
    retrieved = Counter(
        (s['data_samples'].retrieved, path)
        for s, path in zip(samples, paths, strict=True)
        if s['data_samples'].retrieved
    )
    old = dataset.metainfo['classes'][1:7]
    expected = {
        (1 + place, str(web / name / f'{image:02d}.jpg'))
        for place, name in enumerate(old)
        for image in range(2)
    }
    assert set(retrieved) == expected
    # 4000 / 4 / 12 each; the deviation of a count is about 9.
    assert all(abs(count - 83) < 40 for count in retrieved.values())
    others = {
        path for s, path in zip(samples, paths, strict=True) if not s['data_samples'].retrieved
    }
    assert {Path(path).parent.name for path in others} == {'JPEGImages'}


class _Sample(dict):
    """What a pipeline would return."""

    def __init__(self) -> None:
        super().__init__(data_samples=self)
        self.retrieved = 0

    def set_metainfo(self, meta: dict) -> None:
        self.retrieved = meta['retrieved']


def test_a_retrieved_image_is_unknown_but_for_its_padding(step_of, web):
    cfg = step_of(1, share=0.999)
    dataset = build(cfg)
    np.random.seed(0)
    for sample in (dataset[0] for _ in range(20)):
        label = sample['data_samples'].gt_sem_seg.data
        assert sample['inputs'].shape[1:] == label.shape[1:]
        assert not label.any() and label.dtype == torch.int64
        meta = sample['data_samples'].metainfo
        name = dataset.metainfo['classes'][meta['retrieved']]
        assert Path(meta['img_path']).parent == web / name


def test_the_engine_sees_the_images_of_the_step(step_of):
    for step in (0, 1):
        cfg = step_of(step)
        dataset = build(cfg)
        cfg.train_dataloader.dataset.type = 'StepDataset'
        for key in ('web_root', 'share'):
            cfg.train_dataloader.dataset.pop(key, None)
        plain = build(cfg)
        assert dataset.names == plain.names and len(dataset) == len(plain)
        assert dataset.metainfo == plain.metainfo
        np.testing.assert_array_equal(dataset.presence, plain.presence)


def test_a_replay_memory_is_drawn_from_the_images_of_the_step(step_of):
    dataset = _as_tested(step_of(1, share=0.999))
    paths = [dataset[i]['data_samples'].img_path for i in range(len(dataset))]
    assert [Path(path).name for path in paths] == [Path(name).name for name in dataset.names]


@pytest.mark.parametrize('share', [-0.1, 1.0])
def test_a_share_that_is_none_is_refused(step_of, share):
    with pytest.raises(ValueError, match=f'share must be .*{share}'):
        build(step_of(1, share=share))


def test_what_is_missing_is_told_before_any_training(tiny, tmp_path):
    cfg = tiny('recall/fashion_4-2.py')
    cfg.later_steps.train_dataloader.dataset.web_root = str(tmp_path / 'web')
    with pytest.raises(
        RuntimeError, match='(?s)nothing was trained.*step 1: .*web/t-shirt does not'
    ):
        Run(cfg, tmp_path / 'run').run([0, 1])
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize(
    ('broken', 'message'),
    [
        (
            'missing',
            "web/dress does not exist: put unlabelled images of the old class 'dress' there",
        ),
        ('empty', 'web/dress has no image .*: put .*, or set web_root'),
        ('a page', r'web/dress/a\.jpg is no image: delete it'),
        ('half an image', r'web/dress/a\.jpg is no image: delete it .*cannot read it whole'),
    ],
)
def test_a_class_without_images_is_refused(step_of, tmp_path, broken, message):
    web = tmp_path / 'web'
    for name in ('t-shirt', 'trouser', 'pullover'):
        fill(web / name)
    if broken != 'missing':
        (web / 'dress').mkdir()
        (web / 'dress' / 'notes.txt').write_text('of no concern')
    if broken == 'a page':
        (web / 'dress' / 'a.jpg').write_text('<html>404</html>')
    if broken == 'half an image':
        whole = (web / 't-shirt' / 'a.JPG').read_bytes()
        (web / 'dress' / 'a.jpg').write_bytes(whole[: len(whole) // 2])
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        build(step_of(1, web_root=str(web)))


def fill(folder: Path) -> None:
    """A folder with one grey image."""
    folder.mkdir(parents=True)
    Image.new('L', (90, 60), 128).save(folder / 'a.JPG', 'JPEG')


@pytest.mark.parametrize(('name', 'step'), all_steps(NAMES))
def test_configs_at_every_step(name, step):
    cfg = step_config(load(name), step)
    assert cfg.train_dataloader.dataset.type == ('RetrievedReplay' if step else 'StepDataset')
    if '/voc_' in name:
        length = 1500 * classes_of(name)[step]
        assert cfg.train_cfg.max_iters == length
        # Of step 0 the program's poly is longer (test_recall.py).
        assert cfg.param_scheduler[0].end == (length if step else length + 1501)
        assert cfg.train_dataloader.batch_size == 4


@pytest.mark.parametrize('name', ['recall/voc_15-1.py', 'recall/ade_100-50.py'])
def test_data_of_a_later_step(name, tmp_path):
    init_default_scope('mmseg')
    cfg, ade = step_config(load(name), 1).copy(), '/ade_' in name
    root, web = tmp_path / 'data', tmp_path / 'web'
    write = write_like_ade if ade else write_like_voc
    write(root)
    dataset = cfg.train_dataloader.dataset
    for part in dataset.dataset.get('datasets', [dataset.dataset]):
        part.update(data_root=str(root), serialize_data=False)
    dataset.update(web_root=str(web), share=0.999)
    classes = DATASETS.get(part.type).METAINFO['classes']
    for learned in classes[:100] if ade else classes[1:16]:
        fill(web / learned)
    built = DATASETS.build(dataset)
    samples = [built[0] for _ in range(4)]
    size = (512, 512) if ade else (321, 321)
    for sample in samples:
        assert 1 <= sample['data_samples'].retrieved <= (100 if ade else 15)
        assert all(
            side <= most for side, most in zip(sample['inputs'].shape[1:], size, strict=True)
        )
        assert not sample['data_samples'].gt_sem_seg.data.any()


def write_like_voc(root: Path) -> None:
    write_voc_like(root, size=(96, 128))


def write_like_ade(root: Path) -> None:
    """One image a split, which shows classes 1 and 101."""
    for kind, image in (
        ('images', Image.new('RGB', (60, 60))),
        ('annotations', Image.fromarray(np.repeat(np.uint8([[1, 101]]), 30, 1).repeat(60, 0))),
    ):
        folder = root / kind / 'training'
        folder.mkdir(parents=True)
        image.save(folder / f'a.{"jpg" if kind == "images" else "png"}')
