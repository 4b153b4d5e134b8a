"""Student and teacher."""

import torch
from mmcv.cnn.bricks import DropPath
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from .dkd_head import DKDMixin

DROPOUTS = (_DropoutNd, DropPath, nn.MultiheadAttention)


@MODELS.register_module()
class IncrementalSegmentor(EncoderDecoder):
    """An ``EncoderDecoder`` that learns from the frozen model of the step before.

    The teacher is no submodule: it stays out of the checkpoint, the optimizer and the distributed
    wrapper. It is there only while a step after the first is being trained.

    Args:
        freeze_norm: Keep every BatchNorm in eval mode and its affine parameters as they are.
        freeze_dropout: Keep every dropout off, stochastic depth and that of attention included.
        only_auxiliary: Train the auxiliary classifier alone, by Eq. 10, with the rest in eval mode.
            For models that are there already (:mod:`mmseg_dkd.engine.start_from`).

    Raises:
        TypeError: If the decode head is not a ``DKDHead``, or an auxiliary head is given: its
            softmax loss would call every pixel of an old class background.
        ValueError: If only the auxiliary classifier is to be trained, and it has no loss.
    """

    def __init__(
        self,
        *args,
        freeze_norm: bool = False,
        freeze_dropout: bool = False,
        only_auxiliary: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self.decode_head, DKDMixin):
            raise TypeError(
                f'decode_head is a {type(self.decode_head).__name__}: write '
                "decode_head=dict(type='DKDHead', base_type=...)"
            )
        if self.with_auxiliary_head:
            raise TypeError('an incremental model has no auxiliary_head: set auxiliary_head=None')
        self.freeze_norm = freeze_norm
        self.freeze_dropout = freeze_dropout
        if freeze_norm:
            for module in self._modules_of(_BatchNorm):
                module.requires_grad_(False)
        self.only_auxiliary = only_auxiliary
        if only_auxiliary:
            if self.decode_head.loss_aux is None:
                raise ValueError(
                    'only the auxiliary classifier is to be trained, but decode_head has no '
                    "loss_aux: set loss_aux=dict(type='AuxiliaryLoss')"
                )
            self.requires_grad_(False)
            self.decode_head.conv_seg.auxiliary.requires_grad_(True)
        self.set_teacher(None)

    def _modules_of(self, kind: type) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, kind)]

    def train(self, mode: bool = True) -> 'IncrementalSegmentor':
        """Training mode, less what is frozen: loops call this again and again."""
        super().train(mode and not self.only_auxiliary)
        frozen = (_BatchNorm,) * self.freeze_norm + DROPOUTS * self.freeze_dropout
        for module in self._modules_of(frozen):
            module.eval()
        return self

    def set_teacher(self, teacher: 'IncrementalSegmentor | None') -> None:
        """Learn from this model, in eval mode and without gradients; None for no teacher."""
        if teacher is not None:
            teacher.eval().requires_grad_(False)
        self.__dict__['teacher'] = teacher

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Terms of Eq. 1 for images ``[N, 3, H, W]`` and their labels in learning order."""
        if self.only_auxiliary:
            with torch.no_grad():
                feature = self.decode_head.feature(self.extract_feat(inputs))
            losses = self.decode_head.loss_of_auxiliary(feature, inputs.shape[-2:])
            return add_prefix(losses, 'decode')
        reasoning = None
        if self.teacher is not None:
            with torch.no_grad():
                reasoning = self.teacher.decode_head.reason(
                    self.teacher.extract_feat(inputs), student=self.decode_head
                )
        losses = self.decode_head.loss(
            self.extract_feat(inputs), data_samples, self.train_cfg, reasoning
        )
        return add_prefix(losses, 'decode')
