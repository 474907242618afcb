"""Words: parse the command line, call one action, print the result."""
