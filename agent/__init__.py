"""The mind: turns a request into a brief, spends the budget on candidates, and knows which is best."""
