"""What a failure means."""
