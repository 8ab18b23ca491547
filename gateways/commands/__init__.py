"""The commands of a gateway: taken off the broker, under way on a link, and replies that wait to be said."""
