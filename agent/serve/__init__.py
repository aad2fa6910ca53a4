"""limner over HTTP: routes for OpenAI's clients, and for the page that people see."""
