"""DKD: decomposed knowledge distillation (NeurIPS 2022)."""

from typing import NamedTuple

from mmseg.registry import MODELS
from torch import Tensor

from ...labels import labels_of_step
from ...models.losses import decompose_logits
from ...models.losses.multi_bce import partly_labelled
from ...models.method_registry import register_method
from ...models.sigmoid_head import SigmoidHead
from .classifier import DKDClassifier

INITIALISATIONS = ('auxiliary', 'random')


class Reasoning(NamedTuple):
    """What a teacher says of its classes: ``[N, C, h, w]`` each, None where no loss asks for it."""

    logits: Tensor | None
    pos: Tensor | None
    neg: Tensor | None


@register_method
class DKDHead(SigmoidHead):
    """DKD, or what of it is asked for.

    Args:
        init: ``'auxiliary'`` (Eq. 11) or ``'random'``: how a new classifier starts.
        loss_decode: mBCE (Eq. 3).
        loss_kd, loss_dkd, loss_aux: Eq. 5, 7 and 10; left out if None.
        loss_replay: Eq. 3 for the old classes that replayed images are labelled with; without it
            they give negatives of the new classes and what KD and DKD make of them.

    Raises:
        ValueError: If ``init='auxiliary'`` without ``loss_aux``.
    """

    PARTLY_LABELLED = True
    REFRESHES = True
    # Initialisation and distillation need an old class.
    LATER_ONLY = ('init', 'loss_kd', 'loss_dkd', 'loss_replay')

    def __init__(
        self,
        *,
        init: str = 'auxiliary',
        loss_kd: dict | None = None,
        loss_dkd: dict | None = None,
        loss_aux: dict | None = None,
        loss_replay: dict | None = None,
        **cfg,
    ) -> None:
        if init not in INITIALISATIONS:
            raise ValueError(f'init must be one of {INITIALISATIONS}, got {init!r}')
        if init == 'auxiliary' and not loss_aux:
            raise ValueError(
                "init='auxiliary' starts new classes from the auxiliary classifier, which learns "
                "nothing without loss_aux: give one, dict(type='AuxiliaryLoss'), or init='random'"
            )
        super().__init__(**cfg)
        self.init = init
        self.loss_kd = MODELS.build(loss_kd) if loss_kd else None
        self.loss_dkd = MODELS.build(loss_dkd) if loss_dkd else None
        self.loss_aux = MODELS.build(loss_aux) if loss_aux else None
        self.loss_replay = MODELS.build(loss_replay) if loss_replay else None
        self.conv_seg.train_only_what_losses_reach(
            kd=self.loss_kd is not None or self.loss_replay is not None,
            dkd=self.loss_dkd is not None,
            ac=self.loss_aux is not None,
        )

    def make_classifier(self, in_channels: int, sizes: list[int]) -> DKDClassifier:
        """One 1x1 convolution per step, and the auxiliary one."""
        return DKDClassifier(in_channels, sizes)

    def _labelled(self, samples: list) -> list[tuple[range, list[int]]]:
        """Labels of each earlier step, and the rows of the batch in which they are known."""
        steps = [sample.metainfo.get('labelled_steps', ()) for sample in samples]
        found = [
            (labels_of_step(self.scenario, t), [row for row, s in enumerate(steps) if t in s])
            for t in range(self.step)
        ]
        return [(labels, rows) for labels, rows in found if rows]

    def teacher_outputs(self, inputs: list[Tensor], student: 'DKDHead') -> Reasoning:
        """As the teacher: logits and reasoning scores of all classes, as far as the student's
        losses need them."""
        feature = self.feature(inputs)
        logits = self.conv_seg(feature) if student.loss_kd is not None else None
        pos = neg = None
        if student.loss_dkd is not None:
            pos, neg = decompose_logits(feature, self.conv_seg.seen_weight)
        return Reasoning(logits, pos, neg)

    @property
    def asks_teacher(self) -> bool:
        """KD and DKD compare with the teacher."""
        return self.loss_kd is not None or self.loss_dkd is not None

    def loss_by_feat(
        self, feature: Tensor, batch_data_samples: list, teacher: Reasoning | None = None
    ) -> dict[str, Tensor]:
        """Terms of Eq. 1, each times its weight; KD and DKD only with a teacher.

        Args:
            feature: ``[N, D, h, w]`` in front of the classifier.
        """
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        size = label.shape[-2:]
        classifier = self.conv_seg
        logits = classifier(feature)
        looked_for = self.looked_for(batch_data_samples)
        mbce = partly_labelled(self.loss_decode, logits, label, self.new_labels, looked_for)
        losses = {self.loss_decode.loss_name: mbce}
        if teacher is not None and self.loss_kd is not None:
            losses[self.loss_kd.loss_name] = self.loss_kd(logits, teacher.logits, size)
        if teacher is not None and self.loss_dkd is not None:
            pos, neg = decompose_logits(feature, classifier.old_weight)
            losses[self.loss_dkd.loss_name] = self.loss_dkd(pos, neg, teacher.pos, teacher.neg)
        if self.loss_replay is not None:
            losses[self.loss_replay.loss_name] = self.loss_replay(
                logits, label, self._labelled(batch_data_samples)
            )
        return losses | self.loss_of_lacking(feature, size)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The auxiliary classifier, if it learns."""
        return () if self.loss_aux is None else ('conv_seg.auxiliary',)

    def loss_of_lacking(self, feature: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        """Eq. 10 at ``size``, if it is asked for; the feature ``[N, D, h, w]`` does not learn from
        it."""
        if self.loss_aux is None:
            return {}
        logits = self.conv_seg.auxiliary(feature.detach())
        return {self.loss_aux.loss_name: self.loss_aux(logits, size)}

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Eq. 11: new classifiers as copies of the auxiliary one, if ``init`` says so."""
        started = super().start_new_classes(state, name, fresh)
        if self.init == 'random':
            return started
        for part in ('weight', 'bias'):
            new = f'{name}.conv_seg.steps.{self.step}.{part}'
            taught = state.get(f'{name}.conv_seg.auxiliary.{part}')
            if taught is None or taught.shape[1:] != fresh[new].shape[1:]:
                del started[new]
            else:
                started[new] = taught.expand_as(fresh[new]).clone()
        return started

    @classmethod
    def choices(cls, cfg: dict) -> dict:
        """Weights of the terms, gamma, and the initialisation."""
        mbce = cfg.get('loss_decode') or dict(type='MultiBCELoss')
        init = cfg.get('init', 'auxiliary')
        weights = {
            name: _weight(cfg.get(key))
            for name, key in (
                ('alpha', 'loss_kd'),
                ('beta', 'loss_dkd'),
                ('auxiliary', 'loss_aux'),
                ('replay', 'loss_replay'),
            )
        }
        return dict(
            init=init,
            mbce=_weight(mbce),
            gamma=mbce.get('pos_weight', 1.0),
            void=mbce.get('void', 'negative'),
            tau=cfg.get('tau', 0.5),
            **weights,
            components={
                'KD': bool(weights['alpha']),
                'DKD': bool(weights['beta']),
                'init.': init == 'auxiliary',
                'its labels': bool(weights['replay']),
            },
        )


def _weight(loss: dict | None) -> float | None:
    return None if loss is None else MODELS.build(loss).loss_weight
