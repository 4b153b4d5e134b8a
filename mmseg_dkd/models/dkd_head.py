"""DKD on top of any mmseg decode head that ends in a 1x1 ``conv_seg``."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor

from ..scenario import Scenario
from .base_heads import check_built, find_base, refusal
from .classifier import IncrementalClassifier
from .losses import MultiBCELoss, decompose_logits

INITIALISATIONS = ('auxiliary', 'random')


class Reasoning(NamedTuple):
    """What a teacher says of its classes: ``[N, C, h, w]`` each, None where no loss asks for it."""

    logits: Tensor | None
    pos: Tensor | None
    neg: Tensor | None


class DKDMixin:
    """Makes a ``BaseDecodeHead`` incremental; see :func:`build_dkd_head` for the arguments.

    ``cls_seg``, with which every such head ends, returns the feature in front of the classifier,
    so the inherited ``forward`` computes features, and the classifiers are applied here.
    """

    def __init__(
        self,
        *,
        scenario: dict,
        num_classes: int,
        step: int | None = None,
        tau: float = 0.5,
        init: str = 'auxiliary',
        loss_decode: dict | None = None,
        loss_kd: dict | None = None,
        loss_dkd: dict | None = None,
        loss_aux: dict | None = None,
        loss_replay: dict | None = None,
        **base,
    ) -> None:
        scenario = Scenario(**scenario)
        step = scenario.check_step(step)
        expected = scenario.num_classes + scenario.has_background
        if num_classes != expected:
            raise ValueError(
                f'decode_head.num_classes={num_classes}, but scenario {scenario.name!r} has '
                f'{scenario.num_classes} classes'
                f'{" and background" if scenario.has_background else ""}: set it to {expected}'
            )
        if init not in INITIALISATIONS:
            raise ValueError(f'init must be one of {INITIALISATIONS}, got {init!r}')
        if init == 'auxiliary' and not loss_aux:
            raise ValueError(
                "init='auxiliary' starts new classes from the auxiliary classifier, which learns "
                "nothing without loss_aux: give one, dict(type='AuxiliaryLoss'), or init='random'"
            )
        if not 0 < tau < 1:
            raise ValueError(f'tau must be a probability between 0 and 1, got {tau}')
        sizes = [len(scenario.new(t)) for t in range(step + 1)]
        base['num_classes'] = 1 + sum(sizes)
        base['loss_decode'] = loss_decode or dict(type='MultiBCELoss')
        _, kind = type(self).__bases__
        try:
            super().__init__(**base)
        except (RuntimeError, TypeError) as error:
            # A RuntimeError is how mmseg's heads say that they need compiled operators of mmcv.
            given = ', '.join(sorted(base))
            raise refusal(
                kind.__name__, f'it cannot be built with the arguments {given} ({error})'
            ) from error
        check_built(self, kind, base)
        if not isinstance(self.loss_decode, MultiBCELoss):
            raise TypeError(
                f'loss_decode is a {type(self.loss_decode).__name__}, but a step learns its '
                'classes by one MultiBCELoss: write loss_decode=dict(_delete_=True, '
                "type='MultiBCELoss')"
            )
        if self.sampler is not None:
            raise ValueError('a DKDHead takes every pixel: set sampler=None')
        self.scenario = scenario
        self.step = step
        self.tau = tau
        self.init = init
        self.conv_seg = IncrementalClassifier(self.conv_seg.in_channels, sizes)
        self.loss_kd = MODELS.build(loss_kd) if loss_kd else None
        self.loss_dkd = MODELS.build(loss_dkd) if loss_dkd else None
        self.loss_aux = MODELS.build(loss_aux) if loss_aux else None
        self.loss_replay = MODELS.build(loss_replay) if loss_replay else None
        self.conv_seg.train_only_what_losses_reach(
            kd=self.loss_kd is not None or self.loss_replay is not None,
            dkd=self.loss_dkd is not None,
            ac=self.loss_aux is not None,
        )

    @property
    def tau_logit(self) -> float:
        """logit(tau): what a logit must exceed for its class to be predicted."""
        return math.log(self.tau / (1 - self.tau))

    @property
    def new_labels(self) -> range:
        """Labels of the step's classes: classes are numbered from 1 in the order of learning."""
        return range(self.conv_seg.num_old + 1, self.conv_seg.num_seen + 1)

    def _labelled(self, samples: list) -> list[tuple[range, list[int]]]:
        """Labels of each earlier step, and the rows of the batch in which they are known."""
        steps = [sample.metainfo.get('labelled_steps', ()) for sample in samples]
        ends = np.cumsum([0, *(len(step.bias) for step in self.conv_seg.steps)]).tolist()
        found = [
            (range(1 + ends[t], 1 + ends[t + 1]), [row for row, s in enumerate(steps) if t in s])
            for t in range(self.step)
        ]
        return [(labels, rows) for labels, rows in found if rows]

    def cls_seg(self, feat: Tensor) -> Tensor:
        """The feature itself, after the head's dropout: ``[N, D, h, w]``."""
        return feat if self.dropout is None else self.dropout(feat)

    def feature(self, inputs: list[Tensor]) -> Tensor:
        """Feature in front of the classifier, ``[N, D, h, w]``, of the backbone's maps.

        Raises:
            TypeError: If the base head does something else with ``cls_seg`` than return it, or
                the backbone gives no list.
        """
        kind = type(self).__bases__[1].__name__
        if isinstance(inputs, Tensor):
            raise TypeError(f'{kind} needs a list of maps, but the backbone gives a single one')
        feature = super().forward(inputs)
        if not isinstance(feature, Tensor) or feature.shape[1] != self.conv_seg.in_channels:
            raise refusal(kind, 'its forward does not end with cls_seg')
        return feature

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Eq. 12 as logits: ``[N, 1 + C, h, w]``, a constant channel ``logit(tau)``, then z.

        The argmax over it is background exactly where no class reaches tau.
        """
        logits = self.conv_seg(self.feature(inputs))
        return torch.cat([torch.full_like(logits[:, :1], self.tau_logit), logits], dim=1)

    def reason(self, inputs: list[Tensor], student: 'DKDMixin') -> Reasoning:
        """As the teacher: logits and reasoning scores of all classes, as far as the student's
        losses need them."""
        feature = self.feature(inputs)
        logits = self.conv_seg(feature) if student.loss_kd is not None else None
        pos = neg = None
        if student.loss_dkd is not None:
            weight = torch.cat([step.weight for step in self.conv_seg.steps])
            pos, neg = decompose_logits(feature, weight)
        return Reasoning(logits, pos, neg)

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: Reasoning | None = None,
    ) -> dict[str, Tensor]:
        """Terms of Eq. 1, each times its weight; KD and DKD only with a teacher."""
        return self.loss_by_feat(self.feature(inputs), batch_data_samples, teacher)

    def loss_by_feat(
        self, feature: Tensor, batch_data_samples: list, teacher: Reasoning | None = None
    ) -> dict[str, Tensor]:
        """The same from the feature ``[N, D, h, w]`` in front of the classifier."""
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        size = label.shape[-2:]
        classifier = self.conv_seg
        logits = classifier(feature)
        losses = {self.loss_decode.loss_name: self.loss_decode(logits, label, self.new_labels)}
        if teacher is not None and self.loss_kd is not None:
            losses[self.loss_kd.loss_name] = self.loss_kd(logits, teacher.logits, size)
        if teacher is not None and self.loss_dkd is not None:
            pos, neg = decompose_logits(feature, classifier.old_weight)
            losses[self.loss_dkd.loss_name] = self.loss_dkd(pos, neg, teacher.pos, teacher.neg)
        if self.loss_replay is not None:
            losses[self.loss_replay.loss_name] = self.loss_replay(
                logits, label, self._labelled(batch_data_samples)
            )
        return losses | self.loss_of_auxiliary(feature, size)

    def loss_of_auxiliary(self, feature: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        """Eq. 10 at ``size``, if it is asked for; the feature does not learn from it."""
        if self.loss_aux is None:
            return {}
        logits = self.conv_seg.auxiliary(feature.detach())
        return {self.loss_aux.loss_name: self.loss_aux(logits, size)}


@cache
def _incremental(base: type) -> type:
    return type(f'DKD{base.__name__}', (DKDMixin, base), {})


@MODELS.register_module(name='DKDHead')
def build_dkd_head(base_type: str, **cfg) -> BaseDecodeHead:
    """Any mmseg head as a DKD head: ``dict(type='DKDHead', base_type='ASPPHead', ...)``.

    Every argument not named here goes to the base head.

    Args:
        base_type: Registered name of a ``BaseDecodeHead`` that ends in a 1x1 ``conv_seg``, one of
            :data:`mmseg_dkd.models.base_heads.INCREMENTAL_HEADS` or another like them.
        scenario: Arguments of :class:`mmseg_dkd.scenario.Scenario`.
        step: The step; the last one if omitted.
        num_classes: As in mmseg: classes of the data set, background counted where it is one.
        tau: Threshold of Eq. 12.
        init: ``'auxiliary'`` (Eq. 11) or ``'random'``: how a new classifier starts.
        loss_decode: mBCE (Eq. 3).
        loss_kd, loss_dkd, loss_aux: Eq. 5, 7 and 10; left out if None.
        loss_replay: Eq. 3 for the old classes that images of the memory are labelled with; without
            it they give negatives of the new classes and what KD and DKD make of them.

    Raises:
        TypeError: If the base is no such head, or ``loss_decode`` no mBCE.
        ValueError: If ``num_classes`` and the scenario contradict each other, a pixel sampler is
            given, or ``init='auxiliary'`` without ``loss_aux``.
    """
    return _incremental(find_base(base_type))(**cfg)
