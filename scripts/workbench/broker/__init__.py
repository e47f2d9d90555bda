"""A broker anywhere: AMQP_URL's, one that answers, Docker Compose's, or a private node.

Data flows one way: choice -> compose and native -> readiness -> probe.
"""

from workbench.broker.choice import Broker, current, ensure_up

__all__ = ["Broker", "current", "ensure_up"]
