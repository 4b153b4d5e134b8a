# Fine-tuning on PASCAL VOC 2012: void is unknown, as in MiB's program, so that both share step 0.
_base_ = './finetune.py'
method = dict(void='unknown')
