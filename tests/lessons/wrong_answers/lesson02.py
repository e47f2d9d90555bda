"""Wrong answers to exercise 02."""

from wrong_answers.wrong import Wrong

LESSON = "02_acknowledgements"
CONSUME = "channel.consume(QUEUE)"
LOOP = "            for method"
TRY = "                try:\n"
SHIP = "                    schedule_shipment(order_id)\n"
SHIP_IN_THREES = """                    ready.append(order_id)
                    while len(ready) > 2:
                        schedule_shipment(ready.pop())
"""
OUTCRY = """                    raise click.ClickException(
                        f"{order_id} is not scheduled: {error}; start again."
                    ) from error
"""
REJECT = """                    channel.basic_nack(method.delivery_tag, requeue=False)
                    continue
"""
SWALLOW = '                    click.echo(f"no truck: {error}")\n'
ACK = "                channel.basic_ack(method.delivery_tag)\n"
SKIP = "                if method.redelivered:\n                    continue\n"

SURVIVES = "an order comes back when the service dies over it"
FAILS = "an order whose shipment fails is tried again"

WRONG_ANSWERS = [
    Wrong(LESSON, "acknowledges first", SURVIVES, ((ACK, ""), (TRY, ACK + TRY))),
    Wrong(
        LESSON,
        "automatic acknowledgement",
        SURVIVES,
        ((ACK, ""), (CONSUME, "channel.consume(QUEUE, auto_ack=True)")),
    ),
    Wrong(
        LESSON,
        "acknowledges everything",
        "an acknowledgement is for shipped orders only",
        (("basic_ack(method.delivery_tag)", "basic_ack(0, multiple=True)"),),
    ),
    Wrong(LESSON, "swallows the error", FAILS, ((OUTCRY, SWALLOW),)),
    Wrong(LESSON, "rejects what fails", FAILS, ((OUTCRY, REJECT),)),
    Wrong(
        LESSON,
        "remembers in memory only",
        SURVIVES,
        ((LOOP, "            ready = []\n" + LOOP), (SHIP, SHIP_IN_THREES)),
    ),
    Wrong(LESSON, "never acknowledges", "an order that is shipped leaves the queue", ((ACK, ""),)),
    Wrong(LESSON, "ignores what comes back", "an order that comes back is dealt with", ((TRY, SKIP + TRY),)),
]
