"""Publish so that it is known to be safe, and tell one message from another."""

import hashlib

import click
import pika
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel


def publish(channel: BlockingChannel, queue: str, body: bytes, properties: pika.BasicProperties) -> None:
    """Return when the message is safe in the queue; otherwise say why it is not.

    The channel has to be in confirm mode: mandatory without confirms is silent (lesson 03).
    """
    try:
        channel.basic_publish("", queue, body, properties, mandatory=True)
    except (amqp.UnroutableError, amqp.NackError) as error:
        why = "is not there" if isinstance(error, amqp.UnroutableError) else "takes no more"
        raise click.ClickException(
            f"{name_of(properties, body)} stays where it was: {queue} {why}; mend that, then run this again."
        ) from error


def name_of(properties: pika.BasicProperties, body: bytes) -> str:
    """The message's id; where its sender gave it none, a name made of what is in it."""
    return properties.message_id or f"body-{hashlib.sha256(body).hexdigest()[:8]}"
