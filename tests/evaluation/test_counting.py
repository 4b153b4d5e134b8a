"""Every pixel is counted once, where it is, in however many processes."""

import json
import weakref
from itertools import chain, zip_longest

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import metric as mmengine_metric
from mmengine.runner import Runner
from mmseg.registry import METRICS

from mmseg_dkd.evaluation import IncrementalIoUMetric, metric
from tests.evaluation import gloo_metric
from tests.forked import forked_together

CLASSES = 5


def image(number: int) -> dict:
    """An image's prediction, label with void, and logits."""
    rng = np.random.default_rng(number)
    size = (7 + number % 3, 9)
    sample = dict(
        pred_sem_seg=rng.integers(0, CLASSES, size),
        gt_sem_seg=rng.choice([*range(CLASSES), 255], size),
        seg_logits=rng.random((CLASSES, *size)),
    )
    return {key: dict(data=torch.tensor(x)) for key, x in sample.items()}


def build() -> IncrementalIoUMetric:
    built = METRICS.build(dict(type='IncrementalIoUMetric'))
    built.dataset_meta = dict(classes=tuple('abcde'), base=[1, 2])
    return built


def plain(numbers: range) -> np.ndarray:
    matrix = np.zeros((CLASSES, CLASSES), int)
    for sample in map(image, numbers):
        for t, p in zip(
            sample['gt_sem_seg']['data'].flatten().tolist(),
            sample['pred_sem_seg']['data'].flatten().tolist(),
            strict=True,
        ):
            if t != 255:
                matrix[t, p] += 1
    # The last row and column are for what nobody looked for.
    return np.pad(matrix, (0, 1))


@pytest.mark.parametrize('world', [1, 2, 3, 4])
@pytest.mark.parametrize('size', [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize('batch', [1, 2, 3])
def test_repeated_images_count_once(world, size, batch, monkeypatch):
    parts = []
    for rank in range(world):
        # As DefaultSampler deals them out.
        own = [(rank + world * k) % size for k in range(-(-size // world))]
        one = build()
        for start in range(0, len(own), batch):
            one.process({}, [image(number) for number in own[start : start + batch]])
        assert len(one.results) <= 2
        monkeypatch.setattr(metric, 'get_dist_info', lambda rank=rank: (rank, world))
        monkeypatch.setattr(mmengine_metric, 'collect_results', lambda part, *_, **__: part[:])
        monkeypatch.setattr(one, 'compute_metrics', lambda part: parts.append(part) or {})
        one.evaluate(size)
        assert not one.results and not one.images
    # As mmengine's collect_results merges them.
    merged = [m for m in chain.from_iterable(zip_longest(*parts)) if m is not None][:size]
    assert np.array_equal(sum(merged), plain(range(size)))


def test_two_processes_and_an_odd_test_set(outspoken, tmp_path):
    forked_together(gloo_metric.__file__, *outspoken, '7,1', tmp_path / 'two.json')
    for count, two in zip((7, 1), json.loads((tmp_path / 'two.json').read_text()), strict=True):
        one = gloo_metric.test(*map(str, outspoken), count, 'none', tmp_path)
        assert np.sum(one['matrix']) == count * 64 * 64
        assert two['matrix'] == one['matrix']
        assert two['scores'] == one['scores']
        assert two['per_image'] == one['per_image'] and len(one['per_image']) == count


def test_only_the_matrix_is_copied_and_no_logits_are_kept(outspoken, monkeypatch):
    copied, kept = [], []

    def spy(name):
        method = getattr(torch.Tensor, name)

        def call(self, *args, **kwargs):
            if name != 'to' or (args and args[0] in ('cpu', torch.device('cpu'))):
                copied.append(tuple(self.shape))
            return method(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, call)

    process = IncrementalIoUMetric.process

    def watched(self, data_batch, data_samples):
        assert not [logits for logits in kept if logits() is not None], 'of an earlier batch'
        kept.extend(weakref.ref(sample['seg_logits']['data']) for sample in data_samples)
        copied.clear()
        process(self, data_batch, data_samples)
        assert not copied

    cfg = Config.fromfile(outspoken[0])
    cfg.load_from, cfg.work_dir = str(outspoken[1]), str(outspoken[0].parent)
    runner = Runner.from_cfg(cfg)
    monkeypatch.setattr(IncrementalIoUMetric, 'process', watched)
    for name in ('to', 'cpu', 'numpy', 'tolist', 'item'):
        spy(name)
    runner.test()
    assert len(kept) == 8
    classes = len(runner.test_dataloader.dataset.metainfo['classes'])
    # With the row and column for what nobody looked for.
    classes += 1
    assert copied.count((classes, classes)) > 0
    assert all(np.prod(shape, dtype=int) <= classes**2 for shape in copied)


def test_a_label_that_is_no_class_is_refused():
    sample = image(0)
    sample['gt_sem_seg']['data'][0, 0] = CLASSES
    with pytest.raises(ValueError, match='label 5, but .* classes 0 to 4, and 255 is void'):
        build().process({}, [sample])
