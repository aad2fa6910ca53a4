"""What is shown in the terminal: briefs, takes, pictures and reports, and how far all is."""
