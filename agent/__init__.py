"""The mind: turns a request into a brief, spends the budget on takes, and knows which is best."""
