"""What only the host's operating system knows: busy ports, routed networks, file owners, the browser."""
