# SSUL without saliency maps: every pixel without a label is unknown, in the paper on ADE20K, here on
# the demo set too.
_base_ = './ssul.py'
method = dict(unknown='unlabelled')
