"""The conversation in the terminal: its lines, its commands that begin with a slash, its keys."""
