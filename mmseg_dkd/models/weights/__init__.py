"""Weights from elsewhere: whether they fit, and the names that others give them."""
