"""Runs the steps in order and remembers what is done."""

import copy
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

from ..datasets.pipelines import show_pipeline
from ..engine import hand_over
from ..engine.choices import choices_of
from ..engine.hooks import CostHook, ForgettingHook
from ..engine.hooks.forgetting_hook import training_of
from ..engine.launcher import make_runner
from ..engine.start_from import take_over
from ..evaluation import IncrementalIoUMetric
from ..evaluation.scores import left_out
from ..models.segmentor import segmentor_of
from ..scenario import Scenario
from ..utils.json_file import damaged
from ..visualization.pictures import draw
from ..visualization.samples import predict_samples
from .first_step import adopt
from .lock import one_writer
from .manifest import MANIFEST, begin, forget, read_manifest, remember, verify
from .plan import StepPlan, listed, plan_of
from .provenance import provenance_of, software, tell_other_processes
from .recipe import first_step_config, first_step_of
from .rehearsal import rehearse
from .replay import draw_memory
from .results import add_result, forget_results, read_results
from .resume import LAST, clear, durable, go_on
from .step import Step, steps_of


class Run:
    """The steps of one run.

    Args:
        cfg: The config of all steps, with ``scenario`` at the top level.
        work_dir: Folder of the run: ``step_K`` folders, manifest and results.
        first_steps: Folder of step 0s that runs share; without it step 0 is the run's own.

    Attributes:
        scenario: Which classes are learned when.
        steps: Each with its config (:class:`.Step`).

    Raises:
        ValueError: If the config has no valid scenario, or shards the model.
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
        wrapper = (cfg.get('model_wrapper_cfg') or {}).get('type', '')
        if 'FullySharded' in wrapper:
            raise ValueError(
                f'{cfg.filename}: model_wrapper_cfg is {wrapper}, but a step starts from whole '
                'tensors of the step before, which sharded models have not: leave it out, for '
                'MMDistributedDataParallel'
            )
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        self.steps = steps_of(cfg, self.scenario, self.work_dir)

    def plan(self, steps: list[int]) -> list[StepPlan]:
        """What each step will do, and what it lacks (:func:`.plan_of`)."""
        return [plan_of(self.steps[step], steps) for step in steps]

    def ahead(self, steps: list[int], resume: bool) -> list[int]:
        """The steps that are to be run: all, or, when resuming, from the first unfinished one on.

        A finished step whose checkpoint was removed stays finished where the step after it is.

        Raises:
            ValueError: If the folder holds another run: of another config, scenario or recipe. The
                recipe does not matter where later steps alone are trained anew.
        """
        manifest = read_manifest(self.work_dir)
        if (resume or manifest['steps']) and not self.scenario.shares(
            manifest.get('fingerprint', self.scenario.fingerprint)
        ):
            raise ValueError(
                f'{self.work_dir} holds a run of scenario {manifest.get("scenario")} '
                f'({manifest["fingerprint"]}), not of {self.scenario} '
                f'({self.scenario.fingerprint}): give another --work-dir{self.scenario.no_growth}'
            )
        there = manifest.get('config', self._config_name)
        if there != self._config_name:
            raise ValueError(
                f'{self.work_dir} holds a run of {there}, which {self._config_name} would '
                f'{"go on" if resume else "overwrite"}: give another --work-dir'
            )
        finished = manifest['steps']
        # Whoever begins with a later step keeps those before it, whatever they were trained by.
        for step in sorted(map(int, finished)) if resume or 0 in steps else []:
            if step >= self.scenario.num_steps:
                raise damaged(self.work_dir / MANIFEST, f'{self.scenario} has no step {step}')
            if not self.steps[step].accepts(finished[str(step)]['recipe']):
                raise ValueError(self.steps[step].other_recipe())
        if not resume:
            return steps
        first, kept = self.scenario.num_steps, False
        for step in reversed(range(first)):
            entry = finished.get(str(step))
            kept = entry is not None and (kept or (self.work_dir / entry['checkpoint']).is_file())
            if not kept:
                first = step
        return [step for step in steps if step >= first]

    def check(self, steps: list[int]) -> None:
        """Raise a RuntimeError that lists what is missing to run the steps, if anything is, and
        log what is odd."""
        plans = self.plan(steps)
        for note in listed(plans, 'notes'):
            print_log(note, logger='current', level=logging.WARNING)
        if missing := listed(plans, 'missing'):
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
            RuntimeError: If anything is missing or a rehearsal fails, before any training, another
                process writes to the folder, or a loss or weight is not finite.
            ValueError: If the folder holds another run (:meth:`ahead`), a damaged file, or a
                checkpoint that is not what a finished step wrote.
            OSError: If a file cannot be written.
        """
        if best := self._checkpoint_hook.get('save_best'):
            print_log(
                f'save_best={best!r}: a checkpoint that a validation set chose gives no score of '
                'the paper; the steps start from the last checkpoint and report it',
                logger='current',
                level=logging.WARNING,
            )
        # Before anything is written, the lock included.
        ahead = self.ahead(steps, resume)
        self.check(ahead)
        with one_writer(self.work_dir, wait):
            if ahead:
                rehearse(self, ahead)
            return self.train_and_test(steps, resume)

    @property
    def _checkpoint_hook(self) -> dict:
        return (self.cfg.get('default_hooks') or {}).get('checkpoint') or {}

    @property
    def _config_name(self) -> str:
        return '/'.join(Path(self.cfg.filename).parts[-2:])

    def train_and_test(self, steps: list[int], resume: bool) -> list[dict]:
        """What :meth:`run` does once all is known to be there and nobody else writes."""
        ahead = self.ahead(steps, resume)
        if skipped := sorted(set(steps) - set(ahead)):
            print_log(f'already finished: steps {skipped}', logger='current')
        if ahead and (start_of := self.steps[ahead[0]].before):
            verify(self.work_dir, start_of.number, start_of.checkpoint)
        # What is changed on the disk from now on is not what runs.
        software()
        if resume and ahead:
            tell_other_processes(read_manifest(self.work_dir).get('processes'))
        # All have read the manifest when the first process changes it.
        barrier()
        if ahead and is_main_process():
            self._forget(ahead[0], keep_unfinished=resume)
            begin(self.work_dir, self._config_name, self.scenario)
        barrier()
        start, results = time.time(), read_results(self.work_dir, self.scenario)
        for count, step in enumerate(ahead, 1):
            if step == 0 and self.first_steps is not None:
                found = self._share_step_0(self.first_steps)
            else:
                found = self._run_step(self.steps[step], resume)
            results = found or results
            elapsed = time.time() - start
            left = timedelta(seconds=round(elapsed / count * (len(ahead) - count)))
            print_log(
                f'step {step} done ({count} of {len(ahead)}), about {left} to go', logger='current'
            )
        return results

    def _forget(self, first: int, keep_unfinished: bool) -> None:
        """Take back what an earlier run left of this and later steps: it is of other checkpoints.

        Without its ``last_checkpoint`` nothing in a step's folder can be resumed.
        """
        forget_results(self.work_dir, first)
        forget(self.work_dir, first)
        for step in self.steps[first + keep_unfinished :]:
            clear(step.folder)
            (step.folder / LAST).unlink(missing_ok=True)
            step.memory_file.unlink(missing_ok=True)

    def _share_step_0(self, first_steps: Path) -> list[dict] | None:
        shared = FirstStep(first_step_config(self.cfg), first_steps / first_step_of(self.cfg))
        shared.run([0], resume=True, wait=True)
        results = None
        if is_main_process():
            (taken, *_), (own, *_) = shared.steps, self.steps
            verify(shared.work_dir, 0, taken.checkpoint)
            results = add_result(self.work_dir, adopt(taken, own))
            draw(self.work_dir, own.folder, results)
            self._remember(own, dict(shared=str(shared.work_dir)))
        barrier()
        return results

    def _run_step(self, step: Step, resume: bool) -> list[dict] | None:
        cfg = copy.deepcopy(step.cfg)
        if step.before is not None and cfg.get('memory'):
            cfg.train_dataloader.dataset.memory = dict(
                file=str(draw_memory(step)), share=cfg.memory.share, labels=cfg.memory.labels
            )
        cfg.work_dir = str(step.folder)
        # Runs are told apart by name, and mmengine's own names only differ from second to second.
        cfg.experiment_name = '_'.join(step.folder.resolve().parts[-4:])
        if cfg.get('visualizer'):
            # One of the same name would go on writing into the folder of the first step.
            cfg.visualizer.name = cfg.experiment_name
        show_pipeline(durable(cfg))
        if not (resume and self._go_on(step, cfg)) and is_main_process():
            clear(step.folder)
        cost = CostHook()
        runner = make_runner(cfg)
        # Not by the config: it would be another recipe.
        runner.register_hook(cost)
        # The config may have one, with another bound.
        if not any(isinstance(hook, ForgettingHook) for hook in runner.hooks):
            runner.register_hook(ForgettingHook())
        if segmentor_of(runner).complete:
            take_over(runner, step.checkpoint)
        else:
            runner.train()
        spent = cost.spent()
        clip = runner.cfg.optim_wrapper.get('clip_grad') or {}
        training = training_of(runner.message_hub, clip.get('max_norm'))
        # Others read what the first process has written.
        barrier()
        # What is tested is what is kept: a hook such as EMAHook saves other weights than it leaves.
        state = hand_over.load(step.checkpoint, self.scenario, step.number)['state_dict']
        segmentor_of(runner).load_state_dict(state, strict=True)
        runner.test()
        results = None
        if is_main_process():
            (metric,) = (
                m for m in runner.test_loop.evaluator.metrics if isinstance(m, IncrementalIoUMetric)
            )
            entry = dict(
                step=step.number,
                **metric.scores,
                per_class_iou=metric.per_class_iou,
                left_out=left_out(metric.per_class_iou),
                training=training,
                choices=choices_of(cfg),
                provenance=provenance_of(
                    self._config_name, step.recipe, self.scenario.fingerprint, runner.seed
                ),
            )
            predict_samples(runner, step.folder / 'samples')
            results = add_result(self.work_dir, entry)
            draw(self.work_dir, step.folder, results)
            if self._checkpoint_hook.get('max_keep_ckpts') == 1:
                clear(step.folder, keep=step.checkpoint)
            self._remember(step, dict(images=len(runner.train_dataloader.dataset), **spent))
        _stop_workers(runner)
        del runner
        gc.collect()
        torch.cuda.empty_cache()
        barrier()
        return results

    def _go_on(self, step: Step, cfg: Config) -> bool:
        if (step.folder / LAST).is_file() and step.differing_keys():
            raise ValueError(step.other_recipe())
        return go_on(cfg, step.folder)

    def _remember(self, step: Step, facts: dict) -> None:
        remember(self.work_dir, step.number, step.checkpoint, step.recipe, facts)


class FirstStep(Run):
    """A step 0 that runs of several configs share: its folder is named after its recipe, and
    belongs to none of them."""

    @property
    def _config_name(self) -> str:
        return read_manifest(self.work_dir).get('config', super()._config_name)


def _stop_workers(runner: Runner) -> None:
    """Garbage collection would close the queues of persistent workers before it tells them to stop,
    and each of them would sit out a time-out of 5 s."""
    for dataloader in (runner.train_dataloader, runner.test_dataloader):
        iterator = getattr(dataloader, '_iterator', None)
        if iterator is not None:
            iterator._shutdown_workers()
