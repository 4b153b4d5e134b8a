"""What every config resolves to, as digests: ``tests/data/resolved_configs.json``.

After a change of configs that is meant to change what they resolve to, or what a step learns, write
the file anew and look at its difference::

    python -m tests.configs.resolved
"""

import json
from pathlib import Path

from mmengine.config import Config

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs.recipe import digest, first_step_of, recipe_of
from mmseg_dkd.scenario import Scenario

from .names import CONFIGS, load

FILE = Path(__file__).parents[1] / 'data/resolved_configs.json'
LEAVES = sorted(str(path.relative_to(CONFIGS)) for path in CONFIGS.glob('[!_]*/*.py'))
# Variables of base files. They serve the composition of configs, and nothing reads them afterwards:
# they may differ, come and go.
VARIABLES = frozenset(
    """adamw adamw_keys auxiliary_method crop_size geometry head later_model load_annotations
    load_image load_saliency method poly retrieved small_batches train_pipeline""".split()
)


def resolved(name: str) -> dict:
    """Digests of a config.

    Args:
        name: Path of the config below ``configs``.

    Returns:
        ``keys``: of the content of every key at the top level. Of an incremental model also the
        fingerprint of its shared first step, ``first_step``, and those of the recipes of all steps,
        ``recipes`` and, where there is ``preset=paper``, ``paper``. Users' finished runs are
        recognised by these.
    """
    cfg = load(name)
    content = {key: part for key, part in cfg.to_dict().items() if key not in VARIABLES}
    digests = {'keys': {key: digest(part)[:8] for key, part in sorted(content.items())}}
    if cfg.model.type == 'IncrementalSegmentor':
        digests['first_step'] = first_step_of(cfg)
        digests['recipes'] = _recipes(cfg)
    if 'presets' in cfg:
        paper = Config(cfg.to_dict(), filename=cfg.filename)
        paper.preset = 'paper'
        digests['paper'] = _recipes(paper)
    return digests


def _recipes(cfg: Config) -> list[str]:
    return [recipe_of(step_config(cfg, step)) for step in range(Scenario(**cfg.scenario).num_steps)]


def write() -> None:
    """Write the file, a config a line."""
    lines = [f'{json.dumps(name)}: {json.dumps(resolved(name))}' for name in LEAVES]
    FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    write()
