"""Mixed precision: switched on by ``--amp``, refused where it cannot run."""

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper, ApexOptimWrapper
from mmseg.registry import OPTIM_WRAPPERS

from ..utils.config_parts import sections

# Where mmengine has it. A CPU could do bfloat16, but AmpOptimWrapper refuses it there.
DEVICES = ('cuda', 'mlu', 'musa', 'npu')


def switch_on(cfg: Config) -> None:
    """Make every ``optim_wrapper`` one of mixed precision, in place.

    Those of presets and of ``first_step`` and ``later_steps`` included, which are merged over the
    config later.
    """
    for part in sections(cfg._cfg_dict):
        if isinstance(wrapper := part.get('optim_wrapper'), dict):
            wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def problems_of_device(cfg: Config) -> list[str]:
    """That a config wants mixed precision, and this machine has no device for it, in words.

    Args:
        cfg: Config of one step, or of an ordinary training.
    """
    kind = (cfg.get('optim_wrapper') or {}).get('type')
    device = get_device()
    found = OPTIM_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    # A class of one's own, made of these, may work on a CPU.
    if found not in (AmpOptimWrapper, ApexOptimWrapper) or device in DEVICES:
        return []
    return [
        f'optim_wrapper.type is {found.__name__!r}, but mixed precision needs a GPU, and there is '
        f'none, only {device!r}: train on a machine with one, or in single precision, without '
        '--amp and by --cfg-options optim_wrapper.type=OptimWrapper'
    ]
