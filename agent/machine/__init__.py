"""What this machine has, and which writer, painter and critic go on it together."""
