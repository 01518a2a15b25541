"""What both processes may know: messages, policy, ports and errors."""
