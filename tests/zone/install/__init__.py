"""Installing roots."""
