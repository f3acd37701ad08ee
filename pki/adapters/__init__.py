"""The world: databases, sockets, files. Each adapter fills a port that a thinking room declares."""
