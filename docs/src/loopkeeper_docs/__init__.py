"""What makes pages of Loopkeeper's contracts, and a script of a tutorial."""
