"""The hands and eyes: writers, painters and critics, which know nothing of the agent."""
