"""Who a caller is and what they may do: users, tokens, keys, roles."""
