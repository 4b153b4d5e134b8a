"""RECALL: replay of retrieved images (Maracani et al., ICCV 2021).

Where it differs from what the authors have trained:

* Their decoder is four atrous convolutions onto all classes to come (DeepLab-V2). Here it is the
  base head, with classifiers for the classes seen.
* They label a retrieved image once, as a whole. Here its crop is labelled each time it is drawn.
* They alternate batches of retrieved images and batches of new ones. Here both are in a batch.
* They train a helper decoder for 1,000 iterations a class after its step, none for the last step.
  Here it learns beside its step, the last one too, since a scenario may grow.
* Images from a generative network are left out.
"""

from .head import RECALLHead
from .retrieved import RetrievedReplay

__all__ = ['RECALLHead', 'RetrievedReplay']
