"""The head of RCIL, and what it changes in the network around it."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from ...models.method_registry import register_method
from ..mib import UnbiasedHead
from .pairs import double, refreeze
from .pooled_cube import old_channels, pooled_cube_loss


@register_method
class RCILHead(UnbiasedHead):
    """MiB's losses, pooled cube distillation, and a frozen branch beside every trained one.

    There are two branches from step 0 on, where both are trained; so its step 0 is its own. From
    then on, the frozen branch of a step computes what both did at the end of the step before, and
    the trained one goes on from its own weights. For a network without the second branch that
    predicts the same, :func:`mmseg_dkd.methods.rcil.pairs.plain` gives the weights.

    Args:
        kd_weight: Weight of MiB's distillation.
        pckd_weight: Weight of a map's pooled cube distillation (0.01 on VOC, 5e-6 on ADE20K).
        pckd_last_weight: The same for the last map (5e-4 and 5e-7), see
            :func:`mmseg_dkd.methods.rcil.pooled_cube.pooled_cube_loss`.
        kernels: Sizes of the windows of its spatial pooling.

    Raises:
        TypeError: If no convolution of the network can have a second branch, or the head is an
            auxiliary one.
    """

    LATER_ONLY: tuple[str, ...] = ('pckd_weight', 'pckd_last_weight', 'kernels')

    def __init__(
        self,
        *,
        kd_weight: float = 100.0,
        pckd_weight: float = 0.01,
        pckd_last_weight: float = 5e-4,
        kernels: Sequence[int] = (4, 8, 12, 16, 20, 24),
        **cfg,
    ) -> None:
        super().__init__(kd_weight=kd_weight, **cfg)
        self.pckd_weight = pckd_weight
        self.pckd_last_weight = pckd_last_weight
        self.kernels = kernels

    def prepare(self, model: nn.Module) -> None:
        """Give the convolutions of the whole network a second branch."""
        if self is not model.decode_head:
            raise TypeError(
                "RCILHead is a decode head, it doubles all of the network: write type='MiBHead' "
                'for an auxiliary head'
            )
        self.pairs = double(model, frozen=self.step > 0)

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Fold the branches; new classes start with the weight of the background.

        The folded branch alone answers like the old model, the mean of it and the trained one does
        not quite. Unlike MiB, the bias of the background stays what it was and that of the new
        classes is the fresh one (the authors' program).
        """
        started = refreeze(super().start_new_classes(state, name, fresh), self.pairs)
        new = f'{name}.conv_seg.steps.{self.step}.weight'
        background = state[f'{name}.conv_seg.background.weight']
        return started | {new: background.expand_as(fresh[new]).clone()}

    def teacher_outputs(self, inputs: list[Tensor], student: UnbiasedHead) -> list[Tensor]:
        """Maps of the backbone, the feature ``[N, D, h, w]`` and the logits ``[N, 1 + C_old, h,
        w]``."""
        feature = self.feature(inputs)
        return [*inputs, feature, self.prediction_of(feature)]

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: list[Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """MiB's terms and ``loss_pckd``, which grows with sqrt((1 + C) / C_new)."""
        feature = self.feature(inputs)
        if teacher is None:
            return self.loss_by_feat(feature, batch_data_samples)
        losses = self.loss_by_feat(feature, batch_data_samples, teacher[-1])
        logits = old_channels(self.prediction_of(feature), teacher[-1].shape[1])
        pckd = pooled_cube_loss(
            [*inputs, feature, logits],
            teacher,
            self.kernels,
            self.pckd_weight,
            self.pckd_last_weight,
        )
        return losses | dict(loss_pckd=math.sqrt(self.num_classes / len(self.new_labels)) * pckd)

    @classmethod
    def first_step(cls, cfg: dict) -> dict:
        """Cross entropy of both branches: another training than that of the plain network."""
        return super().first_step(cfg) | dict(type=cfg['type'])
