"""Parameter groups of the recipe: few, and of trainable parameters only."""

from mmengine.optim import DefaultOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """``paramwise_cfg.custom_keys`` of mmengine, one group for equal settings.

    mmengine's own constructor makes a group of every single parameter and logs three lines for
    each; with hundreds of them the optimizer spends its time in Python. Here a parameter that is
    not trained is in no group, and of the ``paramwise_cfg`` only ``custom_keys`` with ``lr_mult``
    and ``decay_mult`` counts: the longest key that is part of a parameter's name decides.

    Raises:
        ValueError: If ``paramwise_cfg`` has anything else.
    """

    def _validate_cfg(self) -> None:
        # Without any, mmengine would hand over every parameter, the frozen ones too.
        self.paramwise_cfg: dict = self.paramwise_cfg or dict(custom_keys={})
        super()._validate_cfg()
        keys = self.paramwise_cfg.get('custom_keys', {})
        wrong = set(self.paramwise_cfg) - {'custom_keys'}
        wrong |= {name for key in keys.values() for name in key} - {'lr_mult', 'decay_mult'}
        if wrong:
            raise ValueError(
                f'paramwise_cfg has {sorted(wrong)}: {type(self).__name__} knows custom_keys with '
                'lr_mult and decay_mult; for more, leave constructor out of optim_wrapper'
            )

    def add_params(self, params: list[dict], module: nn.Module, **kwargs) -> None:
        """Append the groups of a model to ``params``."""
        keys = self.paramwise_cfg.get('custom_keys', {})
        groups: dict[tuple, list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            # Of the longest keys the first in the alphabet, as in mmengine.
            key = max(sorted(key for key in keys if key in name), key=len, default=None)
            settings = keys[key] if key is not None else {}
            lr = self.base_lr * settings.get('lr_mult', 1.0)
            decay = self.base_wd * settings.get('decay_mult', 1.0) if self.base_wd else None
            groups.setdefault((lr, decay), []).append(parameter)
        for (lr, decay), members in groups.items():
            group = dict(params=members, lr=lr)
            if decay is not None:
                group['weight_decay'] = decay
            params.append(group)
