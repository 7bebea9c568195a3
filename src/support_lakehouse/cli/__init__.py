"""The command line: it parses, calls, prints, and turns errors into exit codes."""
