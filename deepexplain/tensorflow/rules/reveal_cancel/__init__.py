"""The RevealCancel rule of DeepLIFT: positive and negative contributions to a unit are told apart.

With z the input of an activation f, z0 that at the baseline, and d+ and d- the sums of the positive and of the negative
shares that the inputs of the layer before have of z - z0, in the mean of the two orders in which these may come:

    D+ = 1/2 [f(z0 + d+) - f(z0) + f(z0 + d+ + d-) - f(z0 + d-)],   m+ = D+ / d+,   and m- = D- / d- alike.

Positive shares get the multiplier m+ and negative ones m-. So the multiplier of an input that differs by dx from its
baseline is the sum over units of ``w (m+ + m-) / 2 + sign(dx) |w| (m+ - m-) / 2``. The first term is a gradient like
any other, with the mean multiplier of the activation; the second is carried past all that lies between the activation
and the layer (``shares``), and added where the gradient arrives there. Likewise d+ and d- are known from their sum,
z - z0, and from their difference, the sum of all shares without their signs: here their spread.
"""

from .book import FAMILIES, MAX_POOLING, RevealCancelBook

__all__ = ['FAMILIES', 'MAX_POOLING', 'RevealCancelBook']
