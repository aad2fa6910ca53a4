"""A conversation about one picture: what was said, every version of its brief, every candidate."""
