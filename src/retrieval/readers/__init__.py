"""One reader for one format: what a file holds → its text, the blocks of it, and what it says of itself."""
