"""Reads by rule what somebody typed, in English or Chinese, and puts back what was lost."""
