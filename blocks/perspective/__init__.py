"""Look at a plane from straight above."""
