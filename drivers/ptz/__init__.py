"""What all cameras have in common: actions, polls, and the dead-man stop."""
