"""Ships: the live picture, and tracks from the store."""
