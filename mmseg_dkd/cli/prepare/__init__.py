"""What is there before the first run: the demo, pretrained backbones, lists of images."""
