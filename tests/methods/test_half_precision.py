"""In mixed precision every term of every method has the gradient that float64 gives it."""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import count

import pytest
import torch
from torch import Tensor

from mmseg_dkd.methods.dkd import head as dkd_head
from mmseg_dkd.models import IncrementalHead
from mmseg_dkd.models.method_registry import METHODS
from tests.half import HALF, check_terms, drawn

from .plain import head_of, samples_of

# 15-5 on VOC, of crops of 128 x 128 at an output stride of 8.
OLD, NEW, IMAGES, SIZE, SMALL, CHANNELS = 15, 5, 4, 128, 16, 32
DKD_LOSSES = dict(
    loss_kd=dict(type='BinaryKDLoss'),
    loss_dkd=dict(type='DecomposedKDLoss'),
    loss_aux=dict(type='AuxiliaryLoss'),
    loss_replay=dict(type='ReplayLoss'),
)
CHANGES = dict(
    DKDHead=DKD_LOSSES,
    SSULHead=dict(unknown='unlabelled'),
    # Its other term depends on the classifier alone.
    ExactHead=dict(penalty=0.0, maps=[]),
)
# Channels of the logits besides the classes.
FURTHER = dict(DKDHead=0, SSULHead=2)
TERMS = dict(
    DKDHead=['loss_mbce', 'loss_kd', 'loss_dkd', 'loss_replay', 'loss_ac'],
    SoftmaxHead=['loss_ce'],
    MiBHead=['loss_ce', 'loss_kd'],
    ExactHead=['loss_ce'],
    PLOPHead=['loss_ce', 'loss_pod'],
    SSULHead=['loss_mbce'],
    RCILHead=['loss_ce', 'loss_kd', 'loss_pckd'],
    RECALLHead=['loss_ce', 'loss_helper'],
    SDRHead=[
        'loss_ce', 'loss_kd', 'loss_matching', 'loss_attraction', 'loss_repulsion', 'loss_sparsity',
    ],
)  # fmt: skip


class Given:
    """What networks of a method would give, in one precision: the student's values are leaves."""

    def __init__(self, kind: str, dtype: torch.dtype, rounded: torch.dtype) -> None:
        seeds = count()
        self.dtype, self.rounded = dtype, rounded
        further = FURTHER.get(kind, 1)
        self.leaves = []
        # Student and teacher are close, as they are in training.
        self.map, self.old_map = self.pair(CHANNELS, CHANNELS, seeds, relu=True)
        self.feature, self.old_feature = self.pair(CHANNELS, CHANNELS, seeds, relu=True)
        self.logits, self.old_logits = self.pair(OLD + NEW + further, OLD + further, seeds, 3)
        self.pos, self.old_pos = self.pair(OLD, OLD, seeds, 2, relu=True)
        self.neg, self.old_neg = self.pair(OLD, OLD, seeds, 2, relu=True)
        self.aux, _ = self.pair(1, 1, seeds, 3)
        self.helper, _ = self.pair(1 + NEW, 1 + NEW, seeds, 3)

    def pair(
        self, channels: int, old: int, seeds: Iterator[int], spread: float = 1, relu: bool = False
    ) -> tuple[Tensor, Tensor]:
        shape = IMAGES, channels, SMALL, SMALL
        values = drawn(*shape, seed=next(seeds), spread=spread)
        told = values + drawn(*shape, seed=next(seeds), spread=0.03)
        values, told = (v.relu() if relu else v for v in (values, told))
        leaf, told = (v.to(self.rounded).to(self.dtype) for v in (values, told[:, :old]))
        self.leaves.append(leaf.requires_grad_())
        return leaf, told


def terms_of(
    kind: str, given: Given, label: Tensor, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Tensor]:
    """The terms of the method's own head, which gets features and logits as they are given."""
    wide = given.dtype == torch.float64

    def head_at(step: int, feature: Tensor, logits: Tensor) -> IncrementalHead:
        scenario, changes = f'{OLD}-{NEW}', CHANGES.get(kind, {})
        head = head_of(kind, step, scenario, OLD + NEW, in_channels=CHANNELS, **changes)
        head = head.eval() if wide else head.eval().float()
        monkeypatch.setattr(head, 'feature', lambda inputs: feature)
        monkeypatch.setattr(head.conv_seg, 'forward', lambda feature: logits)
        return head

    student = head_at(1, given.feature, given.logits)
    teacher = head_at(0, given.old_feature, given.old_logits)
    scores = {id(given.feature): (given.pos, given.neg)}
    old = given.old_pos, given.old_neg
    monkeypatch.setattr(
        dkd_head, 'decompose_logits', lambda feature, weight: scores.get(id(feature), old)
    )
    if kind == 'DKDHead':
        monkeypatch.setattr(student.conv_seg.auxiliary, 'forward', lambda feature: given.aux)
    if kind == 'RECALLHead':
        monkeypatch.setattr(student.helpers[1], 'forward', lambda inputs: given.helper)
    if kind == 'PLOPHead':
        student.conv_seg.thresholds.fill_(0.3)
    if kind == 'SDRHead':
        # A prototype of each old class.
        of_old = torch.arange(IMAGES * SMALL**2).reshape(IMAGES, SMALL, SMALL) % OLD + 1
        student.prototypes.update(given.old_map.to(student.prototypes.mean), of_old)
    samples = samples_of(label)
    for sample in samples[:2]:
        sample.set_metainfo(dict(labelled_steps=(0,)))
    with nullcontext() if wide else torch.autocast('cpu', given.rounded):
        told = teacher.teacher_outputs([given.old_map], student=student)
        return student.loss([given.map], samples, {}, told)


def labels(old_too: bool) -> Tensor:
    """Areas of 8 x 8 pixels: unknown, classes of the step and, where it says so, old ones; void."""
    values = [0, 0, 0, 255, *range(OLD + 1, OLD + NEW + 1), *range(1, 1 + OLD * old_too)]
    generator = torch.Generator().manual_seed(0)
    shape = IMAGES, SIZE // 8, SIZE // 8
    areas = torch.tensor(values)[torch.randint(len(values), shape, generator=generator)]
    return areas.repeat_interleave(8, 1).repeat_interleave(8, 2)


def test_no_method_is_left_out():
    assert TERMS.keys() == METHODS.module_dict.keys() - {'LwFHead'}


@pytest.mark.parametrize('dtype', HALF, ids=str)
@pytest.mark.parametrize('kind', TERMS)
def test_gradients_of_every_term_are_those_of_float64(kind, dtype, monkeypatch):
    label = labels(old_too=kind == 'DKDHead')
    half, wide = Given(kind, dtype, dtype), Given(kind, torch.float64, dtype)
    terms, exact = (terms_of(kind, given, label, monkeypatch) for given in (half, wide))
    assert list(exact) == TERMS[kind]
    assert all(term.dtype == torch.float32 for term in terms.values())
    check_terms(terms, half.leaves, exact, wide.leaves)
