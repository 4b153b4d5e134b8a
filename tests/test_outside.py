"""What the repository shows outside: metadata, changelog, workflow, pre-commit, templates."""

import contextlib
import itertools
import re
import runpy
from importlib.metadata import PackageNotFoundError, requires

import pytest
import setuptools
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mmseg_dkd
from tests.test_links import links
from tests.tiny import REPOSITORY

GITHUB = REPOSITORY / '.github'
FORMS = sorted((GITHUB / 'ISSUE_TEMPLATE').glob('*.yml'))


@pytest.fixture(scope='module')
def metadata() -> dict:
    """What setup.py hands to setuptools."""
    found: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', lambda **words: found.update(words))
        patch.chdir(REPOSITORY)
        runpy.run_path('setup.py')
    return found


def read_yaml(path) -> dict:
    return yaml.safe_load(path.read_text())


def test_pypi_shows_no_link_that_leads_nowhere(metadata):
    readme, shown = (REPOSITORY / 'README.md').read_text(), metadata['long_description']
    assert links(readme) and not links(shown)
    web = re.compile(r'\]\(https?:[^)]*\)')
    assert web.findall(shown) == web.findall(readme)
    assert readme.split('\n## ')[0].splitlines()[0] == shown.splitlines()[0]


def test_the_workflow_runs_the_command_of_the_readme_on_every_python(metadata):
    job = read_yaml(GITHUB / 'workflows/tests.yml')['jobs']['tests']
    ((command,),) = ([step['run']] for step in job['steps'] if 'run' in step)
    assert command in (REPOSITORY / 'README.md').read_text()
    assert (REPOSITORY / command).is_file()
    named = [re.fullmatch(r'.* Python :: (3\.\d+)', entry) for entry in metadata['classifiers']]
    assert job['strategy']['matrix']['python'] == [match[1] for match in named if match]
    assert metadata['python_requires'] == f'>={job["strategy"]["matrix"]["python"][0]}'


def test_pre_commit_has_the_tested_ruff():
    repos = read_yaml(REPOSITORY / '.pre-commit-config.yaml')['repos']
    (ruff,) = (repo for repo in repos if repo['repo'].endswith('/ruff-pre-commit'))
    assert f'ruff=={ruff["rev"][1:]}' in (REPOSITORY / 'constraints.txt').read_text().split()


def test_constraints_pin_all_that_is_installed(metadata):
    lines = (REPOSITORY / 'constraints.txt').read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith('#')]
    assert all(re.fullmatch(r'==[\w.]+', str(pin.specifier)) for pin in pins)
    pinned = {
        canonicalize_name(pin.name) for pin in pins if not pin.marker or pin.marker.evaluate()
    }
    extras = (metadata['extras_require'][extra] for extra in ('demo', 'docs', 'tests'))
    waiting = [*metadata['install_requires'], *itertools.chain(*extras)]
    found: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name not in found and (not requirement.marker or requirement.marker.evaluate()):
            found.add(name)
            with contextlib.suppress(PackageNotFoundError):
                waiting += requires(name) or []
    assert len(found) > 40 and found - pinned == set()


@pytest.mark.parametrize('form', FORMS, ids=lambda form: form.stem)
def test_a_form_asks_something(form):
    content = read_yaml(form)
    assert content['name'] and content['description']
    asked = [part for part in content['body'] if part['type'] != 'markdown']
    assert len({part['id'] for part in asked}) == len(asked)
    assert any(part['validations']['required'] for part in asked if 'validations' in part)
    for file in re.findall(r'\b(?:configs|docs)/[\w./-]+\.(?:py|md)', form.read_text()):
        assert (REPOSITORY / file).is_file()


def test_forms_are_there():
    assert [form.stem for form in FORMS] == ['bug', 'question']


def test_the_changelog_is_in_the_form_of_keep_a_changelog():
    text = (REPOSITORY / 'CHANGELOG.md').read_text()
    versions = re.findall(r'^## \[(.+)\]', text, re.M)
    assert versions[:2] == ['Unreleased', mmseg_dkd.__version__]
    for version in re.split(r'^## ', text, flags=re.M)[1:]:
        kinds = re.findall(r'^### (.+)$', version, re.M)
        order = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
        assert kinds and kinds == [kind for kind in order if kind in kinds]
