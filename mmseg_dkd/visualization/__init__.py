"""What a step draws."""
