"""What a gateway says of itself and its devices: when, how much of it, and in which form."""
