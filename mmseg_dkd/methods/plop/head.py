"""The head of PLOP: local POD, pseudo labels, MiB's initialisation."""

import math
from typing import NamedTuple

import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.logging import print_log
from mmengine.utils import ProgressBar
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ...models.method_registry import register_method
from ...models.softmax_head import SoftmaxHead
from ..mib import background_start
from .pod import before_activation, keep_before_activation, local_pod, with_new_as_background
from .pseudo_labels import (
    RULES,
    count_entropies,
    once_through,
    pseudo_cross_entropy,
    pseudo_labels,
)


class OldModel(NamedTuple):
    """What the teacher says: maps of the backbone, the feature ``[N, D, h, w]`` in front of the
    classifier, and logits ``[N, 1 + C_old, h, w]``."""

    maps: list[Tensor]
    feature: Tensor
    logits: Tensor


@register_method
class PLOPHead(SoftmaxHead):
    """Local POD on every stage, the feature and the logits; pseudo labels for old classes.

    The cross entropy is the plain one, on pseudo labels (L_pseudo), not MiB's unbiased one. Maps
    of the backbone are compared before their last activation where it has one
    (:func:`mmseg_dkd.methods.plop.pod.keep_before_activation`), those of a neck as they are.

    Student and teacher are compared element by element: switch the student's dropout off
    (``freeze_dropout`` of the model, ``later_steps``), as the configs do.

    Args:
        pod_factor: Weight of the backbone's maps and the feature in local POD; 0.01 in the paper
            for VOC, 1e-3 for ADE20K. Times sqrt(number of channels / number of new classes).
        pod_logits_factor: Likewise of the logits; 5e-4 and 1e-5.
        thresholds: How uncertain the old model may be where it labels a pixel. ``'median'``: as
            the median of the class, so that half of its pixels have a label, the paper's
            definition. ``'program'``: as in the released program, from which the published figures
            come. It measures entropies in K ln(1 + C) of the normalised one, with K old channels
            and C classes in all; in that unit nearly all pixels lie in the first of 100 bins, and
            76 to 100 % of the pixels have a label.
        entropy_floor: The least threshold, in the unit of the thresholds: the normalised entropy,
            or K ln(1 + C) of it.

    Raises:
        TypeError: If it is an auxiliary head.
        ValueError: If ``thresholds`` is neither of the two.
    """

    LATER_ONLY: tuple[str, ...] = (
        'pod_factor',
        'pod_logits_factor',
        'thresholds',
        'entropy_floor',
    )

    def __init__(
        self,
        *,
        pod_factor: float = 0.01,
        pod_logits_factor: float = 5e-4,
        thresholds: str = 'median',
        entropy_floor: float = 1e-3,
        **cfg,
    ) -> None:
        if thresholds not in RULES:
            raise ValueError(f'thresholds must be one of {tuple(RULES)}, got {thresholds!r}')
        super().__init__(**cfg)
        self.pod_factor = pod_factor
        self.pod_logits_factor = pod_logits_factor
        self.thresholds = thresholds
        self.entropy_floor = entropy_floor
        if self.step > 0:
            # Of the classifiers, with which they stay out of an export.
            self.conv_seg.register_buffer('thresholds', torch.ones(1 + self.conv_seg.num_old))

    def prepare(self, model: nn.Module) -> None:
        """The stages of the backbone keep their maps before the last activation."""
        if model.decode_head is not self:
            raise TypeError(
                'PLOPHead as an auxiliary head would compare the maps of the backbone once more: '
                "use type='MiBHead' there, or set auxiliary_head=None"
            )
        keep_before_activation(model.backbone)

    @property
    def entropy_unit(self) -> float:
        """The normalised entropy in which thresholds are measured."""
        if self.thresholds == 'median':
            return 1.0
        return (1 + self.conv_seg.num_old) * math.log(1 + self.conv_seg.num_seen)

    @torch.no_grad()
    def before_step(self, model: nn.Module, loader: DataLoader) -> None:
        """Find the threshold of each old class, from the entropy of the old model.

        For a class, the median is over the pixels that the old model gives it to, of those that
        are unknown in the images of the step. Each image is seen once, augmented as in training.
        """
        old, rule, unit = model.teacher, RULES[self.thresholds], self.entropy_unit
        thresholds = self.conv_seg.thresholds
        counts = torch.zeros(
            len(thresholds), rule.bins, dtype=torch.int64, device=thresholds.device
        )
        batches = once_through(loader)
        progress = ProgressBar(len(batches)) if is_main_process() else None
        for batch in batches:
            data = model.data_preprocessor(batch, training=True)
            label = self._stack_batch_gt(data['data_samples']).squeeze(1)
            logits = old.decode_head(old.extract_feat(data['inputs']))
            logits = self.resize_to(logits, label)
            counts += count_entropies(logits, label == 0, rule.bins, unit)
            if progress is not None:
                progress.update()
        all_reduce(counts)
        thresholds.copy_(unit * rule.medians(counts).clamp(min=self.entropy_floor))
        found = ', '.join(f'{threshold:.4f}' for threshold in thresholds.tolist())
        print_log(f'entropy below which the old model labels a pixel: {found}', logger='current')

    def teacher_outputs(self, inputs: list[Tensor], student: SoftmaxHead) -> OldModel:
        """Everything that local POD compares."""
        feature = self.feature(inputs)
        return OldModel(before_activation(inputs), feature, self.prediction_of(feature))

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: OldModel | None = None,
    ) -> dict[str, Tensor]:
        """Cross entropy and local POD; at step 0 the cross entropy alone."""
        if teacher is None:
            return super().loss(inputs, batch_data_samples, train_cfg)
        feature = self.feature(inputs)
        logits = self.prediction_of(feature)
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        losses = self.loss_by_logits(
            self.resize_to(logits, label), label, self.resize_to(teacher.logits, label)
        )
        student = OldModel(
            before_activation(inputs),
            feature,
            with_new_as_background(logits, teacher.logits.shape[1]),
        )
        return losses | dict(loss_pod=self.loss_of_pod(student, teacher))

    def loss_by_logits(
        self, logits: Tensor, label: Tensor, teacher: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Cross entropy with pseudo labels from the teacher's logits ``[N, 1 + C_old, H, W]``."""
        if teacher is None:
            return super().loss_by_logits(logits, label)
        pseudo = pseudo_labels(teacher, self.conv_seg.thresholds)
        loss = pseudo_cross_entropy(logits, label, pseudo, self.avg_non_ignore)
        return dict(loss_ce=self.loss_decode.loss_weight * loss)

    def loss_of_pod(self, student: OldModel, teacher: OldModel) -> Tensor:
        """Local POD, weighted, averaged over all that is compared (six maps in the paper).

        Args:
            student: With logits of the teacher's channels, ``[N, 1 + C_old, h, w]``.
            teacher: The same of the teacher.
        """
        pairs = zip([*student.maps, student.feature], [*teacher.maps, teacher.feature], strict=True)
        terms = [self.pod_factor * local_pod(new, old) for new, old in pairs]
        terms.append(self.pod_logits_factor * local_pod(student.logits, teacher.logits))
        channels = 1 + self.conv_seg.num_seen
        return math.sqrt(channels / len(self.new_labels)) * sum(terms) / len(terms)

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """MiB's initialisation; the thresholds are of this step's data."""
        own = f'{name}.conv_seg.thresholds'
        started = super().start_new_classes(state, name, fresh) | {own: fresh[own]}
        return started | background_start(self, state, name, fresh)
