"""One module per contestant, run by that contestant's own interpreter; they may import nothing of ours but ``host``."""
