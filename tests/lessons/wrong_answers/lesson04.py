"""Wrong answers to exercise 04."""

from wrong_answers.wrong import Wrong

LESSON = "04_topic_routing"
REASONS = '["payment.completed", "order.gifted"]'
DECLARE = 'declare_queue(channel, "shipping", REASONS_TO_SHIP)'
DECLARE_EXCLUSIVE = """channel.queue_declare("", exclusive=True).method.queue
            for reason in REASONS_TO_SHIP:
                channel.queue_bind(queue, "lesson04.events", reason)"""
LOOK = """                if event["type"] in REASONS_TO_SHIP:
                    order_id = event["data"]["order_id"]
"""
NO_LOOK = """                if event["data"].get("order_id"):
                    order_id = event["data"]["order_id"]
"""
DATA_FIRST = """                order_id = event["data"]["order_id"]
                if event["type"] in REASONS_TO_SHIP:
"""
ACK = "                channel.basic_ack(method.delivery_tag)\n"
ACK_WHAT_IS_SHIPPED = "    " + ACK
OUTCRY = """                else:
                    raise click.ClickException(f"never heard of {event['type']}")
"""

UNPAID = "only what is paid or given away is shipped"
UNKNOWN = "an event that it does not know does not stop it"

WRONG_ANSWERS = [
    Wrong(
        LESSON,
        "takes from inventory's queue",
        "the other services hear as much as before",
        (('"shipping"', '"inventory"'),),
    ),
    Wrong(LESSON, "ships whatever it is sent", UNPAID, ((LOOK, NO_LOOK),)),
    Wrong(
        LESSON,
        "ships whatever is completed",
        UNPAID,
        (
            (REASONS, '["*.completed", "order.gifted"]'),
            ("in REASONS_TO_SHIP:\n", 'not in ("payment.failed", "order.created"):\n'),
        ),
    ),
    Wrong(
        LESSON,
        "takes a pattern for a prefix",
        "an order that is paid is shipped",
        ((DECLARE, 'declare_queue(channel, "shipping", ["payment", "order"])'),),
    ),
    Wrong(
        LESSON,
        "forgets what is given away",
        "an order that is given away is shipped",
        ((REASONS, '["payment.completed"]'),),
    ),
    Wrong(
        LESSON,
        "has everything sent",
        "it is sent only what it has a use for",
        ((DECLARE, 'declare_queue(channel, "shipping", ["#"])'),),
    ),
    Wrong(LESSON, "reads the data first", UNKNOWN, ((LOOK, DATA_FIRST),)),
    Wrong(LESSON, "cries out at what it does not know", UNKNOWN, ((ACK, OUTCRY + ACK),)),
    Wrong(
        LESSON,
        "acknowledges only what it ships",
        "an event that it has no use for leaves its queue",
        ((ACK, ACK_WHAT_IS_SHIPPED),),
    ),
    Wrong(
        LESSON,
        "has a queue that goes with it",
        "what happens while it is away waits for it",
        ((DECLARE, DECLARE_EXCLUSIVE),),
    ),
]
