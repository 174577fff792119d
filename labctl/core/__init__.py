"""Hold the vocabulary that every other package shares."""
