"""The running platform from the terminal, through its API: its devices, and what they are told."""
