"""What limner costs and what it gains, measured; nothing in the package imports this."""
