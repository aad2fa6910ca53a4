"""What people ask of the small world, and what the writer learns to answer, in two languages."""
