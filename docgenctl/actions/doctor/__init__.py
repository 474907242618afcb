"""`docgenctl doctor`: small named checks, each on its own, none able to hide or delay the others."""
