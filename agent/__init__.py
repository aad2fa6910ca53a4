"""The agent: turns a request into a brief, spends the budget on candidates, and picks the best."""
