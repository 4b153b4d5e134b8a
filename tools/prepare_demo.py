"""mmseg-dkd prepare-demo, from a clone."""

from mmseg_dkd.cli.main import run_tool

if __name__ == '__main__':
    run_tool('prepare-demo')
