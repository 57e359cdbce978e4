"""What editors and clients of the ecosystem ask about blocks and workflows, told in its forms from our manifests."""
