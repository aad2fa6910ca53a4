"""The desk where programs and other models ask: what they may ask, and what they are told."""
