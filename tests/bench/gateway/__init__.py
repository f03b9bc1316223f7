"""`./landfall bench gateway`: heartbeats, memory per idle agent, and how fast a command arrives."""
