"""Reads what people type about the small world, in English and Chinese, without a model."""
