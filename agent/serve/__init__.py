"""limner over HTTP: what callers may ask for, what they are told, and the page that people see."""
