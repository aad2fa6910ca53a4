"""limner as a tool of other assistants, by the Model Context Protocol; the parts of its door."""
