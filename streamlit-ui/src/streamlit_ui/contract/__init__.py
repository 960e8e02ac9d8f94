"""What the gateway takes and answers: types made from its contract, and names for what they leave unnamed."""
