"""Models: names for weights, the weights on disk, and models in memory. Families of models live with their blocks."""
