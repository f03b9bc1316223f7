"""The ASGI side of the wire: long-poll, heartbeats, reports and tickets, and the browsers' live stream."""
