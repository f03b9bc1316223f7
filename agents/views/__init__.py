"""The pages of sites, agents, virtual machines and commands."""
