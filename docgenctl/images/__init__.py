"""Base images, wheels by hash, and build contexts whose bytes depend only on their input."""
