"""SDR (Michieli and Zanuttigh, CVPR 2021): MiB's losses, and three that shape the features."""

import torch
from mmseg.models.utils import resize
from torch import Tensor

from ...models.method_registry import register_method
from ..mib import UnbiasedHead, background_start
from .contrastive import attraction, repulsion
from .prototypes import Prototypes, prototype_matching
from .sparsity import sparsity_loss

INITIALISATIONS = ('random', 'background')


@register_method
class SDRHead(UnbiasedHead):
    """MiB with prototypes that are held, features that gather around them, and sparse ones.

    The features are those of the last map of the backbone that the head reads. Step 0 is plain
    cross entropy, but it fills the prototypes, so that it is shared with no other method.

    Where the released program departs from its paper, this is the paper's. The program's matching
    mixes the channels and pixels of a class. Its attraction divides by the number of classes once
    for every class. Attraction and repulsion take the labels of the step alone, of which background
    is a class.

    Args:
        init: How a new classifier starts: ``'random'``, as in the released program, or from the
            ``'background'``, as in MiB.
        kd_weight: Weight of MiB's distillation.
        matching_weight: Weight of the prototypes' matching.
        contrastive_weight: Weight of attraction and of repulsion.
        sparsity_weight: Weight of the sparsity.

    Raises:
        ValueError: If ``init`` is something else.
    """

    LATER_ONLY: tuple[str, ...] = (
        'init',
        'matching_weight',
        'contrastive_weight',
        'sparsity_weight',
    )

    def __init__(
        self,
        *,
        init: str = 'random',
        kd_weight: float = 100.0,
        matching_weight: float = 0.01,
        contrastive_weight: float = 1e-3,
        sparsity_weight: float = 1e-3,
        **cfg,
    ) -> None:
        if init not in INITIALISATIONS:
            raise ValueError(f'init must be one of {INITIALISATIONS}, got {init!r}')
        super().__init__(kd_weight=kd_weight, **cfg)
        self.init = init
        self.matching_weight = matching_weight
        self.contrastive_weight = contrastive_weight
        self.sparsity_weight = sparsity_weight
        several = not isinstance(self.in_index, int)
        self.encoder_index = self.in_index[-1] if several else self.in_index
        channels = cfg['in_channels'][-1] if several else cfg['in_channels']
        self.prototypes = Prototypes(self.conv_seg.num_seen, channels)

    def encoded(self, inputs: list[Tensor]) -> Tensor:
        """The last map that the head reads, ``[N, D, h, w]``, in the precision of the prototypes.

        Raises:
            TypeError: If it is no map of D channels.
        """
        feature, mean = inputs[self.encoder_index], self.prototypes.mean
        shape = tuple(getattr(feature, 'shape', ()))
        if len(shape) != 4 or shape[1] != mean.shape[1]:
            raise TypeError(
                f'SDR needs a map [N, {mean.shape[1]}, h, w], but what the backbone gives at '
                f'{self.encoder_index}, the last that {type(self).__bases__[1].__name__} reads, is '
                f'a {type(feature).__name__} of shape {shape}'
            )
        return feature.to(mean.dtype)

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """MiB's terms and, with a teacher, those of the features.

        What the teacher says are its logits ``[N, 1 + C_old, h, w]``. The pixels of old classes are
        unknown; they are those where the teacher sees one.
        """
        losses = super().loss(inputs, batch_data_samples, train_cfg, teacher)
        feature, label = self.encoded(inputs), self._stack_batch_gt(batch_data_samples)
        size = feature.shape[-2:]
        label = resize(label.float(), size, mode='nearest').squeeze(1).long()
        self.prototypes.update(feature, label)
        if teacher is None:
            return losses
        seen = resize(teacher, size, mode='bilinear', align_corners=self.align_corners).argmax(1)
        return losses | self.loss_of_feature(feature, torch.where(label == 0, seen, label))

    def loss_of_feature(self, feature: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Prototypes' matching, attraction, repulsion and sparsity, each times its weight.

        Args:
            feature: ``[N, D, h, w]``.
            label: Integer ``[N, h, w]``: 0 unknown, 1 to C classes, 255 void.
        """
        mean, count = self.prototypes.mean, self.prototypes.count
        old, seen = self.conv_seg.num_old, self.conv_seg.num_seen
        matching = prototype_matching(feature, label, mean[:old], count[:old])
        return dict(
            loss_matching=self.matching_weight * matching,
            loss_attraction=self.contrastive_weight * attraction(feature, label, mean, count),
            loss_repulsion=self.contrastive_weight * repulsion(feature, label, seen),
            loss_sparsity=self.sparsity_weight * sparsity_loss(feature, label, seen),
        )

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """New classifiers as ``init`` says; new classes have no prototype yet.

        A step before of another method leaves prototypes missing, which the hand-over refuses.
        """
        started = super().start_new_classes(state, name, fresh)
        if self.init == 'background':
            started |= background_start(self, state, name, fresh)
        new = len(self.new_labels)
        for key in (f'{name}.prototypes.mean', f'{name}.prototypes.count'):
            if key in state:
                old = state[key]
                started[key] = torch.cat([old, old.new_zeros(new, *old.shape[1:])])
        return started

    @classmethod
    def first_step(cls, cfg: dict) -> dict:
        """Cross entropy, but with prototypes: that of SDR alone, whatever the weights."""
        return super().first_step(cfg) | dict(type=cls.__name__)
