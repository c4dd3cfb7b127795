"""The network that says what a picture shows, trained on drawings alone."""
