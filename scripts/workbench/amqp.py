"""Connections to a broker for the scripts themselves; what fails is always one of pika's AMQP errors."""

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPConnectionError


class NeverOpened(AMQPConnectionError):
    """The broker took the connection, and did not open it in time, as one that hangs."""


def open_connection(parameters: pika.ConnectionParameters) -> pika.BlockingConnection:
    """Connect; raises AMQPConnectionError, and socket.gaierror for a host that nobody knows.

    For a connection that is not opened in time, and for one that is reset at once, pika has other errors.
    """
    try:
        return pika.BlockingConnection(parameters)
    except AMQPConnectorException as error:
        raise NeverOpened(str(error)) from error
    except ValueError as error:
        raise AMQPConnectionError(str(error)) from error
