"""Test-time augmentation: the mean of sigmoids against tau, not of a softmax."""

import copy
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.apis import init_model
from mmseg.models import SegTTAModel
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_dkd.engine import IncrementalStepHook
from mmseg_dkd.models import IncrementalTTAModel, SigmoidHead

LOAD, LABEL, PACK = (
    dict(type=t) for t in ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')
)
KEPT, FLIPPED = (dict(type='RandomFlip', prob=p, direction='horizontal') for p in (0.0, 1.0))


class Network(nn.Module):
    """Never asked: the samples are made by the tests."""

    out_channels = 3
    decode_head = SimpleNamespace(uncertainty=partial(SigmoidHead.uncertainty, None))

    def test_step(self, data: dict) -> list:
        raise NotImplementedError


def samples_of(logits: np.ndarray) -> list[SegDataSample]:
    """A sample for each augmentation of one image, of logits ``[augmentations, 1 + C, H, W]``."""
    samples = []
    for each in logits:
        sample = SegDataSample(metainfo=dict(img_path='a.jpg'))
        sample.seg_logits = PixelData(data=torch.tensor(each, dtype=torch.float32))
        samples.append(sample)
    return samples


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5), st.sampled_from((0.3, 0.7)))
def test_class_with_the_highest_mean_above_tau_or_background(seed, augmentations, classes, tau):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (augmentations, 1 + classes, 2, 3))
    logits[:, 0] = np.log(tau / (1 - tau))
    (merged,) = IncrementalTTAModel(Network()).merge_preds([samples_of(logits)])
    mean = (1 / (1 + np.exp(-logits[:, 1:]))).mean(axis=0)
    expected = np.where(mean.max(axis=0) > tau, 1 + mean.argmax(axis=0), 0)
    np.testing.assert_array_equal(merged.pred_sem_seg.data, expected[None])


def test_softmax_would_say_something_else():
    # Class 1 has a mean of 0.49, not above tau; class 2 one of 0.65. A softmax lets class 1 win.
    logits = np.zeros((2, 3, 1, 1))
    logits[0, 1:, 0, 0] = [-8, 0.6]
    logits[1, 1:, 0, 0] = [4, 0.6]
    (ours,) = IncrementalTTAModel(Network()).merge_preds([samples_of(logits)])
    (stock,) = SegTTAModel(Network()).merge_preds([samples_of(logits)])
    assert ours.pred_sem_seg.data.item() == 2
    assert stock.pred_sem_seg.data.item() == 1


def test_sure_classes_are_told_apart_where_their_sigmoids_are_rounded_to_one():
    logits = np.array([0.0, 20.0, 30.0]).reshape(1, 3, 1, 1)
    assert torch.tensor([20.0, 30.0]).sigmoid().tolist() == [1.0, 1.0]
    (merged,) = IncrementalTTAModel(Network()).merge_preds([samples_of(logits)])
    assert merged.pred_sem_seg.data.item() == 2


def test_every_image_of_a_batch_is_merged_on_its_own():
    one, two = np.zeros((2, 3, 1, 1)), np.zeros((2, 3, 1, 1))
    one[:, 1], two[:, 2] = 3, 3
    merged = IncrementalTTAModel(Network()).merge_preds([samples_of(one), samples_of(two)])
    assert [sample.pred_sem_seg.data.item() for sample in merged] == [1, 2]
    assert not any(hasattr(sample, 'seg_logits') for sample in merged), 'of one augmentation alone'


@pytest.fixture(scope='module')
def network(outspoken):
    return init_model(*map(str, outspoken), 'cpu')


def augmented(model, stages: list[list[dict]]):
    cfg = copy.deepcopy(model.cfg.test_dataloader.dataset)
    cfg.pipeline = [LOAD, dict(type='TestTimeAug', transforms=[*stages, [LABEL], [PACK]])]
    return DATASETS.build(cfg)


def test_one_augmentation_that_changes_nothing_is_the_plain_test(network):
    plain = DATASETS.build(network.cfg.test_dataloader.dataset)
    dataset, tta = augmented(network, [[KEPT]]), IncrementalTTAModel(network)
    said = set()
    for index in range(len(plain)):
        with torch.no_grad():
            (expected,) = network.test_step(pseudo_collate([plain[index]]))
            (actual,) = tta.test_step(pseudo_collate([dataset[index]]))
        assert torch.equal(actual.pred_sem_seg.data, expected.pred_sem_seg.data)
        assert torch.equal(actual.gt_sem_seg.data, expected.gt_sem_seg.data)
        said |= set(expected.pred_sem_seg.data.unique().tolist())
    assert len(said) > 5, said


def test_scales_and_flips_against_numpy(network):
    sizes = [(48, 48), (64, 64), (96, 96)]
    scales = [dict(type='Resize', scale=size, keep_ratio=True) for size in sizes]
    dataset = augmented(network, [scales, [KEPT, FLIPPED]])
    tta = IncrementalTTAModel(network)
    prep = network.cfg.model.data_preprocessor
    differing = 0
    for index in range(len(dataset)):
        image = cv2.imread(dataset.get_data_info(index)['img_path'])
        total = np.zeros((8, 64, 64))
        for size in sizes:
            for mirrored in (False, True):
                view = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
                view = view[:, ::-1] if mirrored else view
                view = (view[..., ::-1].astype(np.float32) - prep.mean) / prep.std
                view = torch.tensor(view.transpose(2, 0, 1)[None].copy(), dtype=torch.float32)
                with torch.no_grad():
                    logits = network.encode_decode(view, [dict(img_shape=view.shape[2:])])
                logits = logits[0, 1:].numpy()
                logits = logits[:, :, ::-1] if mirrored else logits
                logits = np.stack([cv2.resize(np.ascontiguousarray(z), (64, 64)) for z in logits])
                total += 1 / (1 + np.exp(-logits.astype(np.float64)))
        mean = total / 6
        expected = np.where(mean.max(axis=0) > 0.5, 1 + mean.argmax(axis=0), 0)
        with torch.no_grad():
            (actual,) = tta.test_step(pseudo_collate([dataset[index]]))
        differing += np.count_nonzero(actual.pred_sem_seg.data[0].numpy() != expected)
    # cv2 interpolates with fixed-point weights.
    assert differing <= 2, differing


def test_mmsegs_own_merging_is_refused(network):
    runner = SimpleNamespace(model=SegTTAModel(network))
    with pytest.raises(ValueError, match='SegTTAModel .* write tta_model=dict.*Incremental'):
        IncrementalStepHook().after_load_checkpoint(runner, {})
