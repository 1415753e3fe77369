"""Marketo's REST API."""

from .connector import MarketoConnector

__all__ = ["MarketoConnector"]
