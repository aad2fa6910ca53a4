"""The small world that limner draws itself, its language, and the training of its models."""
