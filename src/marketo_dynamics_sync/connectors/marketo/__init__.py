"""The way to Marketo Engage: persons over the REST API, with its limits kept on our side."""

from .connector import MarketoConnector

__all__ = ["MarketoConnector"]
