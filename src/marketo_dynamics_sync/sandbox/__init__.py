"""Marketo and Dataverse on this machine: real wire protocol, real limits, no account.

This room shares no code with the connectors, so that an error in one shows in the other. It imports nothing
from the rest of the package.
"""
