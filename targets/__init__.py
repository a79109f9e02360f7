"""The planned systems as data: TOML files, their schema and loader, and which hosts may be loaded."""
