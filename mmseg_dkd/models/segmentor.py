"""Student and teacher."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from .base_heads import SINGLE_MAP_BACKBONES
from .incremental_head import IncrementalHead
from .method_registry import as_incremental

DROPOUTS = (_DropoutNd, DropPath, nn.MultiheadAttention)


@MODELS.register_module()
class IncrementalSegmentor(EncoderDecoder):
    """An ``EncoderDecoder`` that learns from the frozen model of the step before.

    The teacher is no submodule: it stays out of the checkpoint, the optimizer and the distributed
    wrapper. It is there only while a step after the first is being trained.

    Its heads are the method (:class:`.IncrementalHead`). Auxiliary heads, as many
    stock recipes have them, are incremental heads of their own: each has its classifiers, and its
    losses compare it with the same head of the teacher. Only the decode head predicts.

    Args:
        freeze_norm: Keep every BatchNorm in eval mode and its affine parameters as they are.
        freeze_dropout: Keep every dropout off, stochastic depth and that of attention included.
        train_only: Names of modules, such as ``decode_head.conv_seg.steps.1``; all others are
            frozen, in eval mode. All are trained if None.
        frozen_dropout: Leave dropout on in what ``train_only`` freezes.
        converted: Train, in eval mode, nothing but what a converted softmax model lacks
            (:mod:`mmseg_dkd.engine.start_from`); its heads say what that is, if anything.
        channels_last: Keep weights and maps in that memory format, in which convolutions are
            faster. Not every head can: one that reshapes maps by ``view`` cannot.

    Raises:
        TypeError: If a head, auxiliary ones included, is not incremental: its softmax loss would
            call every pixel of an old class background. If the backbone is one of
            ``mmseg_dkd.models.base_heads.SINGLE_MAP_BACKBONES``.
        ValueError: If an auxiliary head is of another scenario or step than the decode head,
            ``train_only`` names no module, or ``frozen_dropout`` contradicts the rest.
    """

    def __init__(
        self,
        *args,
        freeze_norm: bool = False,
        freeze_dropout: bool = False,
        train_only: Sequence[str] | None = None,
        frozen_dropout: bool = False,
        converted: bool = False,
        channels_last: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        kind = type(self.backbone).__name__
        if kind in SINGLE_MAP_BACKBONES:
            raise TypeError(
                f'{kind} cannot be the backbone of an incremental model: in eval mode it gives a '
                'single map, which only its own head takes, and that is no incremental head'
            )
        for name, head in self.incremental_heads.items():
            self._check(name, head)
        self.freeze_norm = freeze_norm
        self.freeze_dropout = freeze_dropout
        self.train_only = train_only
        self.frozen_dropout = frozen_dropout
        if frozen_dropout and (train_only is None or freeze_dropout):
            raise ValueError(
                'frozen_dropout=True leaves dropout on in what train_only freezes, but here are '
                f'train_only={train_only} and freeze_dropout={freeze_dropout}: set it to False'
            )
        if train_only is not None:
            self.learn_only(train_only)
        if freeze_norm:
            for module in self._modules_of((_BatchNorm,)):
                module.requires_grad_(False)
        self.converted = converted
        # Distributed training takes no model in which nothing could be trained.
        if converted and not self.complete:
            self.requires_grad_(False)
            for head in self.incremental_heads.values():
                for name in head.lacking:
                    head.get_submodule(name).requires_grad_(True)
        for head in self.incremental_heads.values():
            head.prepare(self)
        self.memory_format = torch.channels_last if channels_last else torch.preserve_format
        self.to(memory_format=self.memory_format)
        self.set_teacher(None)

    def learn_only(self, names: Sequence[str]) -> None:
        """Freeze all but these modules, and keep all else in eval mode (``train_only``)."""
        self.train_only = names
        self.requires_grad_(False)
        for name in names:
            self._named(name).requires_grad_(True)

    @property
    def incremental_heads(self) -> dict[str, IncrementalHead]:
        """All heads by the name of the module, with which its tensors' names in a checkpoint begin:
        ``decode_head``, then ``auxiliary_head`` or, of a list, ``auxiliary_head.0`` and so on."""
        heads = dict(decode_head=self.decode_head)
        auxiliary = getattr(self, 'auxiliary_head', None)
        if isinstance(auxiliary, nn.ModuleList):
            heads |= {f'auxiliary_head.{i}': head for i, head in enumerate(auxiliary)}
        elif auxiliary is not None:
            heads['auxiliary_head'] = auxiliary
        return heads

    @property
    def complete(self) -> bool:
        """Whether it is a converted model that lacks nothing, so that step 0 trains nothing."""
        return self.converted and not any(h.lacking for h in self.incremental_heads.values())

    def _check(self, name: str, head: nn.Module) -> None:
        kind, first = type(head).__name__, self.decode_head
        if not isinstance(head, IncrementalHead):
            remedy = '' if head is first else ', or set auxiliary_head=None'
            raise TypeError(
                f'{name} is a {kind}, whose softmax would call every pixel of an old class '
                f'background: write it as {as_incremental(kind)}{remedy}'
            )
        if (head.scenario.fingerprint, head.step) != (first.scenario.fingerprint, first.step):
            raise ValueError(
                f'{name} is at step {head.step} of {head.scenario}, decode_head at step '
                f'{first.step} of {first.scenario}: give both the same'
            )

    def _named(self, name: str) -> nn.Module:
        try:
            return self.get_submodule(name)
        except AttributeError as error:
            raise ValueError(f'train_only: the model has no module {name!r} ({error})') from error

    def _modules_of(self, kind: tuple[type, ...]) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, kind)]

    def train(self, mode: bool = True) -> 'IncrementalSegmentor':
        """Training mode, less what is frozen: loops call this again and again."""
        super().train(mode and not self.converted and self.train_only is None)
        for name in self.train_only or ():
            self._named(name).train(mode)
        for module in self._modules_of(DROPOUTS) if self.frozen_dropout else ():
            module.train(mode)
        frozen = (_BatchNorm,) * self.freeze_norm + DROPOUTS * self.freeze_dropout
        for module in self._modules_of(frozen):
            module.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        """Maps of the backbone, and of the neck where there is one, of images ``[N, 3, H, W]``."""
        return super().extract_feat(inputs.to(memory_format=self.memory_format))

    def set_teacher(self, teacher: 'IncrementalSegmentor | None') -> None:
        """Learn from this model, in eval mode and without gradients; None for no teacher."""
        if teacher is not None:
            teacher.eval().requires_grad_(False)
        self.__dict__['teacher'] = teacher

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Terms of the method for images ``[N, 3, H, W]`` and their labels in learning order.

        Returns:
            The terms of every head, named as in mmseg: ``decode.loss_mbce``, ``aux.loss_mbce`` or
            ``aux_0.loss_mbce`` and so on.
        """
        outputs = {}
        asking = {n: head for n, head in self.incremental_heads.items() if head.asks_teacher}
        if self.teacher is not None and asking:
            # Not inference_mode: autograd may not keep its tensors for the losses' backward pass.
            with torch.no_grad():
                maps, old_heads = self.teacher.extract_feat(inputs), self.teacher.incremental_heads
                for name, head in asking.items():
                    outputs[name] = old_heads[name].teacher_outputs(maps, student=head)
        maps, losses = self.extract_feat(inputs), dict[str, Tensor]()
        for name, head in self.incremental_heads.items():
            if self.converted:
                terms = head.loss_of_lacking(head.feature(maps), inputs.shape[-2:])
            else:
                terms = head.loss(maps, data_samples, self.train_cfg, outputs.get(name))
            prefix = name.replace('auxiliary', 'aux').replace('_head', '').replace('.', '_')
            losses |= add_prefix(terms, prefix)
        return losses


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode; afterwards each of its modules is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def segmentor_of(runner: Runner) -> IncrementalSegmentor:
    """The model of a runner, without what distributes it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
