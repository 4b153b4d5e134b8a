"""Runs the steps in order and remembers what is done."""

import gc
import logging
import time
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from ..engine.choices import choices
from ..engine.hooks.cost_hook import CostHook
from ..engine.resolve import step_config
from ..scenario import Scenario
from ..visualization.pictures import draw
from ..visualization.samples import predict_samples
from .first_step import adopt
from .growth import as_it_was
from .lock import one_writer
from .plan import StepPlan, checkpoint_of, memory_of, plan, step_folder
from .provenance import provenance, software
from .recipe import first_step_config, first_step_of, recipe_of
from .replay import draw_memory
from .results import MANIFEST, RESULTS, add_result, read_json, write_json
from .resume import LAST, clear, durable, go_on, sha256_of, verify


class Run:
    """The steps of one run.

    Args:
        cfg: The config of all steps, with ``scenario`` at the top level.
        work_dir: Folder of the run: ``step_K`` folders, manifest and results.
        first_steps: Folder of step 0s that runs share; without it step 0 is the run's own.

    Raises:
        ValueError: If the config has no valid scenario or memory, or shards the model.
    """

    def __init__(
        self, cfg: Config, work_dir: str | Path, first_steps: str | Path | None = None
    ) -> None:
        if 'scenario' not in cfg:
            raise ValueError(f'{cfg.filename} has no scenario: add scenario=dict(name=..., ...)')
        self.cfg = cfg
        self.work_dir = Path(work_dir)
        self.first_steps = None if first_steps is None else Path(first_steps)
        try:
            self.scenario = Scenario(**cfg.scenario)
        except (TypeError, ValueError) as error:
            raise ValueError(f'{cfg.filename}: scenario={cfg.scenario}: {error}') from error
        memory = cfg.get('memory')
        if memory and (set(memory) != {'size'} or not isinstance(memory.size, int)):
            raise ValueError(
                f'{cfg.filename}: memory={dict(memory)}: write memory=dict(size=<number of images>)'
            )
        wrapper = (cfg.get('model_wrapper_cfg') or {}).get('type', '')
        if 'FullySharded' in wrapper:
            raise ValueError(
                f'{cfg.filename}: model_wrapper_cfg is {wrapper}, but a step starts from whole '
                'tensors of the step before, which sharded models have not: leave it out, for '
                'MMDistributedDataParallel'
            )
        init_default_scope(cfg.get('default_scope', 'mmseg'))

    def plan(self, steps: list[int]) -> list[StepPlan]:
        """See :func:`mmseg_dkd.runs.plan.plan`."""
        return plan(self.cfg, self.work_dir, steps)

    def ahead(self, steps: list[int], resume: bool) -> list[int]:
        """The steps that are to be run: all, or, when resuming, those that are not finished.

        Raises:
            ValueError: If the folder holds another run: of another config, or, when resuming, of
                another scenario or recipe.
        """
        if resume:
            finished = self._finished()
            return [step for step in steps if step not in finished]
        there = read_json(self.work_dir / MANIFEST, {}).get('config', self._config_name)
        if there != self._config_name:
            # Configs of several methods have the same name, and so the same folder by default.
            raise ValueError(
                f'{self.work_dir} holds a run of {there}, which {self._config_name} would '
                'overwrite: give another --work-dir'
            )
        return steps

    @property
    def _checkpoint_hook(self) -> dict:
        return (self.cfg.get('default_hooks') or {}).get('checkpoint', {})

    @property
    def _config_name(self) -> str:
        return '/'.join(Path(self.cfg.filename).parts[-2:])

    def check(self, steps: list[int]) -> None:
        """Raise a RuntimeError that lists what is missing to run the steps, if anything is."""
        missing = [f'step {p.step}: {problem}' for p in self.plan(steps) for problem in p.missing]
        if missing:
            raise RuntimeError('nothing was trained:\n' + '\n'.join(missing))

    def run(self, steps: list[int], resume: bool = False, wait: bool = False) -> list[dict]:
        """Train and test the steps.

        Args:
            steps: The steps, ascending.
            resume: Skip finished steps and go on in the middle of an unfinished one.
            wait: Wait where another process writes to the folder, rather than raise.

        Returns:
            The entries of results.json.

        Raises:
            RuntimeError: If anything is missing, before any training, another process writes to
                the folder, or a loss or weight is not finite.
            ValueError: If the folder holds another run (:meth:`ahead`), a damaged file, or a
                checkpoint that is not what a finished step wrote.
            OSError: If a file cannot be written.
        """
        if best := self._checkpoint_hook.get('save_best'):
            print_log(
                f'save_best={best!r}: a checkpoint that a validation set chose is no figure of '
                'the paper; the steps start from the last checkpoint and report it',
                logger='current',
                level=logging.WARNING,
            )
        # Before anything is written, the lock included.
        self.check(self.ahead(steps, resume))
        with one_writer(self.work_dir, wait):
            return self._run(steps, resume)

    def _run(self, steps: list[int], resume: bool) -> list[dict]:
        ahead = self.ahead(steps, resume)
        if skipped := sorted(set(steps) - set(ahead)):
            print_log(f'already finished: steps {skipped}', logger='current')
        # What is changed on the disk from now on is not what runs.
        software()
        # All have read the manifest when the first process changes it.
        barrier()
        if ahead and is_main_process():
            self._forget(ahead[0], keep_unfinished=resume)
        barrier()
        start, results = time.time(), read_json(self.work_dir / RESULTS, [])
        for count, step in enumerate(ahead, 1):
            if step == 0 and self.first_steps is not None:
                found = self._share_step_0(self.first_steps)
            else:
                found = self._run_step(step, resume)
            results = found or results
            elapsed = time.time() - start
            left = timedelta(seconds=round(elapsed / count * (len(ahead) - count)))
            print_log(
                f'step {step} done ({count} of {len(ahead)}), about {left} to go', logger='current'
            )
        return results

    def _finished(self) -> dict[int, dict]:
        manifest = read_json(self.work_dir / MANIFEST, None)
        if manifest is None:
            return {}
        if not self.scenario.shares(manifest['fingerprint']):
            raise ValueError(
                f'{self.work_dir} holds a run of scenario {manifest["scenario"]} '
                f'({manifest["fingerprint"]}), not of {self.scenario} '
                f'({self.scenario.fingerprint}): give another --work-dir{self.scenario.no_growth}'
            )
        finished = {
            int(step): entry
            for step, entry in manifest['steps'].items()
            if (self.work_dir / entry['checkpoint']).is_file()
        }
        for step, entry in finished.items():
            if entry['recipe'] not in (recipe_of(c, step) for c in as_it_was(self.cfg, step)):
                raise ValueError(
                    f'{step_folder(self.work_dir, step)} was trained by another recipe than '
                    f'{self.cfg.filename} with these options (its config is there, to compare): '
                    'give another --work-dir, or leave --resume out and name the steps to be '
                    'trained by --steps'
                )
        return finished

    def _forget(self, first: int, keep_unfinished: bool) -> None:
        """Take back what an earlier run left of this and later steps: it is of other checkpoints.

        Without its ``last_checkpoint`` nothing in a step's folder can be resumed.
        """
        results, manifest = self.work_dir / RESULTS, self.work_dir / MANIFEST
        if results.exists():
            write_json(results, [e for e in read_json(results, []) if e['step'] < first])
        if manifest.exists():
            content = read_json(manifest, None)
            kept = {k: v for k, v in content['steps'].items() if int(k) < first}
            write_json(manifest, dict(content, steps=kept))
        for step in range(first + keep_unfinished, self.scenario.num_steps):
            (step_folder(self.work_dir, step) / LAST).unlink(missing_ok=True)
            memory_of(self.work_dir, step).unlink(missing_ok=True)

    def _share_step_0(self, first_steps: Path) -> list[dict] | None:
        shared = first_steps / first_step_of(self.cfg)
        Run(first_step_config(self.cfg), shared).run([0], resume=True, wait=True)
        results = None
        if is_main_process():
            verify(shared, 0, checkpoint_of(self.cfg, shared, 0))
            results = add_result(self.work_dir, adopt(self.cfg, shared, self.work_dir))
            draw(self.work_dir, step_folder(self.work_dir, 0), results)
            self._remember(0, dict(shared=str(shared)))
        barrier()
        return results

    def _run_step(self, step: int, resume: bool) -> list[dict] | None:
        folder = step_folder(self.work_dir, step)
        previous = checkpoint_of(self.cfg, self.work_dir, step - 1) if step else None
        if previous is not None:
            verify(self.work_dir, step - 1, previous)
        cfg = step_config(self.cfg, step, None if previous is None else str(previous))
        if step and cfg.get('memory'):
            file = draw_memory(self.cfg, self.work_dir, step)
            cfg.train_dataloader.dataset.memory = dict(file=str(file))
        cfg.work_dir = str(folder)
        # Runs are told apart by name, and mmengine's own names only differ from second to second.
        cfg.experiment_name = '_'.join(folder.resolve().parts[-4:])
        if cfg.get('visualizer'):
            # One of the same name would go on writing into the folder of the first step.
            cfg.visualizer.name = cfg.experiment_name
        durable(cfg)
        if not (resume and go_on(cfg, folder)) and is_main_process():
            clear(folder)
        cost = CostHook()
        runner = Runner.from_cfg(cfg)
        # Not by the config: it would be another recipe.
        runner.register_hook(cost)
        runner.train()
        spent = cost.spent()
        runner.test()
        results = None
        if is_main_process():
            metric = runner.test_loop.evaluator.metrics[0]
            entry = dict(
                step=step,
                **metric.scores,
                per_class_iou=metric.per_class_iou,
                choices=choices(cfg),
                provenance=provenance(
                    self._config_name,
                    recipe_of(self.cfg, step),
                    self.scenario.fingerprint,
                    runner.seed,
                ),
            )
            predict_samples(runner, folder / 'samples')
            results = add_result(self.work_dir, entry)
            draw(self.work_dir, folder, results)
            if self._checkpoint_hook.get('max_keep_ckpts') == 1:
                clear(folder, keep=checkpoint_of(self.cfg, self.work_dir, step))
            self._remember(step, dict(images=len(runner.train_dataloader.dataset), **spent))
        _stop_workers(runner)
        del runner
        gc.collect()
        torch.cuda.empty_cache()
        barrier()
        return results

    def _remember(self, step: int, facts: dict) -> None:
        path = self.work_dir / MANIFEST
        checkpoint = checkpoint_of(self.cfg, self.work_dir, step).relative_to(self.work_dir)
        steps = read_json(path, dict(steps={}))['steps']
        manifest = dict(
            config=self._config_name,
            scenario=self.scenario.name,
            setting=self.scenario.setting,
            fingerprint=self.scenario.fingerprint,
            steps={
                **steps,
                str(step): dict(
                    checkpoint=str(checkpoint),
                    recipe=recipe_of(self.cfg, step),
                    sha256=sha256_of(self.work_dir / checkpoint),
                    **facts,
                ),
            },
        )
        write_json(path, manifest)


def _stop_workers(runner: Runner) -> None:
    """Garbage collection would close the queues of persistent workers before it tells them to stop,
    and each of them would sit out a time-out of 5 s."""
    for dataloader in (runner.train_dataloader, runner.test_dataloader):
        iterator = getattr(dataloader, '_iterator', None)
        if iterator is not None:
            iterator._shutdown_workers()
