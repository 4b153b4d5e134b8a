"""The command: its names, its help, its errors, and that it is quick."""

import subprocess
import sys
from pathlib import Path

import pytest

import mmseg_dkd
from mmseg_dkd.cli.main import COMMANDS, main, make_parser
from mmseg_dkd.cli.options import all_configs, find_config, work_dir_of
from tests.tiny import REPOSITORY

NOTICES = 'OneDL', 'MultiScaleDeformableAttention'


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


@pytest.mark.parametrize('arguments', [['--help'], ['--version'], ['train', '--help'], ['configs']])
def test_help_needs_neither_torch_nor_mmseg(arguments, command, tmp_path):
    # What takes seconds is importing them.
    check = (
        'import atexit, sys; sys.argv[0] = "mmseg-dkd"; '
        'heavy = {"torch", "mmseg", "mmcv"}; '
        'atexit.register(lambda: print("heavy:", sorted(heavy & set(sys.modules)))); '
        'from mmseg_dkd.cli.main import main; main()'
    )
    done = called([sys.executable, '-c', check], *arguments, cwd=tmp_path)
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


def test_the_console_script_is_declared():
    assert "'mmseg-dkd = mmseg_dkd.cli.main:main'" in (REPOSITORY / 'setup.py').read_text()
