"""A world of people, companies and deals, services that fail, an engine that is killed, and an oracle."""
