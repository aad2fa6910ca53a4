"""Many requests from one file: rows in, pictures and reports out."""
