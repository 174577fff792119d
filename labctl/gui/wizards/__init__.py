"""Calibrate the table step by step: measure, look at before and after, accept or discard."""
