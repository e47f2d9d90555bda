"""Wrong answers to exercise 05."""

from wrong_answers.wrong import Wrong

LESSON = "05_sharing_the_work"
QOS = "            channel.basic_qos(prefetch_count=1)\n"
CONSUME = "channel.consume(QUEUE)"
READ = '                order_id = json.loads(body)["data"]["order_id"]\n'
SHIP = "                schedule_shipment(order_id)\n"
ACK = "                channel.basic_ack(method.delivery_tag)\n"
DECLARE = "            declare(channel, QUEUE)\n"
DECLARE_ONE_EACH = """            declare(channel, QUEUE)
            queue = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(queue, "lesson05.events", "order.created")
"""

FAIR = "a copy that is stuck keeps at most 2 orders from the others"
SURVIVES = "what a copy held when it died is shipped by another"

WRONG_ANSWERS = [
    Wrong(LESSON, "no limit", FAIR, ((QOS, ""),)),
    Wrong(LESSON, "a limit of a hundred", FAIR, (("prefetch_count=1", "prefetch_count=100"),)),
    Wrong(LESSON, "says it too late", FAIR, ((QOS, ""), (READ, "    " + QOS + READ))),
    Wrong(LESSON, "acknowledges first", SURVIVES, ((ACK, ""), (SHIP, ACK + SHIP))),
    Wrong(
        LESSON,
        "automatic acknowledgement",
        SURVIVES,
        ((ACK, ""), (CONSUME, "channel.consume(QUEUE, auto_ack=True)")),
    ),
    Wrong(
        LESSON,
        "wants to be alone",
        "a second copy works beside the first",
        ((CONSUME, "channel.consume(QUEUE, exclusive=True)"),),
    ),
    Wrong(
        LESSON,
        "a queue for each copy",
        "no order is shipped by two copies",
        ((DECLARE, DECLARE_ONE_EACH), (CONSUME, "channel.consume(queue)")),
    ),
    Wrong(LESSON, "never acknowledges its one order", FAIR, ((ACK, ""),)),
    Wrong(
        LESSON,
        "never acknowledges",
        "an order that is shipped leaves the queue",
        ((QOS, ""), (ACK, "")),
    ),
]
