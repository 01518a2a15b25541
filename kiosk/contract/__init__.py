"""What station and authority share: messages, policy, ports and errors."""
