"""The API of sites, agents, machines and destinations."""
