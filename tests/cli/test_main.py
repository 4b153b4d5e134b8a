"""The command: its names, its help, its errors, and that it is quick."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

import mmseg_dkd
from mmseg_dkd.cli.configs import first_sentence
from mmseg_dkd.cli.main import COMMANDS, main, make_parser
from mmseg_dkd.cli.options import all_configs, find_config, work_dir_of
from tests.tiny import REPOSITORY

WARNING_OF_MMCV = 'MultiScaleDeformableAttention'
NOTICES = 'OneDL', WARNING_OF_MMCV


@pytest.fixture(scope='module')
def command(tmp_path_factory) -> list:
    """The command as its entry point starts it."""
    script = tmp_path_factory.mktemp('bin') / mmseg_dkd.COMMAND
    script.write_text('from mmseg_dkd.cli.main import main\nmain()\n')
    return [sys.executable, script]


def called(command, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        env=dict(PYTHONPATH=str(REPOSITORY), PATH='/usr/bin:/bin'),
        **options,
    )


@pytest.mark.parametrize('start', ['command', '-m'])
def test_help_is_quick(start, command, tmp_path):
    # Time of the processor, which other work on the machine does not lengthen: it is about 0.4 s.
    starts = {'command': command, '-m': [sys.executable, '-m', 'mmseg_dkd']}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = called(starts[start], 'train', '--help', cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.startswith('usage: mmseg-dkd train') and not done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


@pytest.mark.parametrize('arguments', [['--help'], ['--version'], ['train', '--help'], ['configs']])
def test_help_needs_neither_torch_nor_mmseg(arguments, tmp_path):
    # What takes seconds is importing them.
    script = tmp_path / mmseg_dkd.COMMAND
    script.write_text(
        'import atexit, sys\n'
        'heavy = {"torch", "mmseg", "mmcv"}\n'
        'atexit.register(lambda: print("heavy:", sorted(heavy & set(sys.modules))))\n'
        'from mmseg_dkd.cli.main import main; main()\n'
    )
    done = called([sys.executable, script], *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith('heavy: []\n') and not done.stderr
    assert mmseg_dkd.__version__ in done.stdout or '--version' not in arguments


def test_a_command_registers_the_types_and_shows_no_notices(command, tmp_path):
    done = called(command, 'train', 'dkd/fashion_4-2', '--dry-run', cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith('step 0: learns 4 classes')
    assert 'data/fashion/JPEGImages does not exist' in done.stdout
    assert 'checkpoint out: work_dirs/dkd/fashion_4-2/step_0/iter_800.pth' in done.stdout
    assert not any(notice in done.stdout + done.stderr for notice in NOTICES)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_registers_for_everybody_else():
    check = (
        'import mmseg_dkd; from mmseg.registry import MODELS; '
        'print(MODELS.get("IncrementalSegmentor").__name__)'
    )
    done = called([sys.executable, '-c', check])
    assert done.stdout == 'IncrementalSegmentor\n', done.stderr
    assert not any(notice in done.stderr for notice in NOTICES)


def test_a_spawned_worker_knows_the_types_and_shows_no_notices(tmp_path):
    # It gets the command's sys.argv.
    script = tmp_path / mmseg_dkd.COMMAND
    script.write_text(
        'import multiprocessing\n'
        'from mmseg_dkd.cli import main\n'
        'def work():\n'
        '    import mmseg_dkd\n'
        '    from mmseg.registry import MODELS\n'
        '    print(MODELS.get("IncrementalSegmentor").__name__)\n'
        'if __name__ == "__main__":\n'
        '    worker = multiprocessing.get_context("spawn").Process(target=work)\n'
        '    worker.start()\n'
        '    worker.join()\n'
    )
    done = called([sys.executable, script])
    assert done.stdout == 'IncrementalSegmentor\n', done.stdout + done.stderr
    assert not done.stderr


def test_only_the_notices_are_silenced():
    # Filters that torch and others set stay; what else is printed or warned of is seen.
    check = (
        'import warnings; from mmseg_dkd.utils.quiet import WARNED, without_notices\n'
        'with without_notices():\n'
        '    warnings.filterwarnings("ignore", message="theirs")\n'
        '    print("Could not import OneDL"); print("kept")\n'
        '    warnings.warn(WARNED); warnings.warn("seen")\n'
        'warnings.warn("theirs")'
    )
    done = called([sys.executable, '-c', check])
    assert done.stdout == 'kept\n'
    assert 'UserWarning: seen' in done.stderr
    assert WARNING_OF_MMCV not in done.stderr and 'theirs' not in done.stderr


def test_every_command_has_a_help_of_one_line():
    (actions,) = (a for a in make_parser()._actions if a.choices)
    assert [action.dest for action in actions._choices_actions] == list(COMMANDS)
    assert all(action.help.endswith('.') for action in actions._choices_actions)


def test_every_tool_is_its_command_and_nothing_else():
    for tool in (REPOSITORY / 'tools').glob('*.py'):
        lines = [line for line in tool.read_text().splitlines() if line]
        assert len(lines) == 4, tool
        assert lines[3].removeprefix("    run_tool('").removesuffix("')") in COMMANDS, tool


@pytest.mark.parametrize(
    ('arguments', 'status', 'words'),
    [
        ([], 2, 'COMMAND'),
        (['trian'], 2, "invalid choice: 'trian'"),
        (['train', 'dkd/voc_15-5', '--seed', '1', '--resumes'], 2, '--resumes'),
        (['train', 'dkd/voc_15-6', '--dry-run'], 1, 'did you mean dkd/voc_15-5'),
        (['train', 'nowhere.py'], 1, "no config 'nowhere.py'"),
        (['train', 'dkd/voc_15-5', '--steps', '7', '--dry-run'], 1, "--steps '7'"),
        (['configs', '15-6'], 1, "'15-6'"),
        (['evaluate', 'nowhere'], 1, 'nowhere holds no finished step'),
        (['report', 'nowhere'], 1, 'nowhere has no run'),
        (['figures', 'change', 'a'], 1, 'two rows, got 1'),
        (['export', 'dkd/voc_15-5', 'c.pth', 'out', '--formats', 'tflite'], 1, 'tflite'),
        (['test', 'dkd/voc_15-5', 'nowhere.pth'], 1, 'nowhere.pth: no such file'),
        (['convert-official', 'a.pth', 'b.pth', '--config', 'x'], 1, 'a.pth: no such file'),
    ],
)
def test_errors_name_what_is_wrong(arguments, status, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    said = capsys.readouterr().err if status == 2 else str(caught.value.code)
    assert (caught.value.code == 2) is (status == 2)
    assert words in said, said
    assert status == 2 or said.startswith('error: ')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a = b', "NameError: name 'b' is not defined"),
        ('a = (', 'SyntaxError'),
        ('a = 1 / 0', 'ZeroDivisionError'),
        ("_base_ = 'nowhere.py'", 'nowhere.py'),
        ("_base_ = 'unknown::dkd/voc_15-5.py'", 'does not support to load unknown'),
        ("custom_imports = dict(imports=['no_such_module'])", 'no_such_module'),
    ],
)
def test_a_config_that_is_none_is_named(text, words, tmp_path):
    config = tmp_path / 'own.py'
    config.write_text(text)
    with pytest.raises(SystemExit) as caught:
        main(['train', str(config), '--dry-run'])
    said = str(caught.value.code)
    assert said.startswith(f'error: {config}: ') and words in said, said


def test_a_file_that_is_no_config_is_named(tmp_path):
    (tmp_path / 'notes.md').write_text('x')
    with pytest.raises(SystemExit, match=r'error: .*notes\.md: OSError'):
        main(['train', str(tmp_path / 'notes.md')])


def test_a_config_of_another_project_is_found_by_name_but_not_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs/mine').mkdir(parents=True)
    (tmp_path / 'configs/mine/x.py').write_text('# Mine.\n')
    assert find_config('mine/x') == Path('configs/mine/x.py')
    names = [name for name, _ in all_configs()]
    assert 'mine/x' not in names and 'dkd/voc_15-5' in names


def test_a_config_is_found_by_path_or_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = REPOSITORY / 'configs/dkd/voc_15-5.py'
    assert find_config(str(file)) == find_config('dkd/voc_15-5') == find_config('dkd/voc_15-5.py')
    assert find_config('dkd/voc_15-5').samefile(file)
    # Those of the current folder come first.
    own = tmp_path / 'configs'
    for name in ('_base_/incremental_runtime.py', 'dkd/voc_15-5.py'):
        (own / name).parent.mkdir(parents=True)
        (own / name).write_text('# Mine.\n')
    assert find_config('dkd/voc_15-5').read_text() == '# Mine.\n'
    assert [name for name, _ in all_configs()] == ['dkd/voc_15-5']


@pytest.mark.parametrize(
    ('config', 'folder'),
    [
        ('configs/dkd/voc_15-5.py', 'work_dirs/dkd/voc_15-5'),
        ('/home/configs/x/configs/kd/a.b.py', 'work_dirs/kd/a.b'),
        ('site-packages/mmseg_dkd/.mim/configs/mib/ade_50-50.py', 'work_dirs/mib/ade_50-50'),
        ('configs/own.py', 'work_dirs/own'),
        ('mine/warehouse.py', 'work_dirs/warehouse'),
        ('configs.py', 'work_dirs/configs'),
    ],
)
def test_a_run_lies_where_its_config_does(config, folder):
    assert work_dir_of(Path('/', 'clone', config)) == Path(folder)


def test_a_config_may_name_its_folder():
    cfg = Config(dict(work_dir='/data/runs/mine'))
    assert work_dir_of(Path('configs/dkd/voc_15-5.py'), cfg) == Path('/data/runs/mine')


def test_no_two_configs_share_a_folder():
    folders = [work_dir_of(path) for _, path in all_configs()]
    assert len(set(folders)) == len(folders) > 100


def test_configs_are_listed_with_what_they_are(capsys):
    main(['configs', 'dkd/voc_15-5*'])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    name, text = lines[0].split(maxsplit=1)
    assert name == 'dkd/voc_15-5'
    assert text == 'DKD on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps)'


@pytest.mark.parametrize(
    ('config', 'last'),
    [('dkd_m_labels/voc_15-5', 'with the gamma of later steps'), ('frozen/voc_15-5', 'by mBCE')],
)
def test_a_sentence_ends_after_a_capital_but_not_after_eq(config, last):
    assert first_sentence(find_config(config)).endswith(last)


def test_the_demo_starts_from_what_training_its_softmax_model_leaves():
    start = Config.fromfile(find_config('dkd/fashion_4-2_from_softmax')).start_from
    assert Path(start).parent == work_dir_of(find_config('softmax/fashion_4'))


def test_the_console_script_is_declared():
    assert "'mmseg-dkd = mmseg_dkd.cli.main:main'" in (REPOSITORY / 'setup.py').read_text()
