"""A page to drop a file on, and an API to build on: `unmask serve`. Needs the extra `server`; see docs/server.md."""
