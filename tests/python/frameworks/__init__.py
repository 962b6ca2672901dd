"""Applications of frameworks, as people write them, for the tests of the server."""
